#pragma once

#include <strata/drivers/btrfs.hpp>
#include <strata/drivers/option_text.hpp>
#include <strata/sys/btrfs.hpp>
#include <strata/sys/copy_tree.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/file.hpp>
#include <strata/sys/staging_directory.hpp>
#include <strata/tree/applier.hpp>

#include <charconv>

namespace strata::drivers {

STRATA_INLINE Btrfs::Btrfs(DriverPlace const& place, Options const& options)
    : home_(sys::absolute(place.graph_root) / name()),
      options_(options),
      read_only_(place.read_only),
      trees_(home_ / paths::btrfs::subvolumes, home_ / paths::btrfs::temp_dirs) {
  if (read_only_) return;
  sys::make_directories(home_.parent_path(), 0700);
  if (!sys::btrfs::is_btrfs(home_.parent_path()))
    throw Error(Errc::driver_unusable, "\"" + home_.native() + "\" is not on a btrfs filesystem");
  sys::make_directories(trees_.directory(), 0700, Flush::full);
  resume();
  if (options_.min_space != 0) sys::btrfs::enable_quota(home_);
}

STRATA_INLINE auto Btrfs::stage(StageRequest const& request) -> Staged {
  check_writable();
  auto const from = trees_.origin(request);
  auto const size = limit_for(request);
  return Staged(StagedTree(trees_.temp_dirs(), request,
                           trees_.how_to_unpack(request, {.whiteouts = archive::Whiteouts::execute}),
                           [&](fs::path const& tree) {
                             make(tree, from, request.control);
                             if (size == 0) return;
                             sys::btrfs::enable_quota(home_);
                             sys::btrfs::limit(tree, size);
                           }),
                size);
}

STRATA_INLINE InPlaceTree Btrfs::in_place(LayerId const& id, InPlaceRequest const& request) {
  check_writable();
  if (!exists(id)) throw Error(Errc::layer_unknown, "layer " + id.str());
  return InPlaceTree(trees_.own(id), request, {.whiteouts = archive::Whiteouts::execute});
}

STRATA_INLINE void Btrfs::publish(LayerId const& id, Staged staged) {
  check_writable();
  trees_.publish(id, staged);
  if (staged.size_ == 0) return;
  try {
    sys::make_directories(quota(id).parent_path(), 0700, staged.flush());
    sys::replace_file(quota(id), std::to_string(staged.size_), {.mode = 0644, .flush = staged.flush()});
  } catch (Error const&) {
    ::rename(trees_.own(id).c_str(), staged.tree().c_str());
    throw;
  }
}

STRATA_INLINE void Btrfs::replace(LayerId const& id, Staged& staged) {
  check_writable();
  trees_.replace(id, staged);
}

STRATA_INLINE Trash Btrfs::remove(LayerId const& id) {
  check_writable();
  sys::remove_file(quota(id));
  return trees_.remove(id);
}

STRATA_INLINE void Btrfs::copy_file(LayerId const& id, std::string_view file, Writer& to) const {
  trees_.copy_file(id, file, to);
}

STRATA_INLINE void Btrfs::recover() {
  if (!read_only_) sys::StagingDirectory::recover(trees_.temp_dirs());
}

STRATA_INLINE fs::path Btrfs::mount(LayerId const& id, MountRequest const& request) {
  for (auto const& option : request.options)
    if (option != "ro") throw Error(Errc::unsupported, "btrfs driver does not support mount options");
  auto path = trees_.get(id);
  if (auto const size = recorded_limit(id); size != 0 && size >= options_.min_space && !read_only_) {
    sys::btrfs::enable_quota(home_);
    sys::btrfs::limit(path, size);
  }
  return path;
}

STRATA_INLINE void Btrfs::unmount(LayerId const& id, Flush flush) {
  if (flush == Flush::none) return;
  if (auto const tree = trees_.find(id)) sys::flush_file_system(*tree);
}

STRATA_INLINE std::vector<Ownership> Btrfs::ownership(std::vector<LayerId> const& known) const {
  return trees_.ownership(home_, known);
}

STRATA_INLINE void Btrfs::resume() {
  if (!sys::is_mount_point(home_)) recover();  // as in `Overlay`
  sys::make_private(home_);
}

STRATA_INLINE void Btrfs::check_writable() const {
  if (read_only_) throw Error(Errc::store_read_only, home_.native());
}

STRATA_INLINE void Btrfs::make(fs::path const& tree, std::optional<fs::path> const& from,
                               Control const& control) {
  if (from && sys::btrfs::is_subvolume(*from)) return sys::btrfs::snapshot(*from, tree);
  sys::btrfs::create_subvolume(tree);
  if (::chmod(tree.c_str(), 0555) != 0) sys::throw_errno("chmod", tree);
  if (from) sys::copy_tree(*from, tree, {.control = control});
}

STRATA_INLINE std::uint64_t Btrfs::limit_for(StageRequest const& request) const {
  if (request.copy_of) return recorded_limit(*request.copy_of);
  if (!request.writable || options_.size == 0) return 0;
  if (options_.size < options_.min_space)
    reject_option("btrfs: storage size cannot be less than " + human_size(options_.min_space));
  return options_.size;
}

STRATA_INLINE std::uint64_t Btrfs::recorded_limit(LayerId const& id) const {
  auto const text = sys::read_stored(quota(id));
  std::uint64_t size = 0;
  if (!text) return 0;
  auto const end = text->data() + text->size();
  auto const [at, error] = std::from_chars(text->data(), end, size);
  return error == std::errc() && at == end ? size : 0;
}

STRATA_INLINE Btrfs::Options Btrfs::Options::parse(std::vector<std::string> const& key_values) {
  Options options;
  for (auto const& text : key_values) {
    auto const option = own_option(text, {"btrfs."});
    if (!option) continue;
    if (option->key == "min_space")
      options.min_space = parse_size(option->value);
    else if (option->key == "size")
      options.size = parse_size(option->value);
    else if (option->key == "mountopt")
      reject_option("btrfs driver does not support mount options");
    else
      reject_option("unknown option " + lower_case(option->given) + " (\"" + text + "\")");
  }
  return options;
}

}  // namespace strata::drivers
