#pragma once

#include <strata/sys/staging_directory.hpp>

#include <exception>
#include <functional>
#include <iterator>
#include <utility>
#include <vector>

namespace strata {

/// What is left to delete after something was removed: to be emptied when no lock is held, for that may take long.
/// Movable; not for two threads at once.
class Trash {
 public:
  Trash() = default;
  Trash(Trash&& other) noexcept = default;
  Trash& operator=(Trash&& other) noexcept {
    if (this != &other) {
      discard();
      actions_ = std::exchange(other.actions_, {});
      directories_ = std::exchange(other.directories_, {});
    }
    return *this;
  }
  /// Empties it, as far as possible.
  ~Trash() { discard(); }

  void add(sys::StagingDirectory directory) { directories_.push_back(std::move(directory)); }
  /// @param action  something else that deletes; may throw, and is then called once more at the end
  void add(std::function<void()> action) { actions_.push_back(std::move(action)); }
  void merge(Trash&& other) {
    std::move(other.actions_.begin(), other.actions_.end(), std::back_inserter(actions_));
    std::move(other.directories_.begin(), other.directories_.end(), std::back_inserter(directories_));
    other.actions_.clear();
    other.directories_.clear();
  }

  /// Deletes everything: actions first, in their order. One failure stops nothing else.
  /// @throws  the first failure; what failed is still in the trash
  void empty() {
    std::exception_ptr first;
    auto const keep_failed = [&first](auto& items, auto&& remove) {
      std::erase_if(items, [&](auto& item) {
        try {
          remove(item);
          return true;
        } catch (...) {
          if (!first) first = std::current_exception();
          return false;
        }
      });
    };
    keep_failed(actions_, [](auto& action) { action(); });
    keep_failed(directories_, [](auto& directory) { directory.remove(); });
    if (first) std::rethrow_exception(first);
  }

 private:
  void discard() noexcept {
    try {
      empty();
    } catch (...) {  // each failing directory is left to a later recovery
    }
  }

  std::vector<std::function<void()>> actions_;
  std::vector<sys::StagingDirectory> directories_;
};

}  // namespace strata
