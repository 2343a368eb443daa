#pragma once

#include <strata/archive/tar_header.hpp>
#include <strata/concepts/bytes.hpp>
#include <strata/concepts/driver.hpp>
#include <strata/durability.hpp>
#include <strata/fs.hpp>
#include <strata/progress.hpp>
#include <strata/separate.hpp>
#include <strata/sys/fd.hpp>
#include <strata/tree/apply_options.hpp>

#include <memory>

namespace strata::archive {
class Applier;
}

namespace strata::drivers {

/// The tree of a layer that others may be reading and writing while entries are unpacked into it: only what
/// the entries name is changed, and no directory is replaced by another one.
class InPlaceTree {
 public:
  /// @param apply  without maps, which are taken from the request
  InPlaceTree(fs::path tree, InPlaceRequest const& request, archive::ApplyOptions apply);
  InPlaceTree(InPlaceTree&&) noexcept;
  InPlaceTree& operator=(InPlaceTree&&) noexcept;
  ~InPlaceTree();

  void add(archive::TarHeader const& header, Reader& body);

  /// Flushes the whole file system, since a tree that others write to cannot be traversed reliably.
  void finish();

 private:
  fs::path tree_;
  sys::Fd root_;  ///< opened before the first write: `syncfs` reports errors since then
  Flush flush_;
  Control control_;
  std::unique_ptr<archive::Applier> applier_;
};

}  // namespace strata::drivers

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/drivers/in_place_tree.ipp>
#endif
