#pragma once

#include <strata/clean_path.hpp>
#include <strata/oci/config_change.hpp>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <csignal>
#include <cstring>
#include <system_error>
#include <utility>

namespace strata::oci {

namespace detail {

inline std::string_view without_blanks(std::string_view text) {
  constexpr std::string_view blanks = " \t\n\v\f\r";
  auto const begin = text.find_first_not_of(blanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(blanks) - begin + 1);
}

inline std::string in_case(std::string_view text, char first, int distance) {
  std::string out(text);
  for (auto& c : out)
    if (c >= first && c <= first + 25) c = static_cast<char>(c + distance);
  return out;
}
inline std::string upper(std::string_view text) { return in_case(text, 'a', 'A' - 'a'); }
inline std::string lower(std::string_view text) { return in_case(text, 'A', 'a' - 'A'); }

STRATA_INLINE void Instruction::refuse(char const* why) const {
  throw Error(std::make_error_code(std::errc::invalid_argument), "change \"" + text + "\": " + why);
}

STRATA_INLINE Instruction read_instruction(std::string const& text) {
  Instruction out{.text = text, .name = {}, .value = {}};
  auto end = text.find(' ');
  if (end == std::string::npos) end = text.find('=');
  if (end == std::string::npos) out.refuse("must be an instruction and its value");
  out.name = upper(without_blanks(text.substr(0, end)));
  out.value = without_blanks(text.substr(end + 1));
  return out;
}

STRATA_INLINE std::optional<std::vector<std::string>> read_text_list(std::string const& value) {
  std::error_code not_json;
  auto const parsed = boost::json::parse(value, not_json);
  if (not_json || !(parsed.is_array() || parsed.is_null())) return std::nullopt;
  std::vector<std::string> out;
  if (parsed.is_null()) return out;
  for (auto const& each : parsed.as_array()) {
    if (!each.is_string() && !each.is_null()) return std::nullopt;
    out.emplace_back(each.is_null() ? std::string_view() : std::string_view(each.as_string()));
  }
  return out;
}

inline std::optional<int> read_int(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  int number = 0;
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

STRATA_INLINE std::string exposed_port(Instruction const& change) {
  auto const slash = change.value.find('/');
  auto const protocol = slash == std::string::npos ? "tcp" : lower(change.value.substr(slash + 1));
  auto const port = read_int(change.value.substr(0, slash));
  if (!port || *port < 1 || *port > 65535) change.refuse("must be a number of a port");
  if (protocol != "tcp" && protocol != "udp") change.refuse("the protocol must be tcp or udp");
  return std::to_string(*port) + '/' + protocol;
}

/// @return 0 if it is no signal's
inline int signal_number(std::string_view name) {
  constexpr int first_realtime = 34;  // as Linux counts for programs: libraries keep two for themselves
  constexpr int last_realtime = 64;
  constexpr auto others = std::to_array<std::pair<std::string_view, int>>({{"CLD", SIGCHLD},
                                                                           {"IO", SIGPOLL},
                                                                           {"IOT", SIGABRT},
                                                                           {"RTMIN", first_realtime},
                                                                           {"RTMAX", last_realtime}});
  if (auto const number = read_int(name)) return *number <= last_realtime ? *number : 0;
  for (int number = 1; number < 32; ++number)
    if (auto const* const known = ::sigabbrev_np(number); known != nullptr && name == known) return number;
  for (auto const& [known, number] : others) {
    if (name == known) return number;
    if (!known.starts_with("RT") || !name.starts_with(known)) continue;
    auto const distance = read_int(name.substr(known.size()));
    bool const is_min = number == first_realtime;
    if (distance && name[known.size()] == (is_min ? '+' : '-') &&
        (is_min ? *distance <= 15 : *distance >= -14))
      return number + *distance;
  }
  return 0;
}

STRATA_INLINE std::string stop_signal(Instruction const& change) {
  auto const name = upper(change.value);
  auto const number = signal_number(std::string_view(name).substr(name.starts_with("SIG") ? 3 : 0));
  if (number < 1) change.refuse("must be a signal");
  return std::to_string(number);
}

/// Name and value of an `ENV` or `LABEL`.
struct NamedValue {
  std::string name;
  std::optional<std::string> value;
};

inline std::string without_quotes(std::string_view text) {
  if (text.starts_with('"') && text.ends_with('"'))
    text = text.size() < 2 ? std::string_view() : text.substr(1, text.size() - 2);
  return std::string(text);
}

inline NamedValue read_named_value(Instruction const& change) {
  auto const equals = change.value.find('=');
  NamedValue out{.name = without_quotes(std::string_view(change.value).substr(0, equals)), .value = {}};
  if (equals == 0 || change.value.empty()) change.refuse("must have a name");
  if (equals != std::string::npos)
    out.value = without_quotes(std::string_view(change.value).substr(equals + 1));
  return out;
}

inline void add_once(std::vector<std::string>& to, std::string text) {
  if (std::ranges::find(to, text) == to.end()) to.push_back(std::move(text));
}

/// The last one wins, so that `null` undoes the ones before it.
inline std::optional<std::vector<std::string>> command_line(Instruction const& change,
                                                            std::vector<std::string> of_nothing) {
  if (change.value == "null") return std::nullopt;
  if (auto list = read_text_list(change.value)) return list;
  if (change.value.empty()) return of_nothing;
  return std::vector<std::string>{"/bin/sh", "-c", change.value};
}

/// What a list of instructions comes to before it is laid over a `RunConfig`.
struct Changes {
  explicit Changes(RunConfig const& before) : run(before) {}

  void add(Instruction const& change) {
    auto const& [text, name, value] = change;
    if (name == "CMD") {
      cmd = command_line(change, {"/bin/sh", "-c"});
    } else if (name == "ENTRYPOINT") {
      entrypoint = command_line(change, {});
    } else if (name == "ENV") {
      auto const named = read_named_value(change);
      std::erase_if(run.env, [&](auto const& each) { return each.starts_with(named.name + '='); });
      run.env.push_back(named.name + '=' + named.value.value_or(""));
    } else if (name == "LABEL") {
      auto const named = read_named_value(change);
      if (!named.value) change.refuse("must be name=value");
      run.labels.insert_or_assign(named.name, *named.value);
    } else if (name == "EXPOSE") {
      add_once(run.exposed_ports, exposed_port(change));
    } else if (name == "STOPSIGNAL") {
      run.stop_signal = stop_signal(change);
    } else if (name == "VOLUME") {
      add_volumes(change);
    } else {
      add_other(change);
    }
  }

  RunConfig result() && {
    if (cmd) run.cmd = *std::move(cmd);
    if (entrypoint) run.entrypoint = *std::move(entrypoint);
    if (!working_dir.empty()) run.working_dir = std::move(working_dir);
    return std::move(run);
  }

 private:
  void add_other(Instruction const& change) {
    auto const& [text, name, value] = change;
    bool const known = name == "USER" || name == "WORKDIR" || name == "ONBUILD";
    if (!known) change.refuse("no instruction that changes an image");
    if (value.empty()) change.refuse("must have a value");
    if (name == "USER") {
      run.user = value;
    } else if (name == "WORKDIR") {
      bool const is_below = !value.starts_with('/') && !working_dir.empty();
      working_dir = clean_path(is_below ? working_dir + '/' + value : value);
    } else {
      auto& list = run.unknown["OnBuild"];
      if (!list.is_array()) list = boost::json::array();
      list.as_array().emplace_back(value);
    }
  }

  void add_volumes(Instruction const& change) {
    auto paths = read_text_list(change.value);
    if (!paths) {
      paths.emplace();
      std::string_view rest = change.value;
      for (auto blank = rest.find(' '); blank != std::string_view::npos; blank = rest.find(' ')) {
        paths->emplace_back(rest.substr(0, blank));
        rest.remove_prefix(blank + 1);
      }
      paths->emplace_back(rest);
    }
    if (paths->empty() || std::ranges::find(*paths, "") != paths->end())
      change.refuse("must be paths, one blank between them, or a JSON list");
    for (auto& path : *paths) add_once(run.volumes, std::move(path));
  }

  RunConfig run;
  std::optional<std::vector<std::string>> cmd = {};
  std::optional<std::vector<std::string>> entrypoint = {};
  std::string working_dir = {};
};

}  // namespace detail

STRATA_INLINE void apply_changes(RunConfig& run, std::vector<std::string> const& instructions) {
  detail::Changes changes(run);
  for (auto const& instruction : instructions) changes.add(detail::read_instruction(instruction));
  run = std::move(changes).result();
}

}  // namespace strata::oci
