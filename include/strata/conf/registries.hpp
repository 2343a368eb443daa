#pragma once

#include <strata/conf/host.hpp>
#include <strata/conf/registries_file.hpp>
#include <strata/conf/search.hpp>
#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/oci/reference.hpp>

#include <algorithm>
#include <cerrno>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace strata::conf {

/// One place to pull an image from.
struct PullSource {
  oci::Reference reference;  ///< to connect to
  bool insecure = false;     ///< HTTP and certificates that nobody vouches for will do
};

namespace detail {

/// Files "*.conf" in a directory, by name; links as well. None if it is missing.
inline std::vector<fs::path> conf_files(fs::path const& directory) {
  std::vector<fs::path> out;
  boost::system::error_code error;
  fs::directory_iterator entries(directory, error);
  if (error) {
    if (error == boost::system::errc::no_such_file_or_directory) return out;
    throw Error(error, "open " + directory.native());
  }
  for (auto const& entry : entries)
    if (entry.path().native().ends_with(".conf") && entry.symlink_status().type() != fs::directory_file)
      out.push_back(entry.path());
  std::ranges::sort(out, {}, [](fs::path const& path) { return path.native(); });
  return out;
}

/// Length of the beginning of a reference that a prefix stands for, none if it does not.
inline std::optional<std::size_t> matched(oci::Reference const& reference, std::string_view prefix) {
  if (prefix.starts_with("*.")) {
    auto const host = std::string_view(reference.domain()).substr(0, reference.domain().find(':'));
    if (!host.ends_with(prefix.substr(1))) return std::nullopt;
    return host.size();
  }
  // What the manual page says of prefixes with a tag or a digest, containers/image does not do.
  auto const name = reference.name();
  // A colon is that of a port, which containers/image takes as well.
  bool const fits = name.starts_with(prefix) && (name.size() == prefix.size() || name[prefix.size()] == '/' ||
                                                 name[prefix.size()] == ':');
  return fits ? std::optional(prefix.size()) : std::nullopt;
}

}  // namespace detail

/// How short names are completed, and where the images of a registry are pulled from: containers-registries.conf(5),
/// as containers/image 5.23 and later releases have it. A value.
///
///     auto const registries = conf::Registries::load(conf::Host::current());
///     for (auto const& reference : registries.resolve("debian"))
///       for (auto const& source : registries.sources_of(reference)) …  // until one has it
class Registries {
 public:
  /// Reads the files of this host and user.
  ///
  /// The main file is the named one, `$CONTAINERS_REGISTRIES_CONF` or `$REGISTRIES_CONFIG_PATH`, which must exist; else
  /// `~/.config/containers/registries.conf`, or `/etc/containers/registries.conf`. Then come the drop-ins of
  /// `/etc/containers/registries.conf.d`, unless the main file is the user's, and those of
  /// `~/.config/containers/registries.conf.d`, by name. Aliases that programs recorded are those of
  /// `short-name-aliases.conf` in `/var/cache/containers`, of an ordinary user in `$XDG_CACHE_HOME/containers`
  /// (`~/.cache`).
  /// @param named  may be empty
  /// @throws as `read_registries_file`; `errno`, "stat <path>", "open <directory>"
  static Registries load(Host const& host, fs::path const& named = {}) {
    Registries out;
    fs::path const home = host.home_directory();
    auto const own = home.empty() ? home : home / ".config/containers/registries.conf";
    auto const etc = host.system / "etc/containers/registries.conf";
    auto main = named;
    for (auto const* variable : {"CONTAINERS_REGISTRIES_CONF", "REGISTRIES_CONFIG_PATH"})
      if (main.empty()) main = host.variable(variable);
    bool const is_own = main.empty() && !own.empty() && detail::file_exists(own);
    if (!main.empty())
      out.apply(main, RegistriesFormat::any);
    else if (is_own)
      out.apply(own, RegistriesFormat::any);
    else if (detail::file_exists(etc))
      out.apply(etc, RegistriesFormat::any);
    std::vector<fs::path> drop_ins;
    if (!is_own) drop_ins = detail::conf_files(etc.native() + ".d");
    if (!own.empty())
      std::ranges::copy(detail::conf_files(own.native() + ".d"), std::back_inserter(drop_ins));
    for (auto const& path : drop_ins)
      if (detail::file_exists(path)) out.apply(path, RegistriesFormat::only_second);
    out.read_recorded(host, home);
    return out;
  }

  /// References that a text may mean, in the order in which they are tried: itself if it has a domain; what an alias of its
  /// name stands for; or the name in each of the registries to search. Each has a tag or a digest.
  /// @throws `Errc::invalid_reference`, if it means none as well
  std::vector<oci::Reference> candidates(std::string_view text) const {
    auto const complete = oci::Reference::parse(text);
    if (oci::detail::states_domain(text)) return {complete};
    auto const suffix = std::min(text.find(':'), text.find('@'));
    auto const name = std::string(text.substr(0, suffix));
    auto const rest = suffix == std::string_view::npos ? std::string() : std::string(text.substr(suffix));
    if (auto const alias = aliases_.find(name); alias != aliases_.end() && !alias->second.empty())
      return {oci::Reference::parse(alias->second + rest)};
    std::vector<oci::Reference> out;
    for (auto const& registry : search_) out.push_back(oci::Reference::parse(registry + '/' + name + rest));
    if (out.empty())
      throw Error(Errc::invalid_reference,
                  "short name \"" + std::string(text) +
                      "\": no alias has it, and no unqualified-search-registries are configured");
    return out;
  }

  /// `candidates`, for who cannot ask the user.
  /// @throws `Errc::invalid_reference`, also if there are several and `mode()` is `enforcing`
  std::vector<oci::Reference> resolve(std::string_view text) const {
    auto out = candidates(text);
    if (out.size() > 1 && mode_ == ShortNameMode::enforcing) {
      std::string list;
      for (auto const& reference : out) list += (list.empty() ? "" : ", ") + reference.str();
      throw Error(Errc::invalid_reference, "short name \"" + std::string(text) + "\" could be " + list +
                                               ", and short-name-mode is enforcing");
    }
    return out;
  }

  /// Where to pull an image from: the mirrors of its registry that are for such references, and then the registry's location.
  /// @throws `Errc::image_forbidden` if the registry is blocked; `Errc::configuration` if a location makes no reference
  std::vector<PullSource> sources_of(oci::Reference const& reference) const {
    auto const* const rule = find_rule(reference);
    if (rule == nullptr) return {{reference}};
    if (rule->blocked)
      throw Error(Errc::image_forbidden,
                  reference.str() + ": registries.conf blocks \"" + rule->prefix + '"');
    auto const at = *detail::matched(reference, rule->prefix);
    std::vector<PullSource> out;
    for (auto const& mirror : rule->mirrors)
      if (mirror.use == MirrorUse::all ||
          (mirror.use == MirrorUse::digest_only) == reference.digest().has_value())
        out.push_back({rewritten(reference, at, mirror.location), mirror.insecure});
    out.push_back({rewritten(reference, at, rule->endpoint.location), rule->endpoint.insecure});
    return out;
  }

  /// The rule for a reference, that with the longest prefix; null if there is none.
  RegistryRule const* find_rule(oci::Reference const& reference) const {
    RegistryRule const* found = nullptr;
    for (auto const& [prefix, rule] : rules_)
      if (detail::matched(reference, prefix) && (found == nullptr || prefix.size() > found->prefix.size()))
        found = &rule;
    return found;
  }

  std::map<std::string, RegistryRule> const& rules() const noexcept { return rules_; }  ///< by prefix
  std::vector<std::string> const& search() const noexcept { return search_; }
  ShortNameMode mode() const noexcept { return mode_; }
  /// For `CredentialOptions::helpers`.
  std::vector<std::string> const& credential_helpers() const noexcept { return helpers_; }
  std::vector<fs::path> const& files() const noexcept { return files_; }  ///< that were read, in order
  std::vector<std::string> const& warnings() const noexcept {
    return warnings_;
  }  ///< of keys that nobody knows

 private:
  /// Lays a file over those before.
  void apply(fs::path const& path, RegistriesFormat format) {
    auto file = read_registries_file(path, format);
    for (auto& [prefix, rule] : file.rules) rules_[prefix] = std::move(rule);
    for (auto& [name, value] : file.aliases) aliases_[name] = std::move(value);
    if (file.search) search_ = *std::move(file.search);
    if (file.mode) mode_ = *file.mode;
    if (file.credential_helpers && !file.credential_helpers->empty())
      helpers_ = *std::move(file.credential_helpers);
    note(path, file);
  }

  void read_recorded(Host const& host, fs::path const& home) {
    fs::path cache = host.system / "var/cache";
    if (host.own_store()) {
      cache = host.variable("XDG_CACHE_HOME");
      if (cache.empty() && !home.empty()) cache = home / ".cache";
      if (cache.empty()) return;
    }
    auto const path = cache / "containers/short-name-aliases.conf";
    if (!detail::file_exists(path)) return;
    auto file = read_registries_file(path);
    for (auto& [name, value] : file.aliases) aliases_[name] = std::move(value);
    note(path, file);
  }

  void note(fs::path const& path, RegistriesFile const& file) {
    files_.push_back(path);
    for (auto const& key : file.unknown)
      warnings_.push_back(path.native() + ": key \"" + key + "\" is not known");
  }

  static oci::Reference rewritten(oci::Reference const& reference, std::size_t prefix,
                                  std::string const& location) {
    if (location.empty()) return reference;
    auto const text = location + reference.str().substr(prefix);
    std::error_code error;
    auto out = oci::Reference::parse(text, error);
    if (!out || out->str() != text)
      throw Error(Errc::configuration, "registries.conf makes \"" + text + "\" of " + reference.str() +
                                           ", which is no complete reference");
    return *std::move(out);
  }

  std::map<std::string, RegistryRule> rules_ = {};
  std::vector<std::string> search_ = {};
  std::map<std::string, std::string> aliases_ = {};  // an empty one hides those of other files
  ShortNameMode mode_ = ShortNameMode::permissive;
  std::vector<std::string> helpers_ = {"containers-auth.json"};
  std::vector<fs::path> files_ = {};
  std::vector<std::string> warnings_ = {};
};

}  // namespace strata::conf
