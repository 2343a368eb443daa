#pragma once

#include "generator.hpp"
#include "log.hpp"
#include "subject.hpp"
#include <algorithm>
#include <cstddef>
#include <exception>
#include <regex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// What must be true of a store after a crash.
namespace crash_recovery {

/// What one worker may find.
struct Expectation {
  char maker = 'a';
  Candidates candidates = {};
};

enum class After { kill, power_cut };

namespace detail {

/// Lines of which nothing was promised: files that an unfinished step was writing, and after a power cut those of volatile
/// containers, and all of containers whose records are not on the disk.
inline void forget_unpromised(Picture& picture, Candidates const& candidates, After after) {
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    auto const& step = *candidates[i];
    if (after == After::power_cut)
      for (auto const& [id, container] : step.after.containers)
        if (container.is_volatile) forget(picture, "container " + id + " file ");
    if (i == 0 || step.operation.kind != Kind::write_files) continue;
    for (auto const& [path, content] : step.operation.edits) {
      auto const file = "container " + step.operation.id + " file ";
      forget(picture, file + path);
      forget(picture, file + path.substr(0, path.find('/')) + "/.new");
    }
  }
}

/// Whether what is left is as it was: a wipe takes one item after the other, and makes layers seen that others stood on.
inline bool is_part(Picture left, Picture const& whole) {
  std::erase_if(left, [](auto const& line) {
    return line.first.starts_with("layer ") && line.first.find(" file ") != line.first.npos;
  });
  return std::ranges::all_of(left, [&](auto const& line) {
    auto const there = whole.find(line.first);
    return there != whole.end() && there->second == line.second;
  });
}

inline std::string list(std::string const& title, std::vector<std::string> const& lines) {
  std::string out = title + ":\n";
  for (auto const& line : lines) out += "    " + line + '\n';
  return out;
}

}  // namespace detail

/// Which candidate a picture shows, the newest first.
/// @param problem  gets what differs from what was acknowledged, if it shows none
inline std::size_t match(Picture const& all, Expectation const& expected, Setting const& setting, After after,
                         std::string& problem) {
  auto const& candidates = expected.candidates;
  auto found = part_of(all, expected.maker);
  detail::forget_unpromised(found, candidates, after);
  std::string nearest;
  for (auto i = candidates.size(); i-- > 0;) {
    auto picture = picture_of(candidates[i]->after);
    detail::forget_unpromised(picture, candidates, after);
    if (setting.transient && after == After::power_cut) forget(picture, "container ");
    if (picture == found || (i > 0 && candidates[i]->operation.kind == Kind::wipe &&
                             detail::is_part(found, picture_of(candidates[i - 1]->after))))
      return i;
    auto const text = difference(picture, found);
    nearest += "  as after \"" + candidates[i]->operation.title() + "\":\n" + text;
  }
  problem += "neither old nor new, of " + std::string(1, expected.maker) + ":\n" + nearest;
  return 0;
}

/// Looks at a store after a crash, has it repaired, and works in it.
class Verification {
 public:
  Verification(Setting const& setting, Place const& place, std::vector<Expectation> expected, After after)
      : setting_(setting), place_(place), expected_(std::move(expected)), after_(after) {}

  /// What is wrong; empty if nothing is.
  /// @param thorough  repair, collect garbage and work in it as well
  std::string run(bool thorough) {
    try {
      auto subject = open(setting_, place_);
      compare(*subject, "after the crash");
      if (!problem_.empty()) return problem_;
      tell("a check after the crash finds damage", unless_allowed(subject->damage()));
      if (thorough && problem_.empty()) work(*subject);
    } catch (std::exception const& error) {
      problem_ += std::string("it does not work: ") + error.what() + '\n';
    }
    return problem_;
  }

  /// Which candidate of each worker it is.
  std::vector<std::size_t> const& matched() const noexcept { return matched_; }

 private:
  void compare(Subject& subject, std::string const& when) {
    auto const picture = subject.look();
    std::string problem;
    matched_.clear();
    for (auto const& one : expected_) matched_.push_back(match(picture, one, setting_, after_, problem));
    auto strays = part_of(picture, '?');
    if (!strays.empty() && part_of(picture, 'r').empty())
      problem += "left by the store itself:\n" + difference({}, strays);
    if (!problem.empty()) problem_ += when + ": " + problem;
  }

  void tell(std::string const& title, std::vector<std::string> const& lines) {
    if (!lines.empty()) problem_ += detail::list(title, lines);
  }

  /// What is wrong with a rival's items is its own matter. Directories of containers whose records went with the run root
  /// stay if a person may have named them, as with the original.
  std::vector<std::string> unless_allowed(std::vector<std::string> found) const {
    static std::regex const of_rival("(layer|image|container) r[0-9]");
    static std::regex const of_lost_containers("^orphan: .*-containers/");
    std::erase_if(found, [&](auto const& line) {
      return std::regex_search(line, of_rival) || (setting_.transient && after_ == After::power_cut &&
                                                   std::regex_search(line, of_lost_containers));
    });
    return found;
  }

  void work(Subject& subject) {
    tell("after a repair a check finds", unless_allowed(subject.repair()));
    compare(subject, "after a repair");
    subject.collect_garbage();
    if (!problem_.empty()) return;
    Generator generator(Random(1), 'z');
    State state;
    auto const all_of = [&](std::vector<Step> const& steps) {
      for (auto const& step : steps) {
        subject.run(step.operation);
        state = step.after;
      }
    };
    for (auto const kind :
         {Kind::import_layer, Kind::create_image, Kind::create_container, Kind::write_files})
      all_of(generator.reach(kind, state));
    std::string problem;
    match(subject.look(), {.maker = 'z', .candidates = {std::make_shared<Step>(Step{{}, state})}}, {},
          After::kill, problem);
    if (!problem.empty()) problem_ += "work after the crash: " + problem;
    while (!state.containers.empty()) all_of(generator.reach(Kind::delete_container, state));
    while (!state.images.empty()) all_of(generator.reach(Kind::delete_image, state));
    while (!state.layers.empty()) all_of(generator.reach(Kind::delete_layer, state));
    compare(subject, "after more work");
  }

  Setting const& setting_;
  Place const& place_;
  std::vector<Expectation> expected_;
  After after_;
  std::vector<std::size_t> matched_ = {};
  std::string problem_ = {};
};

}  // namespace crash_recovery
