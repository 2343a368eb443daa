#pragma once

#include <strata/archive/tar_writer.hpp>
#include <strata/concepts/driver.hpp>
#include <strata/fs.hpp>
#include <strata/tree/changes.hpp>

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

/// Finds what changed in a layer by comparing two whole trees, for drivers that do not record it themselves.
namespace strata::drivers::naive {

/// Mounts a layer while the object exists, unless it was mounted already.
template <MountDriver D>
class ShownLayer {
 public:
  /// @throws what `D::mount` throws
  ShownLayer(D& driver, LayerId const& id) : driver_(driver), id_(id), mounted_here_(!driver.is_mounted(id)) {
    path_ = mounted_here_ ? driver.mount(id, {.read_only = true}) : driver.mount_path(id);
  }
  ~ShownLayer() {
    if (!mounted_here_) return;
    try {
      driver_.unmount(id_, Flush::none);
    } catch (...) {  // it stays mounted, which the next mount reports
    }
  }
  ShownLayer(ShownLayer const&) = delete;
  ShownLayer& operator=(ShownLayer const&) = delete;

  fs::path const& path() const noexcept { return path_; }

 private:
  D& driver_;
  LayerId id_;
  bool mounted_here_;
  fs::path path_;
};

namespace detail {
/// Calls `use(newer, older)` with the directories of two layers.
template <MountDriver D, class Use>
auto with_trees(D& driver, DiffRequest const& request, Use&& use) {
  ShownLayer<D> const newer(driver, request.layer);
  std::optional<ShownLayer<D>> older;
  if (request.parent) older.emplace(driver, *request.parent);
  return use(newer.path(), older ? std::optional(older->path()) : std::nullopt);
}
}  // namespace detail

/// As `DiffDriver::changes`. Cost: one `lstat` per file of either tree, and reading the attributes of those
/// that are equal.
template <MountDriver D>
std::vector<Change> changes(D& driver, DiffRequest const& request) {
  return detail::with_trees(driver, request, [&](auto const& newer, auto const& older) {
    return archive::compare_trees(newer, older, request.maps);
  });
}

/// As `DiffDriver::diff`: writes entries, without the end of the archive.
template <MountDriver D>
void diff(D& driver, DiffRequest const& request, archive::TarWriter& to) {
  detail::with_trees(driver, request, [&](auto const& newer, auto const& older) {
    archive::write_changes(newer, archive::compare_trees(newer, older, request.maps), to, request.control,
                           request.maps.newer);
  });
}

/// As `DiffDriver::diff_size`.
template <MountDriver D>
std::int64_t diff_size(D& driver, DiffRequest const& request) {
  return detail::with_trees(driver, request, [&](auto const& newer, auto const& older) {
    return archive::changed_bytes(newer, archive::compare_trees(newer, older, request.maps));
  });
}

}  // namespace strata::drivers::naive
