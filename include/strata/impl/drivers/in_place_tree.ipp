#pragma once

#include <strata/drivers/in_place_tree.hpp>
#include <strata/sys/flush_tree.hpp>
#include <strata/tree/applier.hpp>

#include <fcntl.h>
#include <utility>

namespace strata::drivers {

STRATA_INLINE InPlaceTree::InPlaceTree(fs::path tree, InPlaceRequest const& request,
                                       archive::ApplyOptions apply)
    : tree_(std::move(tree)),
      root_(sys::open_at(AT_FDCWD, tree_, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)),
      flush_(request.flush),
      control_(request.control) {
  apply.maps = request.maps;
  apply.again = request.again;
  applier_ = std::make_unique<archive::Applier>(
      sys::open_at(AT_FDCWD, tree_, O_RDONLY | O_DIRECTORY | O_NOFOLLOW), std::move(apply));
}

STRATA_INLINE void InPlaceTree::add(archive::TarHeader const& header, Reader& body) {
  control_.check();
  applier_->add(header, body);
}

STRATA_INLINE void InPlaceTree::finish() {
  if (!applier_) return;
  applier_->finish();
  applier_.reset();
  if (flush_ == Flush::full) sys::flush_file_system(root_.get(), tree_);
}

STRATA_INLINE InPlaceTree::InPlaceTree(InPlaceTree&&) noexcept = default;

STRATA_INLINE InPlaceTree& InPlaceTree::operator=(InPlaceTree&&) noexcept = default;

STRATA_INLINE InPlaceTree::~InPlaceTree() = default;

}  // namespace strata::drivers
