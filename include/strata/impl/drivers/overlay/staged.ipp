#pragma once

#include <strata/drivers/overlay/composefs.hpp>
#include <strata/drivers/overlay/lower_view.hpp>
#include <strata/drivers/overlay/quota.hpp>
#include <strata/drivers/overlay/staged.hpp>
#include <strata/former.hpp>
#include <strata/sys/copy_tree.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/file.hpp>
#include <strata/sys/flush_tree.hpp>
#include <strata/sys/remove_tree.hpp>
#include <strata/sys/xattr.hpp>
#include <strata/tree/applier.hpp>
#include <strata/tree/override_stat.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

namespace strata::drivers::overlay {

STRATA_INLINE StagedLayer::StagedLayer(LayerDirs const& dirs, StageRequest const& request,
                                       std::optional<std::uint32_t> const& force_mask)
    : parent_(has_other_owners(request) && request.copy_of ? request.copy_of : request.parent),
      maps_(request.maps),
      writable_(request.writable),
      home_(dirs.home_for(request.writable)),
      flush_(request.flush),
      control_(request.control),
      directory_(sys::StagingDirectory::create(home_ / paths::overlay::temp_dirs)),
      layer_(directory_.next_addition()) {
  std::optional<fs::path> below;
  if (parent_) below = dirs.get(parent_->str());
  make(layer_, 0700);
  give_to_root(layer_, maps_);
  if (request.copy_of && !has_other_owners(request)) {
    auto const from = dirs.get(request.copy_of->str()) / paths::overlay::diff;
    sys::copy_tree(
        from, diff(),
        {.control = request.control,
         .keeps_xattr = request.former == Former::gives_way ? sys::is_portable_xattr : sys::is_any_xattr});
    if (request.writable) original_ = from.parent_path();
  } else {
    make_diff(below, force_mask);
  }
  for (auto const name : {paths::overlay::work, paths::overlay::merged}) make_owned(name, 0700);
  if (below) {
    lists_ = dirs.lists_for_child_of(*below);
    parent_link_ = lists_ ? lists_->parent_link : dirs.link_of(*below);
  }
}

STRATA_INLINE void StagedLayer::start(archive::ApplyOptions apply, LayerDirs const& dirs) {
  apply.maps = maps_;
  apply.below = lower_view(dirs, parent_ ? std::optional(parent_->str()) : std::nullopt);
  applier_ = std::make_unique<archive::Applier>(sys::open_at(AT_FDCWD, diff(), O_RDONLY | O_DIRECTORY),
                                                std::move(apply));
}

STRATA_INLINE void StagedLayer::stand_for(AdditionalTree const& tree) {
  applier_.reset();
  sys::remove_tree(diff());
  if (::symlink(tree.diff().c_str(), diff().c_str()) != 0) sys::throw_errno("symlink", diff());
  write(paths::overlay::additional_layer, tree.path().native());
  additional_ = tree.path();
}

STRATA_INLINE void StagedLayer::add(archive::TarHeader const& header, Reader& body) {
  control_.check();
  applier_->add(header, body);
}

STRATA_INLINE void StagedLayer::finish() {
  if (finished_) return;
  if (applier_) applier_->finish();
  applier_.reset();
  if (!original_.empty()) join_project(original_, diff());
  if (!parent_) make_owned(paths::overlay::empty, 0700);
  link_ = random_link();
  write(paths::overlay::link, link_);
  if (lists_) write_lists();
  if (flush_ == Flush::full) sys::flush_tree(layer_);
  finished_ = true;
}

STRATA_INLINE void StagedLayer::settle_parent(LayerDirs const& dirs) {
  if (!parent_) return;
  auto const below = dirs.get(parent_->str());
  auto const link_now = dirs.link_of(below);
  if (parent_link_ && link_now != parent_link_) throw Error(Errc::layer_unknown, "layer " + parent_->str());
  if (lists_) return;
  dirs.repair();
  lists_ = dirs.lists_for_child_of(below);
  if (!lists_) throw Error(Errc::parent_unknown, "layer " + parent_->str() + ", its link");
  write_lists();
  if (flush_ == Flush::full) sys::flush_tree(layer_);
}

STRATA_INLINE void StagedLayer::rotate() const {
  struct stat like {};
  if (::stat(diff().c_str(), &like) != 0) sys::throw_errno("stat", diff());
  auto const older = layer_ / paths::overlay::older_diff(1);
  sys::rename(diff(), older);
  sys::remove_tree(layer_ / paths::overlay::work);
  make_owned(paths::overlay::work, 0555);
  make_owned(paths::overlay::diff, like.st_mode & 0777U);
}

STRATA_INLINE void StagedLayer::make(fs::path const& path, mode_t mode) {
  if (::mkdir(path.c_str(), mode) != 0) sys::throw_errno("mkdir", path);
}

STRATA_INLINE void StagedLayer::make_owned(std::string_view name, mode_t mode) const {
  auto const path = layer_ / name;
  make(path, mode);
  if (::chmod(path.c_str(), mode) != 0) sys::throw_errno("chmod", path);
  give_to_root(path, maps_);
}

STRATA_INLINE void StagedLayer::make_diff(std::optional<fs::path> const& parent,
                                          std::optional<std::uint32_t> const& force_mask) const {
  archive::TarHeader real{.type = archive::EntryType::directory, .mode = 0555};
  if (parent) {
    auto const above = *parent / paths::overlay::diff;
    struct stat like {};
    if (::stat(above.c_str(), &like) != 0) sys::throw_errno("stat", above);
    real.mode = like.st_mode & 0777U;
    real.uid = like.st_uid;
    real.gid = like.st_gid;
    if (auto const text = sys::get_xattr(above, archive::override_stat_xattr))
      archive::apply_override_stat(*text, real);
  }
  make(diff(), 0700);
  if (force_mask) sys::set_xattr(diff(), archive::override_stat_xattr, archive::override_stat_text(real));
  if (!parent) give_to_root(diff(), maps_);
  auto const uid = static_cast<uid_t>(real.uid);
  auto const gid = static_cast<gid_t>(real.gid);
  if (parent && !force_mask && (uid != ::geteuid() || gid != ::getegid()) &&
      ::chown(diff().c_str(), uid, gid) != 0)
    sys::throw_errno("chown", diff());
  if (::chmod(diff().c_str(), force_mask.value_or(real.mode & 0777U)) != 0) sys::throw_errno("chmod", diff());
}

STRATA_INLINE void StagedLayer::write(std::string_view name, std::string_view text) const {
  auto const path = layer_ / name;
  auto const file = sys::open_at(AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  sys::write_all(file.get(), as_bytes(text), path);
  if (::fchmod(file.get(), 0644) != 0) sys::throw_errno("chmod", path);
}

STRATA_INLINE void StagedLayer::write_lists() const {
  write(paths::overlay::lower, lists_->lower);
  write(paths::overlay::lower_layers, lists_->lower_layers);
}

STRATA_INLINE StagedLayer::StagedLayer(StagedLayer&&) noexcept = default;

STRATA_INLINE StagedLayer& StagedLayer::operator=(StagedLayer&&) noexcept = default;

STRATA_INLINE StagedLayer::~StagedLayer() = default;

}  // namespace strata::drivers::overlay
