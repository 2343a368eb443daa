#pragma once

#include <strata/archive/tar_header.hpp>
#include <strata/concepts/bytes.hpp>
#include <strata/concepts/driver.hpp>
#include <strata/durability.hpp>
#include <strata/fs.hpp>
#include <strata/progress.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/flush_tree.hpp>
#include <strata/tree/applier.hpp>

#include <fcntl.h>
#include <memory>
#include <utility>

namespace strata::drivers {

/// The tree of a layer that others may be reading and writing while entries are unpacked into it: only what
/// the entries name is changed, and no directory is replaced by another one.
class InPlaceTree {
 public:
  /// @param apply  without maps, which are taken from the request
  InPlaceTree(fs::path tree, InPlaceRequest const& request, archive::ApplyOptions apply)
      : tree_(std::move(tree)),
        root_(sys::open_at(AT_FDCWD, tree_, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)),
        flush_(request.flush),
        control_(request.control) {
    apply.maps = request.maps;
    apply.again = request.again;
    applier_ = std::make_unique<archive::Applier>(
        sys::open_at(AT_FDCWD, tree_, O_RDONLY | O_DIRECTORY | O_NOFOLLOW), std::move(apply));
  }

  void add(archive::TarHeader const& header, Reader& body) {
    control_.check();
    applier_->add(header, body);
  }

  /// Flushes the whole file system, since a tree that others write to cannot be traversed reliably.
  void finish() {
    if (!applier_) return;
    applier_->finish();
    applier_.reset();
    if (flush_ == Flush::full) sys::flush_file_system(root_.get(), tree_);
  }

 private:
  fs::path tree_;
  sys::Fd root_;  ///< opened before the first write: `syncfs` reports errors since then
  Flush flush_;
  Control control_;
  std::unique_ptr<archive::Applier> applier_;
};

}  // namespace strata::drivers
