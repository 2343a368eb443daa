#pragma once

#include <strata/sys/staging_directory.hpp>

#include <exception>
#include <functional>
#include <iterator>
#include <utility>
#include <vector>

namespace strata {

/// Deletions left over from a removal, to be carried out once no lock is held, as they may take long.
/// Movable; not safe for concurrent use.
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
  /// Empties it; failures are ignored.
  ~Trash() { discard(); }

  void add(sys::StagingDirectory directory) { directories_.push_back(std::move(directory)); }
  /// @param action another deletion; if it throws, the destructor calls it again
  void add(std::function<void()> action) { actions_.push_back(std::move(action)); }
  /// Takes over another trash's deletions.
  void merge(Trash&& other) {
    std::move(other.actions_.begin(), other.actions_.end(), std::back_inserter(actions_));
    std::move(other.directories_.begin(), other.directories_.end(), std::back_inserter(directories_));
    other.actions_.clear();
    other.directories_.clear();
  }

  /// Carries out all deletions, actions first, in order. A failure does not stop the others.
  /// @throws the first failure; failed deletions stay in the trash
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
    } catch (...) {  // a later recovery handles the directories that failed
    }
  }

  std::vector<std::function<void()>> actions_;
  std::vector<sys::StagingDirectory> directories_;
};

}  // namespace strata
