#pragma once

#include <strata/maintenance/dedup.hpp>

#include "interrupt.hpp"
#include "json.hpp"
#include "progress_bar.hpp"
#include "session.hpp"
#include <algorithm>
#include <array>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Commands for the store as a whole.
namespace oci_storage {

using Lines = std::vector<std::pair<std::string, std::string>>;

/// Key and value: on stderr as text, on stdout as JSON.
inline int report(Lines const& lines, Invocation const& call) {
  if (!call.options.flag("json")) {
    for (auto const& [key, value] : lines) complain(key, ": ", value);
    return 0;
  }
  std::vector<std::vector<std::string>> pairs;
  for (auto const& [key, value] : lines) pairs.push_back({key, value});
  return say_json(json::text(pairs));
}

inline int show_status(Session& session, Invocation const& call) {
  std::string options = "[";
  for (auto const& option : session.settings.driver_options)
    options += (options.size() > 1 ? " " : "") + option;
  Lines lines{{"Root", session.settings.graph_root},
              {"Run Root", session.settings.run_root},
              {"Driver Name", std::string(session.store.driver_name())},
              {"Driver Options", options + ']'}};
  for (auto& line : session.store.status()) lines.push_back(std::move(line));
  return report(lines, call);
}

inline int show_version(Session&, Invocation const& call) {
  return report({{"Version", STRATA_VERSION_TEXT}}, call);
}

/// A command that only succeeds or fails. As JSON, success is "" and an error, which Go cannot encode, is {}.
template <class Work>
int do_or_tell(Invocation const& call, std::string_view name, Work&& work) {
  bool const json = call.options.flag("json");
  try {
    work();
  } catch (std::exception const&) {
    if (json)
      say_json("{}");
    else
      complain(name, ": ", current_error_text());
    return 1;
  }
  return json ? say_json(R"("")") : 0;
}

inline int dedup(Session& session, Invocation const& call) {
  static constexpr std::array<std::pair<std::string_view, strata::EqualBy>, 3> methods{
      {{"crc", strata::EqualBy::crc}, {"size", strata::EqualBy::size}, {"sha256", strata::EqualBy::sha256}}};
  auto const word = call.options.given("hash-method") ? call.options.text("hash-method") : "crc";
  auto const* const method =
      std::ranges::find(methods, std::string_view(word), &decltype(methods)::value_type::first);
  if (method == methods.end()) throw std::runtime_error("invalid hash method: " + word);
  bool const as_json = call.options.flag("json");
  strata::DedupResult result;
  try {
    ProgressBar const bar("looking");
    Interrupt const interrupt;
    result = strata::dedup_layers(
        session.store,
        {.equal_by = method->second, .control = {.progress = bar.sink(), .stop = interrupt.token()}});
  } catch (std::exception const&) {
    if (as_json)
      say_json("{}");
    else
      complain("dedup: ", current_error_text());
    return 1;
  }
  if (!as_json) {
    say("Deduplicated ", std::to_string(result.bytes), " bytes");
    return 0;
  }
  std::string out;
  json::Object(out).member("Deduped", result.bytes);
  return say_json(out);
}

inline int wipe(Session& session, Invocation const& call) {
  return do_or_tell(call, "wipe", [&] { session.store.wipe(); });
}

inline int shut_down(Session& session, Invocation const& call) {
  return do_or_tell(call, "shutdown", [&] { session.store.shutdown({.force = call.options.flag("force")}); });
}

}  // namespace oci_storage
