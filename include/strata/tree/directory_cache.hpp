#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace strata::archive {

/// A directory of a tree that a path led to.
template <class Handle>
struct Place {
  Handle directory = {};
  std::string path = {};                ///< its own in the tree, with no link in it; empty for the root
  std::vector<std::string> links = {};  ///< the own paths of the links that led there
  std::vector<std::string> left = {};   ///< and of the directories out of which their ".." led
};

/// The directories last used, by the path that led there. Entries of an archive come directory by directory, so that a
/// handful saves nearly every walk from the root.
///
/// A path found here is not resolved again; whoever removes a directory or a link of the tree calls `clear_but`.
template <class Handle>
class DirectoryCache {
 public:
  /// Nothing if it is not among them. What it returns stays as it is until a few `put` later or `clear`.
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
      if (slot.name == path && slot.used != 0) {  // a directory seen anew takes the old one's place
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

  /// Forgets all paths, and closes all directories but the one that the caller is using.
  void clear_but(Place<Handle> const* used) noexcept {
    for (auto& slot : slots_)
      if (&slot.place == used)
        slot.name = "/";  // no path in a tree has one in front
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
