#pragma once

#include <strata/idmap/range.hpp>
#include <strata/sys/file.hpp>

#include "options.hpp"
#include <array>
#include <charconv>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

/// The options that say which ids of the host stand for those in a layer.
namespace oci_storage {

namespace detail {

inline std::optional<std::int64_t> number(std::string_view text) {
  std::uint32_t value = 0;
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? std::optional<std::int64_t>(value)
                                                                  : std::nullopt;
}

/// The next piece of `text` up to a colon.
inline std::string_view next_field(std::string_view& text) {
  auto const end = text.find(':');
  auto const field = text.substr(0, end);
  text = end == text.npos ? std::string_view() : text.substr(end + 1);
  return field;
}

/// Triples "container:host:size", joined by further colons. @param which "uid" or "gid"
inline void add_triples(std::vector<strata::IdRange>& out, std::string const& text, std::string_view which) {
  std::string_view rest = text;
  while (!rest.empty()) {
    auto const container = number(next_field(rest)), host = number(next_field(rest)),
               size = number(next_field(rest));
    if (!container || !host || !size)
      throw std::runtime_error("initializing ID mappings: " + std::string(which) +
                               " setting is malformed expected [\"uint32:uint32:uint32\"]: [\"" + text +
                               "\"]");
    out.push_back({*container, *host, *size});
  }
}

/// All ranges of a name in the file of subordinate ids (subuid(5): "name:first:count"), one behind another from
/// container id 0 on.
inline void add_subordinate(std::vector<strata::IdRange>& out, std::string const& name,
                            std::string_view which) {
  std::string const path = which == "uid" ? "/etc/subuid" : "/etc/subgid";
  auto const text = strata::sys::read_file_if_exists(path).value_or(std::string());
  std::int64_t next = 0;
  for (std::string_view rest = text; !rest.empty();) {
    auto const end = std::min(rest.find('\n'), rest.size());
    auto line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (next_field(line) != name) continue;
    auto const first = number(next_field(line)), count = number(line);
    if (!first || !count) continue;
    out.push_back({next, *first, *count});
    next += *count;
  }
  if (next == 0)
    throw std::runtime_error("no sub" + std::string(which) + " ranges found for " +
                             (which == "uid" ? "user" : "group") + " \"" + name + "\" in " + path);
}

}  // namespace detail

/// The options every command has that makes a layer.
inline constexpr auto id_map_options = std::to_array<OptionSpec>({
    {"--hostuidmap", OptionKind::flag, "Force host UID map"},
    {"--hostgidmap", OptionKind::flag, "Force host GID map"},
    {"--uidmap", OptionKind::text, "UID map"},
    {"--gidmap", OptionKind::text, "GID map"},
    {"--subuidmap", OptionKind::text, "subuid UID map for a user"},
    {"--subgidmap", OptionKind::text, "subgid GID map for a group"},
});

inline strata::IdMaps id_maps(Options const& options) {
  auto subuid = options.text("subuidmap"), subgid = options.text("subgidmap");
  auto const uidmap = options.text("uidmap"), gidmap = options.text("gidmap");
  if (options.flag("hostuidmap") && (!uidmap.empty() || !subuid.empty()))
    throw std::runtime_error("host uid map specified along with UID mapping");
  if (options.flag("hostgidmap") && (!gidmap.empty() || !subgid.empty()))
    throw std::runtime_error("host gid map specified along with GID mapping");
  if (subuid.empty()) subuid = subgid;
  if (subgid.empty()) subgid = subuid;
  strata::IdMaps out;
  if (!subuid.empty()) {
    detail::add_subordinate(out.uids, subuid, "uid");
    detail::add_subordinate(out.gids, subgid, "gid");
  }
  detail::add_triples(out.uids, uidmap, "uid");
  detail::add_triples(out.gids, gidmap, "gid");
  return out;
}

}  // namespace oci_storage
