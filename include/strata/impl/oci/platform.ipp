#pragma once

#include <strata/oci/platform.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <sys/utsname.h>
#include <system_error>

namespace strata::oci {

namespace detail {

STRATA_INLINE Platform with_go_names(Platform platform) {
  struct Name {
    std::string_view other, architecture, variant;
  };
  static constexpr std::array<Name, 14> names{{{"x86_64", "amd64", ""},
                                               {"x86-64", "amd64", ""},
                                               {"aarch64", "arm64", ""},
                                               {"armhf", "arm", "v7"},
                                               {"armel", "arm", "v6"},
                                               {"armv8l", "arm", "v8"},
                                               {"armv7l", "arm", "v7"},
                                               {"armv6l", "arm", "v6"},
                                               {"armv5tel", "arm", "v5"},
                                               {"i386", "386", ""},
                                               {"i486", "386", ""},
                                               {"i586", "386", ""},
                                               {"i686", "386", ""},
                                               {"loongarch64", "loong64", ""}}};
  auto const* const found = std::ranges::find(names, platform.architecture, &Name::other);
  if (found == names.end()) return platform;
  platform.architecture = found->architecture;
  if (platform.variant.empty()) platform.variant = found->variant;
  return platform;
}

STRATA_INLINE std::vector<std::string_view> runnable_variants(Platform const& wanted) {
  static constexpr std::array<std::string_view, 4> arm{"v8", "v7", "v6", "v5"};
  if (wanted.variant.empty())
    return wanted.architecture == "arm64" ? std::vector<std::string_view>{"", "v8"}
                                          : std::vector<std::string_view>{""};
  std::vector<std::string_view> out{wanted.variant};
  if (auto const* const at = std::ranges::find(arm, wanted.variant);
      wanted.architecture == "arm" && at != arm.end())
    out.assign(at, arm.end());
  out.emplace_back();
  return out;
}

}  // namespace detail

STRATA_INLINE Platform Platform::parse(std::string_view text) {
  std::vector<std::string> parts(1);
  for (char const c : text)
    if (c == '/')
      parts.emplace_back();
    else
      parts.back() += c;
  auto const is_word = [](std::string const& part) {
    return !part.empty() && std::ranges::all_of(part, [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
             c == '.' || c == '-';
    });
  };
  if (parts.size() < 2 || parts.size() > 3 || !std::ranges::all_of(parts, is_word))
    throw Error({EINVAL, std::system_category()},
                "\"" + std::string(text) + "\": not os/architecture[/variant]");
  parts.resize(3);
  return detail::with_go_names({.os = parts[0], .architecture = parts[1], .variant = parts[2]});
}

STRATA_INLINE std::string Platform::str() const {
  auto text = os + "/" + architecture;
  if (!variant.empty()) text += "/" + variant;
  return text;
}

STRATA_INLINE Platform host_platform() {
  utsname names{};
  if (::uname(&names) != 0) throw Error({errno, std::system_category()}, "uname");
  auto platform = detail::with_go_names({.os = "linux", .architecture = names.machine});
  if (platform.architecture == "arm64") platform.variant = "v8";
  // A 32-bit process on a 64-bit kernel.
  if constexpr (sizeof(void*) == 4) {
    if (platform.architecture == "amd64") platform.architecture = "386";
    if (platform.architecture == "arm64") platform = {.os = "linux", .architecture = "arm", .variant = "v8"};
  }
  return platform;
}

STRATA_INLINE std::optional<std::size_t> suitability(Platform const& wanted, Platform const& offered) {
  if (wanted.os != offered.os || wanted.architecture != offered.architecture) return std::nullopt;
  if (!wanted.os_version.empty() && wanted.os_version != offered.os_version) return std::nullopt;
  if (!std::ranges::all_of(wanted.os_features, [&](std::string const& feature) {
        return std::ranges::find(offered.os_features, feature) != offered.os_features.end();
      }))
    return std::nullopt;
  auto const variants = detail::runnable_variants(wanted);
  auto const found = std::ranges::find(variants, offered.variant);
  if (found == variants.end()) return std::nullopt;
  return static_cast<std::size_t>(found - variants.begin());
}

}  // namespace strata::oci
