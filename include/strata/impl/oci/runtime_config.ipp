#pragma once

#include <strata/oci/descriptor.hpp>
#include <strata/oci/runtime_config.hpp>

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>
#include <system_error>
#include <utility>

namespace strata::oci {

namespace detail {

/// The text up to the next separator, which is taken off.
inline std::string_view next_field(std::string_view& rest, char separator) {
  auto const end = rest.find(separator);
  auto const field = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  return field;
}

inline std::optional<std::uint32_t> read_id(std::string_view text) {
  std::uint32_t id = 0;
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  bool const whole = error == std::errc() && end == text.data() + text.size();
  return whole && id <= std::uint32_t{std::numeric_limits<std::int32_t>::max()} ? std::optional(id)
                                                                                : std::nullopt;
}

/// A line of /etc/passwd or /etc/group: name, number, and the last field but of what is no concern here.
struct AccountLine {
  std::string_view name;
  std::uint32_t id = 0;
  std::vector<std::string_view> rest;  ///< the fields behind the number
};

inline std::optional<AccountLine> read_account(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  AccountLine out{.name = next_field(line, ':'), .rest = {}};
  next_field(line, ':');  // the password
  auto const id = read_id(next_field(line, ':'));
  if (!id || out.name.empty() || out.name.starts_with('#')) return std::nullopt;
  out.id = *id;
  while (!line.empty()) out.rest.push_back(next_field(line, ':'));
  return out;
}

inline bool is_member(std::string_view list, std::string_view user) {
  while (!list.empty())
    if (next_field(list, ',') == user) return true;
  return false;
}

[[noreturn]] inline void refuse_account(char const* kind, std::string_view name) {
  throw Error(std::make_error_code(std::errc::invalid_argument), kind + (" \"" + std::string(name) + '"'));
}

inline void add_gid(ProcessUser& user, std::uint32_t gid) {
  auto& gids = user.additional_gids;
  if (std::ranges::find(gids, gid) == gids.end()) gids.push_back(gid);
}

/// Calls `use` with each line until it returns true.
template <class Use>
bool find_account(std::string_view text, Use&& use) {
  while (!text.empty())
    if (auto const account = read_account(next_field(text, '\n')); account && use(*account)) return true;
  return false;
}

STRATA_INLINE std::vector<std::string> command_of(RunConfig const& image, RuntimeOptions const& options) {
  auto out = image.entrypoint;
  auto const& more = options.arguments.empty() ? image.cmd : options.arguments;
  out.insert(out.end(), more.begin(), more.end());
  if (out.empty())
    throw Error(std::make_error_code(std::errc::invalid_argument),
                "no command, neither given nor in the image");
  return out;
}

STRATA_INLINE std::vector<std::string> environment_of(RunConfig const& image, RuntimeOptions const& options) {
  std::vector<std::string> out;
  auto const set = [&](std::string const& variable, bool replace) {
    auto const name = variable.substr(0, variable.find('=')) + '=';
    auto const known = std::ranges::find_if(out, [&](auto const& each) { return each.starts_with(name); });
    if (known == out.end())
      out.push_back(variable);
    else if (replace)
      *known = variable;
  };
  for (auto const& variable : image.env) set(variable, true);
  for (auto const& variable : options.env) set(variable, true);
  set("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", false);
  set("TERM=xterm", false);
  set("HOME=" + options.user.home, false);
  return out;
}

STRATA_INLINE boost::json::object process_of(RunConfig const& image, RuntimeOptions const& options) {
  boost::json::array const capabilities{"CAP_CHOWN",   "CAP_DAC_OVERRIDE",     "CAP_FOWNER",    "CAP_FSETID",
                                        "CAP_KILL",    "CAP_NET_BIND_SERVICE", "CAP_SETFCAP",   "CAP_SETGID",
                                        "CAP_SETPCAP", "CAP_SETUID",           "CAP_SYS_CHROOT"};
  auto const of_user = options.user.uid == 0 ? capabilities : boost::json::array();
  boost::json::object user{{"uid", options.user.uid}, {"gid", options.user.gid}, {"umask", 022}};
  if (!options.user.additional_gids.empty())
    user.emplace("additionalGids", boost::json::array(options.user.additional_gids.begin(),
                                                      options.user.additional_gids.end()));
  bool const is_absolute = image.working_dir.starts_with('/');
  return {{"terminal", options.terminal},
          {"user", std::move(user)},
          {"args", texts_json(command_of(image, options))},
          {"env", texts_json(environment_of(image, options))},
          {"cwd", is_absolute ? image.working_dir : '/' + image.working_dir},
          {"capabilities", {{"bounding", capabilities}, {"effective", of_user}, {"permitted", of_user}}},
          {"noNewPrivileges", options.no_new_privileges}};
}

inline boost::json::object mount_of(char const* destination, char const* type, boost::json::array options) {
  return {{"destination", destination}, {"type", type}, {"source", type}, {"options", std::move(options)}};
}

inline boost::json::array default_mounts() {
  return {mount_of("/proc", "proc", {"nosuid", "noexec", "nodev"}),
          mount_of("/dev", "tmpfs", {"nosuid", "noexec", "strictatime", "mode=755", "size=65536k"}),
          mount_of("/sys", "sysfs", {"nosuid", "noexec", "nodev", "ro"}),
          mount_of("/dev/pts", "devpts",
                   {"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"}),
          mount_of("/dev/mqueue", "mqueue", {"nosuid", "noexec", "nodev"}),
          mount_of("/dev/shm", "tmpfs", {"nosuid", "noexec", "nodev", "mode=1777", "size=65536k"})};
}

inline boost::json::object linux_part() {
  boost::json::array namespaces;
  for (auto const* const type : {"pid", "network", "ipc", "uts", "mount"})
    namespaces.push_back(boost::json::object{{"type", type}});
  return {{"resources", {{"devices", boost::json::array{{{"allow", false}, {"access", "rwm"}}}}}},
          {"namespaces", std::move(namespaces)},
          {"maskedPaths",
           {"/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list",
            "/proc/timer_stats", "/proc/sched_debug", "/proc/scsi", "/sys/firmware", "/sys/fs/selinux",
            "/sys/dev/block"}},
          {"readonlyPaths",
           {"/proc/asound", "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"}}};
}

}  // namespace detail

STRATA_INLINE ProcessUser resolve_user(std::string_view user, std::string_view passwd,
                                       std::string_view group) {
  bool const states_group = user.find(':') != std::string_view::npos;
  bool const is_stated = !user.empty();
  auto const name = detail::next_field(user, ':');
  auto const group_name = user;
  auto const number = name.empty() ? std::optional<std::uint32_t>(0) : detail::read_id(name);
  ProcessUser out{.uid = number.value_or(0)};
  std::string known_name;
  bool const known = detail::find_account(passwd, [&](detail::AccountLine const& line) {
    if (line.name != name && !(number && line.id == *number)) return false;
    known_name = line.name;
    out.uid = line.id;
    if (!line.rest.empty()) out.gid = detail::read_id(line.rest[0]).value_or(0);
    if (line.rest.size() > 2) out.home = line.rest[2];
    return true;
  });
  if (!known && !number) detail::refuse_account("user", name);
  if (!states_group || group_name.empty()) {
    if (is_stated) detail::add_gid(out, out.gid);
    detail::find_account(group, [&](detail::AccountLine const& line) {
      if (known && !line.rest.empty() && detail::is_member(line.rest[0], known_name))
        detail::add_gid(out, line.id);
      return false;
    });
    return out;
  }
  auto const gid = detail::read_id(group_name);
  bool const known_group = detail::find_account(group, [&](detail::AccountLine const& line) {
    if (line.name != group_name && !(gid && line.id == *gid)) return false;
    out.gid = line.id;
    return true;
  });
  if (!known_group && !gid) detail::refuse_account("group", group_name);
  if (!known_group) out.gid = *gid;
  detail::add_gid(out, out.gid);
  return out;
}

STRATA_INLINE boost::json::object runtime_config(RunConfig const& image, fs::path const& root,
                                                 RuntimeOptions const& options) {
  boost::json::object annotations = detail::text_map_json(image.labels);
  if (!image.stop_signal.empty()) annotations["org.opencontainers.image.stopSignal"] = image.stop_signal;
  return {{"ociVersion", "1.0.2"},
          {"process", detail::process_of(image, options)},
          {"root", {{"path", root.native()}, {"readonly", options.read_only}}},
          {"hostname", options.hostname},
          {"mounts", detail::default_mounts()},
          {"annotations", std::move(annotations)},
          {"linux", detail::linux_part()}};
}

}  // namespace strata::oci
