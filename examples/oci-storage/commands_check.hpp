#pragma once

#include <strata/maintenance/check.hpp>
#include <strata/maintenance/garbage.hpp>
#include <strata/maintenance/repair.hpp>
#include <strata/problem.hpp>

#include "command.hpp"
#include "commands_store.hpp"
#include "errors.hpp"
#include "go_duration.hpp"
#include "json.hpp"
#include "output.hpp"
#include "session.hpp"
#include <exception>
#include <map>
#include <string>
#include <vector>

/// Commands that look after the store: `check` and `gc`. As in the Go program both end with a shutdown; not by force, as
/// there: what is mounted is somebody's, most often a running container's.
namespace oci_storage {

namespace json {

/// A finding as a member of a list.
struct Told {
  strata::Problem found;
};
inline void append(std::string& out, Told const& told) {
  auto const& found = told.found;
  Object(out)
      .member("severity", to_text(found.severity))
      .member("code", problem_code(found))
      .member("text", found.text)
      .member("repair", to_text(found.action));
}

}  // namespace json

/// That something is mounted is said, and is no failure.
/// @return  the exit status, when that of the command is `status`
inline int shut_down_after(Session& session, int status) {
  bool mounted = false;
  try {
    session.store.shutdown();
    return status;
  } catch (strata::Error const& error) {
    if (error.code() == strata::Errc::store_read_only) return status;  // it holds nothing
    mounted = error.code() == strata::Errc::layer_used_by_container;
    complain("shutdown: ", current_error_text());
  } catch (std::exception const&) {
    complain("shutdown: ", current_error_text());
  }
  return status != 0 || mounted ? status : 1;
}

namespace detail {

struct CheckGroup {
  std::string_view title;   ///< of the text
  std::string_view member;  ///< of the JSON
  strata::Subject subject;
  bool read_only;
};
inline constexpr CheckGroup check_groups[] = {
    {"layer", "Layers", strata::Subject::layer, false},
    {"read-only layer", "ROLayers", strata::Subject::layer, true},
    {"image", "Images", strata::Subject::image, false},
    {"read-only image", "ROImages", strata::Subject::image, true},
    {"container", "Containers", strata::Subject::container, false},
};

using ById = std::map<std::string, std::vector<json::Told>>;
template <class Wanted>
ById by_id(strata::CheckReport const& report, Wanted&& wanted) {
  ById out;
  for (auto const& found : report.problems)
    if (wanted(found)) out[found.id].push_back({found});
  return out;
}
inline bool is_in(strata::Problem const& found, CheckGroup const& group) {
  return found.severity == strata::Severity::error && found.subject == group.subject &&
         found.read_only == group.read_only;
}
inline std::vector<json::Told> outside_groups(strata::CheckReport const& report) {
  std::vector<json::Told> out;
  for (auto const& found : report.problems)
    if (found.severity != strata::Severity::error || found.subject == strata::Subject::store)
      out.push_back({found});
  return out;
}

inline void say_findings(strata::CheckReport const& report, std::vector<std::string> const& repairs) {
  auto const say_all = [](std::string_view title, ById const& items) {
    for (auto const& [id, problems] : items) {
      say(title, " ", id, ":");
      for (auto const& told : problems) say(" ", told.found.text);
    }
  };
  for (auto const& group : check_groups)
    say_all(group.title, by_id(report, [&](auto const& f) { return is_in(f, group); }));
  for (auto const severity : {strata::Severity::error, strata::Severity::warning, strata::Severity::note})
    for (auto const subject : {strata::Subject::layer, strata::Subject::image, strata::Subject::container,
                               strata::Subject::store}) {
      if (severity == strata::Severity::error && subject != strata::Subject::store) continue;
      auto const title = (severity == strata::Severity::error ? "" : std::string(to_text(severity)) + ": ") +
                         std::string(to_text(subject));
      say_all(title,
              by_id(report, [&](auto const& f) { return f.severity == severity && f.subject == subject; }));
    }
  for (auto const& line : repairs) say("repair: ", line);
}

inline int say_findings_json(strata::CheckReport const& report, std::vector<std::string> const& repairs) {
  std::string out;
  {
    json::Object object(out);
    for (auto const& group : check_groups)
      object.member(group.member, by_id(report, [&](auto const& f) { return is_in(f, group); }));
    object.member_if_set("Other", outside_groups(report));
    object.member_if_set("Repairs", repairs);
  }
  return say_json(out);
}

inline std::string count(strata::CheckReport const& report, CheckGroup const& group) {
  return std::to_string(report.damaged(group.subject, group.read_only)) + ' ' + std::string(group.title) +
         " errors";
}

inline std::string text_of(std::exception_ptr const& error) {
  try {
    std::rethrow_exception(error);
  } catch (std::exception const&) {
    return current_error_text();
  }
}

/// What is wrong after a repair and was not before it: damage that is left was listed, what cannot be looked at any more was
/// not.
inline void complain_of_new(strata::RepairReport const& result) {
  auto const& before = result.before.problems;
  for (auto const& found : result.after.problems) {
    if (found.severity != strata::Severity::error && found.kind != strata::ProblemKind::unreadable) continue;
    auto const is_it = [&](auto const& old) { return old.id == found.id && old.text == found.text; };
    if (std::ranges::none_of(before, is_it))
      complain(to_text(found.subject), " ", found.id, ": ", found.text);
  }
}

}  // namespace detail

inline int check_store(Session& session, Invocation const& call) {
  bool const as_json = call.options.flag("json");
  bool const force = call.options.flag("force");
  bool const repair = force || call.options.flag("repair");
  strata::CheckOptions options{.quick = call.options.flag("quick")};
  auto const age = call.options.given("max") ? call.options.text("max") : std::string("24h");
  if (!age.empty()) options.unreferenced_after = go_duration(age);

  strata::RepairReport result;
  if (repair)
    result = strata::repair(session.store, {.check = options, .remove_containers = force});
  else
    result.before = strata::check(session.store, options);

  int status = 0;
  auto const& found = result.before;
  if (as_json)
    status = detail::say_findings_json(found, result.actions);
  else
    detail::say_findings(found, result.actions);
  if (!repair && !found.sound()) {
    std::string summary;
    for (auto const& group : detail::check_groups)
      summary += (summary.empty() ? "" : ", ") + detail::count(found, group);
    if (auto const store = found.damaged(strata::Subject::store); store != 0)
      summary += ", " + std::to_string(store) + " store errors";
    complain(summary);
    status = 1;
  }
  if (repair) detail::complain_of_new(result);
  if (repair && !result.failures.empty()) {
    if (as_json) {
      std::string list = "[";
      for (std::size_t i = 0; i < result.failures.size(); ++i) list += i == 0 ? "{}" : ",{}";
      say_json(list + ']');
    }
    std::vector<std::string> lines;
    for (auto const& failure : result.failures)
      lines.push_back(failure.doing + ": " + detail::text_of(failure.error));
    if (!as_json)
      for (auto const& line : lines) complain(line);
    complain(lines.front());
    status = 1;
  } else if (repair && !result.after.sound()) {
    auto summary = detail::count(result.after, detail::check_groups[1]) + ", " +
                   detail::count(result.after, detail::check_groups[3]);
    if (!force) summary += ", " + detail::count(result.after, detail::check_groups[4]);
    complain(summary);
    status = 1;
  }
  return shut_down_after(session, status);
}

inline int collect_garbage(Session& session, Invocation const& call) {
  bool const dry_run = call.options.flag("dry-run");
  int status = 0;
  if (!dry_run) {
    status = do_or_tell(call, "gc", [&] {
      auto const report = strata::collect_garbage(session.store);
      if (report.first_error) std::rethrow_exception(report.first_error);
    });
  } else {
    auto const report = strata::collect_garbage(session.store, {.dry_run = true});
    if (call.options.flag("json")) {
      std::string out = "[";
      for (auto const& [claim, bytes] : report.items) {
        if (out.size() > 1) out += ',';
        json::Object(out)
            .member("path", claim.path.native())
            .member("class", to_text(claim.kind))
            .member("kind", to_text(claim.subject))
            .member_if_set("id", claim.id)
            .member("reason", claim.reason)
            .member("bytes", bytes);
      }
      return say_json(out + ']');
    }
    for (auto const kind : {strata::UsageClass::trash, strata::UsageClass::orphan}) {
      std::uint64_t sum = 0;
      for (auto const& [claim, bytes] : report.items)
        if (claim.kind == kind) {
          sum += bytes;
          say(to_text(kind), "\t", std::to_string(bytes), "\t", claim.path.native(), "\t", claim.reason);
        }
      say(to_text(kind), "\t", std::to_string(sum));
    }
    return 0;
  }
  return shut_down_after(session, status);
}

}  // namespace oci_storage
