#pragma once

#include <strata/archive/tar_header.hpp>
#include <strata/archive/tar_writer.hpp>
#include <strata/concepts/driver.hpp>
#include <strata/concepts/own_tree_driver.hpp>
#include <strata/concepts/usage_driver.hpp>
#include <strata/fs.hpp>
#include <strata/id.hpp>
#include <strata/problem.hpp>
#include <strata/separate.hpp>
#include <strata/sys/staging_directory.hpp>
#include <strata/sys/trash.hpp>
#include <strata/tree/apply_options.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace strata::archive {
class Applier;
}

namespace strata::drivers {

/// The complete tree of a layer being built in a staging directory, to be renamed into place.
class StagedTree {
 public:
  /// @param build  called with a path; makes the tree there, empty or with the parent's files
  StagedTree(fs::path const& temp_dirs, StageRequest const& request, archive::ApplyOptions const& apply,
             std::function<void(fs::path const&)> const& build);
  StagedTree(StagedTree&&) noexcept;
  StagedTree& operator=(StagedTree&&) noexcept;
  ~StagedTree();

  void add(archive::TarHeader const& header, Reader& body);

  void finish();

  fs::path const& tree() const noexcept { return tree_; }
  std::optional<LayerId> const& parent() const noexcept { return parent_; }
  bool writable() const noexcept { return writable_; }
  Flush flush() const noexcept { return flush_; }

 private:
  sys::StagingDirectory place_;
  fs::path tree_;
  std::optional<LayerId> parent_;
  bool writable_;
  Flush flush_;
  Control control_;
  std::unique_ptr<archive::Applier> applier_;  ///< null once finished
};

/// Layers stored as complete trees, each in a directory named by its id: the common part of drivers that copy
/// or snapshot the parent. Trees enter and leave by one rename each, from and to staging directories.
class WholeTrees {
 public:
  /// Directories of the trees in one graph root or image store.
  struct Home {
    fs::path directory;  ///< of this store's layers
    fs::path temp_dirs;  ///< staging directories, on the same file system
  };

  /// @param others       directories of read-only stores
  /// @param image_store  place for layers that no container writes to; none: the same as for others
  WholeTrees(fs::path directory, fs::path temp_dirs, std::vector<fs::path> others = {},
             std::optional<Home> image_store = {});

  /// That of the graph root, then that of the image store, if any.
  std::vector<Home> const& homes() const noexcept { return homes_; }
  fs::path const& directory() const noexcept { return homes_.front().directory; }
  /// Directory in which a layer is built.
  fs::path const& temp_dirs(bool writable = true) const noexcept { return home_for(writable).temp_dirs; }
  /// For a layer that does not exist: its path in the graph root.
  fs::path own(LayerId const& id) const { return home_of(id).directory / id.str(); }

  std::optional<fs::path> find(LayerId const& id) const;
  /// @throws `Errc::layer_unknown`
  fs::path get(LayerId const& id) const;
  std::optional<fs::path> get(std::optional<LayerId> const& id) const;

  /// Tree that a new one starts from, if any.  @throws `Errc::layer_unknown`, also for the parent of a copy
  std::optional<fs::path> origin(StageRequest const& request) const;

  /// In a copy, entries may follow links of the parent, but not those of the copied layer itself.
  archive::ApplyOptions how_to_unpack(StageRequest const& request, archive::ApplyOptions apply) const;

  void publish(LayerId const& id, StagedTree& staged) const;

  /// Exchanges the two by one rename.
  void replace(LayerId const& id, StagedTree& staged) const;

  Trash remove(LayerId const& id) const;

  /// Layers of the own directories.
  std::vector<LayerId> list() const;

  void copy_file(LayerId const& id, std::string_view file, Writer& to) const;

  std::vector<Change> changes(DiffRequest const& request) const;
  void diff(DiffRequest const& request, archive::TarWriter& to) const;
  std::int64_t diff_size(DiffRequest const& request) const;

  // Common parts of the drivers' inspection.
  std::vector<Problem> inspect(LayerId const& id) const;
  std::optional<OwnTree> own_tree(LayerId const& id, bool keeps_owners) const;
  std::vector<Ownership> ownership(fs::path const& home, std::vector<LayerId> const& known) const;

  /// @throws `errno`, "stat <path>", if this cannot be determined
  static bool is_directory(fs::path const& path);

 private:
  static Error unknown(LayerId const& id) { return Error(Errc::layer_unknown, "layer " + id.str()); }

  Home const& home_for(bool writable) const noexcept { return writable ? homes_.front() : homes_.back(); }
  Home const& home_of(LayerId const& id) const;

  std::vector<Home> homes_;
  std::vector<fs::path> others_;
};

}  // namespace strata::drivers

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/drivers/whole_trees.ipp>
#endif
