#pragma once

#include <strata/conf/toml.hpp>
#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/oci/reference.hpp>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace strata::conf {

/// What a mirror is asked for.
enum class MirrorUse {
  all,
  digest_only,  ///< references with a digest
  tag_only,     ///< references without one
};

/// Where images of a registry are.
struct RegistryEndpoint {
  /// "host[:port][/namespace…]"; takes the place of the prefix. Empty: nothing is replaced
  std::string location = {};
  bool insecure = false;  ///< HTTP and certificates that nobody vouches for will do
  MirrorUse use = MirrorUse::all;
};

/// A `[[registry]]`.
struct RegistryRule {
  std::string prefix = {};  ///< of the references that it is for, or "*.example.com"
  RegistryEndpoint endpoint = {};
  std::vector<RegistryEndpoint> mirrors = {};  ///< in the order in which they are asked, before the endpoint
  bool blocked = false;
};

/// What becomes of a short name for which there are several candidates.
enum class ShortNameMode {
  disabled,    ///< each in turn
  permissive,  ///< the user is asked if there is a terminal
  enforcing,   ///< the user is asked, and without a terminal it is an error
};

/// One file of containers-registries.conf(5). Members that are none are not set by the file.
struct RegistriesFile {
  std::map<std::string, RegistryRule> rules = {};  ///< by prefix
  std::optional<std::vector<std::string>> search = {};
  std::optional<std::vector<std::string>> credential_helpers = {};
  std::optional<ShortNameMode> mode = {};
  std::map<std::string, std::string> aliases =
      {};                                 ///< short names, and complete names of repositories or nothing
  std::vector<std::string> unknown = {};  ///< keys that nobody knows
};

/// Which versions of the format are read.
enum class RegistriesFormat { any, only_second };

namespace detail {

/// A location without slashes at its end.
inline std::string read_location(TableReader& reader, std::string_view key) {
  std::string text;
  reader.value(key, text);
  if (text.starts_with("http://") || text.starts_with("https://"))
    reader.refuse(key, "\"" + text + "\" is a URL, where a host and a path belong");
  text.erase(text.find_last_not_of('/') + 1);
  return text;
}

inline RegistryEndpoint read_endpoint(TableReader& reader) {
  RegistryEndpoint out{.location = read_location(reader, "location")};
  reader.value("insecure", out.insecure);
  return out;
}

inline RegistryEndpoint read_mirror(TableReader& reader, bool by_digest_only) {
  auto out = read_endpoint(reader);
  if (out.location.empty()) reader.refuse("location", "a mirror without a location");
  std::string use;
  reader.value("pull-from-mirror", use);
  if (by_digest_only && !use.empty())
    reader.refuse("pull-from-mirror", "the registry has mirror-by-digest-only already");
  if (use == "digest-only" || by_digest_only)
    out.use = MirrorUse::digest_only;
  else if (use == "tag-only")
    out.use = MirrorUse::tag_only;
  else if (!use.empty() && use != "all")
    reader.refuse("pull-from-mirror", "\"" + use + "\" is neither all nor digest-only nor tag-only");
  return out;
}

inline RegistryRule read_rule(TableReader& reader) {
  RegistryRule out{.prefix = read_location(reader, "prefix"), .endpoint = read_endpoint(reader)};
  bool const wildcard = out.prefix.starts_with("*.");
  if (out.prefix.empty()) out.prefix = out.endpoint.location;
  if (out.prefix.empty()) reader.refuse("location", "neither a location nor a prefix");
  if (out.endpoint.location.empty() && !wildcard)
    reader.refuse("location", "none, and the prefix is not of the form *.example.com");
  if (out.prefix.starts_with("*.") && out.prefix.find_first_of("/@:") != std::string::npos)
    reader.refuse("prefix", "\"" + out.prefix + "\" is not of the form *.example.com");
  reader.value("blocked", out.blocked);
  std::string use;
  reader.value("pull-from-mirror", use);
  if (!use.empty()) reader.refuse("pull-from-mirror", "only for a mirror");
  bool by_digest_only = false;
  reader.value("mirror-by-digest-only", by_digest_only);
  reader.tables("mirror",
                [&](TableReader& mirror) { out.mirrors.push_back(read_mirror(mirror, by_digest_only)); });
  return out;
}

/// All `[[registry]]`; of several with one prefix the first counts.
inline std::map<std::string, RegistryRule> read_rules(TableReader& top) {
  std::map<std::string, RegistryRule> out;
  std::map<std::string, std::pair<bool, bool>> of_location;  // insecure, blocked
  top.tables("registry", [&](TableReader& reader) {
    auto rule = read_rule(reader);
    auto const& place = rule.endpoint.location.empty() ? rule.prefix : rule.endpoint.location;
    auto const [entry, is_new] = of_location.try_emplace(place, rule.endpoint.insecure, rule.blocked);
    if (entry->second.first != rule.endpoint.insecure)
      reader.refuse("insecure", "another registry at \"" + place + "\" has another value");
    if (entry->second.second != rule.blocked)
      reader.refuse("blocked", "another registry at \"" + place + "\" has another value");
    auto prefix = rule.prefix;
    out.emplace(std::move(prefix), std::move(rule));
  });
  return out;
}

/// A short name: the name of a repository without domain, tag and digest.
inline bool is_short_name(std::string_view name) {
  std::error_code error;
  return name.find_first_of(":@") == std::string_view::npos && !oci::detail::states_domain(name) &&
         oci::Reference::parse(name, error).has_value();
}

/// The complete name of the repository that an alias stands for; empty if it is none.
inline std::string aliased_name(std::string_view value) {
  std::error_code error;
  if (!oci::detail::states_domain(value) || value.find('@') != std::string_view::npos ||
      value.find(':', value.find('/')) != std::string_view::npos)
    return {};
  auto const found = oci::Reference::parse(value, error);
  return found ? found->name() : std::string();
}

inline std::map<std::string, std::string> read_aliases(TableReader& top) {
  std::map<std::string, std::string> out;
  std::optional<std::map<std::string, std::string>> table;
  top.value("aliases", table);
  if (!table) return out;
  for (auto const& [name, value] : *table) {
    if (!is_short_name(name)) top.refuse("aliases", "\"" + name + "\" is no short name of a repository");
    auto target = aliased_name(value);
    if (target.empty() && !value.empty())
      top.refuse("aliases", "\"" + value + "\" is no complete name of a repository without tag and digest");
    out.emplace(name, std::move(target));
  }
  return out;
}

/// Version 1: `[registries.search]`, `[registries.insecure]`, `[registries.block]`, as rules.
/// @return true if the file has something of it
inline bool read_first_version(TableReader& top, RegistriesFile& out) {
  std::array<std::optional<std::vector<std::string>>, 3> lists;
  top.table("registries", [&](TableReader& registries) {
    constexpr std::array<std::string_view, 3> keys{"search", "insecure", "block"};
    for (std::size_t i = 0; i < keys.size(); ++i)
      registries.table(keys[i], [&](TableReader& list) { list.value("registries", lists[i]); });
  });
  auto const rule_of = [&](std::string location) -> RegistryRule& {
    if (location.starts_with("http://") || location.starts_with("https://") || location.empty())
      top.refuse("registries", "\"" + location + "\" is no host and path");
    location.erase(location.find_last_not_of('/') + 1);
    return out.rules
        .try_emplace(location, RegistryRule{.prefix = location, .endpoint = {.location = location}})
        .first->second;
  };
  if (lists[0]) out.search = lists[0];
  if (lists[1])
    for (auto const& location : *lists[1]) rule_of(location).endpoint.insecure = true;
  if (lists[2])
    for (auto const& location : *lists[2]) rule_of(location).blocked = true;
  return std::ranges::any_of(lists, [](auto const& list) { return list.has_value(); });
}

inline std::optional<ShortNameMode> read_mode(TableReader& top) {
  std::string text;
  top.value("short-name-mode", text);
  if (text.empty()) return std::nullopt;
  if (text == "disabled") return ShortNameMode::disabled;
  if (text == "permissive") return ShortNameMode::permissive;
  if (text == "enforcing") return ShortNameMode::enforcing;
  top.refuse("short-name-mode", "\"" + text + "\" is neither disabled nor permissive nor enforcing");
}

}  // namespace detail

/// Reads one file. Keys that nobody knows are no error, as in containers/image.
/// @throws `Errc::configuration` with file, line and key; `Errc::over_budget`; `errno`, "open <path>", "read <path>"
inline RegistriesFile read_registries_file(fs::path const& path,
                                           RegistriesFormat format = RegistriesFormat::any) {
  TomlFile const file(path);
  TableReader top(file);
  RegistriesFile out;
  out.rules = detail::read_rules(top);
  top.value("unqualified-search-registries", out.search);
  top.value("credential-helpers", out.credential_helpers);
  out.mode = detail::read_mode(top);
  out.aliases = detail::read_aliases(top);
  bool const is_second =
      !out.rules.empty() || out.search || out.credential_helpers || out.mode || !out.aliases.empty();
  if (detail::read_first_version(top, out)) {
    if (format == RegistriesFormat::only_second)
      top.refuse("registries", "version 1 of the format, in a drop-in");
    if (is_second) top.refuse("registries", "version 1 and version 2 of the format in one file");
  }
  if (out.search)
    for (auto& registry : *out.search) {
      registry.erase(registry.find_last_not_of('/') + 1);
      if (!oci::detail::is_registry_domain(registry))
        top.refuse("unqualified-search-registries", "\"" + registry + "\" is no host of a registry");
    }
  top.ignore("additional-layer-store-auth-helper");
  out.unknown = top.unknown_keys();
  return out;
}

}  // namespace strata::conf
