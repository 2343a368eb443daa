#pragma once

#include <strata/sys/fd.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace strata::archive {

/// Descriptors of the directories last used, by path in the tree. Entries of an archive come directory by
/// directory, so that a handful saves nearly every walk from the root.
///
/// A path found here is not resolved again; whoever removes a directory or a link of the tree calls `clear_but`.
class DirectoryCache {
 public:
  /// -1 if it is not among them. What it returns stays open until a few `put` later or `clear`.
  int find(std::string_view path) noexcept {
    for (auto& slot : slots_)
      if (slot.fd && slot.path == path) {
        slot.used = ++clock_;
        return slot.fd.get();
      }
    return -1;
  }

  int put(std::string_view path, sys::Fd fd) {
    Slot* oldest = slots_.data();
    for (auto& slot : slots_) {
      if (slot.path == path) {  // a directory seen anew takes the old one's place
        oldest = &slot;
        break;
      }
      if (slot.used < oldest->used) oldest = &slot;
    }
    oldest->path = path;
    oldest->fd = std::move(fd);
    oldest->used = ++clock_;
    return oldest->fd.get();
  }

  /// Forgets all paths, and closes all descriptors but `fd`, which the caller is using.
  void clear_but(int fd) noexcept {
    for (auto& slot : slots_)
      if (slot.fd.get() == fd)
        slot.path = "/";  // no path in a tree has one in front
      else
        slot = {};
  }

  void clear() noexcept {
    for (auto& slot : slots_) slot = {};
  }

 private:
  struct Slot {
    std::string path = {};
    sys::Fd fd = {};
    std::uint64_t used = 0;
  };
  std::array<Slot, 16> slots_ = {};
  std::uint64_t clock_ = 0;
};

}  // namespace strata::archive
