#pragma once

#include "changes.hpp"
#include <optional>
#include <utility>
#include <vector>

namespace crash_recovery {

/// Makes up what a worker does next.
class Generator {
 public:
  Generator(Random random, char maker) : changes_(std::move(random), maker) {}

  char maker() const noexcept { return changes_.maker(); }

  /// Of any kind that can be done now.
  Step next(State const& state) {
    constexpr std::pair<Kind, unsigned> weights[] = {{Kind::create_layer, 4},
                                                     {Kind::import_layer, 14},
                                                     {Kind::apply_layer, 10},
                                                     {Kind::delete_layer, 5},
                                                     {Kind::create_image, 8},
                                                     {Kind::delete_image, 4},
                                                     {Kind::create_container, 10},
                                                     {Kind::delete_container, 5},
                                                     {Kind::add_names, 4},
                                                     {Kind::set_names, 4},
                                                     {Kind::remove_names, 3},
                                                     {Kind::set_metadata, 4},
                                                     {Kind::set_data, 8},
                                                     {Kind::erase_data, 3},
                                                     {Kind::write_files, 14},
                                                     {Kind::collect_garbage, 1},
                                                     {Kind::check, 1},
                                                     {Kind::repair, 1},
                                                     {Kind::dedup, 1},
                                                     {Kind::wipe, 0}};
    for (;;) {
      unsigned sum = 0;
      for (auto const& [kind, weight] : weights) sum += weight;
      auto at = changes_.random().below(sum);
      for (auto const& [kind, weight] : weights) {
        if (at < weight) {
          if (auto step = make(kind, state)) return *std::move(step);
          break;
        }
        at -= weight;
      }
    }
  }

  /// Steps after which one of this kind can be done, and that one; the last is of the kind.
  std::vector<Step> reach(Kind kind, State const& state) {
    std::vector<Step> steps;
    auto const now = [&]() -> State const& { return steps.empty() ? state : steps.back().after; };
    for (;;) {
      if (auto step = make(kind, now())) {
        steps.push_back(*std::move(step));
        return steps;
      }
      steps.push_back(next(now()));
    }
  }

  /// Nothing if it cannot be done now, or there would be too much.
  std::optional<Step> make(Kind kind, State const& state) {
    Step step{.operation = {.kind = kind}, .after = state};
    bool done = false;
    switch (kind) {
      case Kind::create_layer:
      case Kind::import_layer:
        done = changes_.new_layer(step);
        break;
      case Kind::apply_layer:
        done = changes_.apply_layer(step);
        break;
      case Kind::delete_layer:
        done = changes_.delete_layer(step);
        break;
      case Kind::create_image:
        done = changes_.new_image(step);
        break;
      case Kind::delete_image:
        done = changes_.delete_image(step);
        break;
      case Kind::create_container:
        done = changes_.new_container(step);
        break;
      case Kind::delete_container:
        done = changes_.delete_container(step);
        break;
      case Kind::add_names:
      case Kind::set_names:
      case Kind::remove_names:
        done = changes_.change_names(step);
        break;
      case Kind::set_metadata:
        done = changes_.set_metadata(step);
        break;
      case Kind::set_data:
        done = changes_.set_data(step);
        break;
      case Kind::erase_data:
        done = changes_.erase_data(step);
        break;
      case Kind::write_files:
        done = changes_.write_files(step);
        break;
      case Kind::wipe:
        step.after = {};
        [[fallthrough]];
      case Kind::collect_garbage:
      case Kind::check:
      case Kind::repair:
      case Kind::dedup:
        done = true;
        break;
    }
    return done ? std::make_optional(std::move(step)) : std::nullopt;
  }

 private:
  Changes changes_;
};

}  // namespace crash_recovery
