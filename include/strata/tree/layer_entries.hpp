#pragma once

#include <strata/archive/tar_header.hpp>
#include <strata/separate.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <string>
#include <utility>

namespace strata {

/// A file, directory, link or device of a layer, as a mount of the layer would show it.
struct LayerEntry {
  std::string path = {};                                  ///< absolute within the layer: "/etc/hostname"
  archive::EntryType type = archive::EntryType::regular;  ///< never `hard_link`: each name is an entry
  std::uint32_t mode = 0;                                 ///< permissions, setuid, setgid, sticky
  std::int64_t uid = 0;                                   ///< container id; 65534 if the maps lack the owner
  std::int64_t gid = 0;
  std::int64_t size = 0;  ///< bytes of a regular file including holes; 0 for other types
  archive::FileTime mtime = {};
  std::string target = {};      ///< of a symbolic link, unchanged
  std::uint32_t dev_major = 0;  ///< of a device
  std::uint32_t dev_minor = 0;

  bool operator==(LayerEntry const&) const = default;
};

/// The entries of a layer, in tree order: each directory before what is in it, names in byte order; without
/// the root. An input range: it can be read once, and reads one directory at a time. Movable; not safe for
/// concurrent use.
///
///     for (auto const& entry : layer.entries()) std::cout << entry.path << '\n';
class LayerEntries {
 public:
  /// What makes the entries.
  class Walk {
   public:
    virtual ~Walk() = default;
    /// Sets `to` to the next entry. @return false, with `to` unspecified, at the end
    virtual bool next(LayerEntry& to) = 0;
  };

  class iterator {
   public:
    using value_type = LayerEntry;
    using difference_type = std::ptrdiff_t;

    LayerEntry& operator*() const noexcept { return of_->current_; }
    LayerEntry* operator->() const noexcept { return &of_->current_; }
    /// @throws as `LayerTree::entries`
    iterator& operator++();
    void operator++(int) { ++*this; }
    friend bool operator==(iterator const& at, std::default_sentinel_t) noexcept { return at.done(); }

   private:
    friend class LayerEntries;
    explicit iterator(LayerEntries* of) noexcept : of_(of) {}
    bool done() const noexcept { return !of_->walk_; }
    LayerEntries* of_;
  };

  explicit LayerEntries(std::unique_ptr<Walk> walk) noexcept : walk_(std::move(walk)) {}

  /// The first entry, or, when called again, the one that was reached. Invalidated by a move of the range.
  iterator begin();
  static std::default_sentinel_t end() noexcept { return {}; }

 private:
  void advance();

  std::unique_ptr<Walk> walk_;  ///< null at the end
  LayerEntry current_ = {};
  bool begun_ = false;
};

}  // namespace strata

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/tree/layer_entries.ipp>
#endif
