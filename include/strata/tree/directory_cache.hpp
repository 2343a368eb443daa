#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace strata::archive {

/// A directory of a tree and the way in which a path led to it.
template <class Handle>
struct Place {
  Handle directory = {};
  std::string path = {};                ///< its path in the tree, without links; empty for the root
  std::vector<std::string> links = {};  ///< paths of the links on the way
  std::vector<std::string> left = {};   ///< directories that were left through ".."
};

/// Caches the directories used last, by the path that led there. As archives are ordered by directory, a few
/// slots save nearly every walk from the root.
///
/// A cached path is not resolved again: call `clear_but` after removing a directory or link from the tree.
/// Not safe for concurrent use.
template <class Handle>
class DirectoryCache {
 public:
  /// The cached directory, or null. Valid until a few calls of `put`, or `clear`.
  Place<Handle>* find(std::string_view path) noexcept {
    for (auto& slot : slots_)
      if (slot.used != 0 && slot.name == path) {
        slot.used = ++clock_;
        return &slot.place;
      }
    return nullptr;
  }

  Place<Handle>& put(std::string_view path, Place<Handle> place) {
    Slot* oldest = slots_.data();
    for (auto& slot : slots_) {
      if (slot.name == path && slot.used != 0) {  // replace the directory's previous slot
        oldest = &slot;
        break;
      }
      if (slot.used < oldest->used) oldest = &slot;
    }
    oldest->name = path;
    oldest->place = std::move(place);
    oldest->used = ++clock_;
    return oldest->place;
  }

  /// Forgets all paths and closes all directories except `used`.
  void clear_but(Place<Handle> const* used) noexcept {
    for (auto& slot : slots_)
      if (&slot.place == used)
        slot.name = "/";  // no path in a tree starts with "/"
      else
        slot = {};
  }

  void clear() noexcept {
    for (auto& slot : slots_) slot = {};
  }

 private:
  struct Slot {
    std::string name = {};
    Place<Handle> place = {};
    std::uint64_t used = 0;  ///< 0: free
  };
  std::array<Slot, 16> slots_ = {};
  std::uint64_t clock_ = 0;
};

}  // namespace strata::archive
