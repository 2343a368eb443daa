#pragma once

#include <strata/archive/tar_header.hpp>
#include <strata/archive/whiteout.hpp>
#include <strata/concepts/bytes.hpp>
#include <strata/error.hpp>
#include <strata/former.hpp>
#include <strata/idmap/range.hpp>
#include <strata/sys/fd.hpp>
#include <strata/tree/apply_options.hpp>
#include <strata/tree/attributes.hpp>
#include <strata/tree/directory_times.hpp>
#include <strata/tree/disk_tree.hpp>
#include <strata/tree/override_stat.hpp>
#include <strata/tree/places.hpp>
#include <strata/tree/reference_whiteouts.hpp>
#include <strata/tree/resolve.hpp>
#include <strata/tree/tree_path.hpp>
#include <strata/tree/whiteouts.hpp>

#include <cerrno>
#include <cstddef>
#include <fcntl.h>
#include <memory>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <utility>

namespace strata::archive {

/// Unpacks archive entries, one at a time, into a directory tree: a `DiskTree`, or a `MemoryTree` that models
/// the result.
///
/// Nothing outside the tree is touched, whatever the archive contains: names are relative to the root,
/// parents are resolved with the root as "/" (existing links lead to where they lead in the container), and
/// the last component is never followed. A character device 0:0 is refused where overlayfs would take it for
/// a whiteout (`Errc::reserved_entry`); with `execute` it is a device like any other. overlayfs attributes
/// and security.selinux are skipped.
///
/// - A file or link replaces what is there; a directory merges with an existing directory.
/// - Contents that could not be found again under their entry's name, because a later entry replaces them or
///   a link on the way to them, are refused: `Errc::corrupt_archive`.
/// - Missing parents are created with mode 0755, owned by root; in a setgid directory they inherit its group
///   and setgid.
/// - A `FileBody` shares its file's blocks where the file system can; holes of a `SparseBody` become holes.
/// - Hard-link entries apply their own owner, mode and times, as in the Go library.
/// - Whiteouts: see `WhiteoutRules`. A directory that follows its own whiteout is opaque.
/// - With `Whiteouts::overlay`, a whiteout of what the tree held before this archive fails with EEXIST, as in
///   the Go library, also for a directory that the archive has added to.
/// - An entry for the root is applied with `Whiteouts::execute`, else skipped: the driver decides on the
///   root.
///
/// A failure leaves a partly filled tree, to be discarded. Memory: about 100 bytes per directory, and 32 to
/// 64 bytes per entry with contents, with `execute`, or if the tree was not empty. Not safe for concurrent
/// use.
template <class Tree>
class BasicApplier {
  using Handle = typename Tree::Handle;
  using Place = typename Places<Tree>::Place;
  using Opened = sys::OpenedAs;

 public:
  explicit BasicApplier(Tree tree, ApplyOptions options = {})
      : options_(std::move(options)), places_(std::move(tree), options_), rules_(make_rules()) {}
  BasicApplier(BasicApplier const&) = delete;
  BasicApplier& operator=(BasicApplier const&) = delete;

  /// Applies one entry and reads `body` to its end.
  /// @throws `errno`, "<call> <path>"; `Errc::invalid_mappings`: the owner is not in the id maps;
  ///   `Errc::corrupt_archive`, `Errc::reserved_entry`, `Errc::unsafe_path`, `Errc::unsupported`
  void add(TarHeader const& header, Reader& body) {
    if (options_.maps.empty()) return add_mapped(header, body);
    TarHeader mapped = header;
    mapped.uid = idmap::host_id(options_.maps.uids, header.uid);
    mapped.gid = idmap::host_id(options_.maps.gids, header.gid);
    add_mapped(mapped, body);
  }

  /// Sets the times of directories, which creating their entries has changed. Call once, after the last
  /// entry.
  void finish() {
    directories_.set(tree());
    places_.forget();
  }

  Tree& tree() noexcept { return places_.tree(); }

 private:
  std::unique_ptr<WhiteoutRules<Tree>> make_rules() {
    switch (options_.whiteouts) {
      case Whiteouts::execute:
        if (options_.as_reference) return std::make_unique<ReferenceWhiteouts<Tree>>(places_);
        if (options_.former != Former::gives_way) return std::make_unique<PassedWhiteouts<Tree>>();
        return std::make_unique<ExecutedWhiteouts<Tree>>(places_);
      case Whiteouts::overlay: {
        auto rules = std::make_unique<OverlayWhiteouts<Tree>>(places_, options_);
        overlay_ = rules.get();
        return rules;
      }
      default:
        return std::make_unique<KeptWhiteouts<Tree>>();
    }
  }

  ChownErrors chown_errors() const noexcept {
    return options_.ignore_chown_errors ? ChownErrors::ignore : ChownErrors::fail;
  }

  void add_mapped(TarHeader const& header, Reader& body) {
    if (options_.whiteouts != Whiteouts::execute) refuse_reserved(header);
    std::string const path = path_in_tree(header.name);
    constexpr std::size_t longest = 4095;  // PATH_MAX without NUL: a longer path cannot be opened by name
    if (path.size() > longest) {
      errno = ENAMETOOLONG;
      sys::throw_errno("open", path);
    }
    TreePath const at(path);
    if (path.empty())
      add_root(header);
    else if (!rules_->is_sign(at.base))
      add_below(at, path, header, body);
    else if (header.size != 0)  // it would be lost when the archive is rebuilt
      throw Error(Errc::corrupt_archive, "whiteout \"" + path + "\" with contents");
    else
      rules_->add(at, header);
    while (!body.next().empty()) continue;
  }

  void add_root(TarHeader const& header) {
    if (header.type != EntryType::directory)
      throw Error(Errc::unsafe_path, "entry \"" + header.name + "\" for the root");
    if (!rules_->applies_root()) return;
    auto const root = tree().try_open("", O_RDONLY);
    if (!root) sys::throw_errno("open", "/");
    set_attributes(root, Opened::file, "/", header);
    remember_directory("", header);
  }

  void add_below(TreePath const& at, std::string const& path, TarHeader const& header, Reader& body) {
    std::string const base(at.base);
    Place& place = places_.make_parent(at.parent, *rules_);
    bool const elsewhere = place.path != at.parent;  // the path leads through links
    std::string const moved = elsewhere ? join(place.path, base) : std::string();
    std::string const& real = elsewhere ? moved : path;
    bool made = true;
    switch (header.type) {
      case EntryType::regular:
        add_file(place, base, real, header, body);
        break;
      case EntryType::directory:
        made = add_directory(place, base, real, header);
        break;
      case EntryType::hard_link:
        add_hard_link(place, base, real, header);
        break;
      case EntryType::symlink:
        places_.make(place, base, real, "symlink",
                     [&] { return tree().make_symlink(Tree::ref(place.directory), base, header.link_name); });
        places_.note_link(real);
        set_path_attributes(place, base, real, header);
        break;
      case EntryType::char_device:
      case EntryType::block_device:
      case EntryType::fifo:
        if (!add_node(place, base, real, header)) return;
        break;
      default:
        throw Error(Errc::unsupported, "kind of archive entry \"" + header.name + '"');
    }
    rules_->placed(real, made, path);
  }

  // --- one function for each type of entry ---

  void add_file(Place& place, std::string const& base, std::string const& path, TarHeader const& header,
                Reader& body) {
    if (!share_file(place, base, path, header, body)) {
      Handle const file = make_file(place, base, path, header.mode & 0777U);
      tree().write(file, body, path);
      set_attributes(file, Opened::file, path, header);
    }
    if (header.size > 0) places_.need(place, path);
  }

  bool share_file(Place& place, std::string const& base, std::string const& path, TarHeader const& header,
                  Reader& body) {
    if (options_.force_mask) return false;
    auto const share = [&] {
      return tree().try_share(Tree::ref(place.directory), base, path, header, body) == 0;
    };
    if (share()) return true;
    if (errno != EEXIST) return false;
    if (auto const old = tree().look(Tree::ref(place.directory), base, path))
      places_.remove(place, base, path, *old);
    return share();
  }

  Handle make_file(Place& place, std::string const& base, std::string const& path, mode_t mode) {
    Handle file{};
    places_.make(place, base, path, "open",
                 [&] { return tree().make_file(Tree::ref(place.directory), base, mode, file); });
    return file;
  }

  /// False if the directory already existed.
  bool add_directory(Place& place, std::string const& base, std::string const& path,
                     TarHeader const& header) {
    bool made_it = true;
    bool covers = false;
    while (tree().make_directory(Tree::ref(place.directory), base, header.mode & 0777U) != 0) {
      if (errno != EEXIST) sys::throw_errno("mkdir", path);
      auto const old = tree().look(Tree::ref(place.directory), base, path);
      if (old && S_ISDIR(old->st_mode)) {
        made_it = false;
        break;
      }
      covers = old && rules_->gives_way(*old);
      if (old) places_.remove(place, base, path, *old);
    }
    Place made{.directory = tree().open_directory(Tree::ref(place.directory), base), .path = path};
    if (covers) overlay_->mark_opaque(made);
    typename Tree::Setter setter(Tree::ref(made.directory), Opened::file, path);
    set_identity(setter, header);
    if constexpr (requires { tree().confirm(made.directory); }) tree().confirm(made.directory);
    remember_directory(path, header);
    places_.keep(path, std::move(made));
    return made_it;
  }

  void add_hard_link(Place& place, std::string const& base, std::string const& path,
                     TarHeader const& header) {
    std::string const target = path_in_tree(header.link_name);
    TreePath const to(target);
    auto const from = resolve(tree(), to.parent);
    places_.check_links(from.place);
    auto const missing = [&](int code) {
      errno = code;
      sys::throw_errno("link", target);
    };
    if (!from.found()) missing(from.blocked ? ENOTDIR : ENOENT);
    std::string const name(to.base.empty() ? "." : to.base);
    if (target.empty()) missing(EPERM);
    auto const first = tree().look(Tree::ref(from.place.directory), name, target);
    if (!first || rules_->is_hidden(*first)) missing(ENOENT);
    auto const first_path = join(from.place.path, name);
    if (first_path.starts_with(path + '/')) missing(ENOENT);  // removed with what the link replaces
    if (first_path == path) return;  // replacing it would remove the target's only name
    places_.make(place, base, path, "link", [&] {
      return tree().make_link(Tree::ref(from.place.directory), name, Tree::ref(place.directory), base);
    });
    if (S_ISLNK(first->st_mode))
      places_.note_link(path);
    else
      set_path_attributes(place, base, path, header);
  }

  /// @return false if a node cannot be created here and is skipped
  bool add_node(Place& place, std::string const& base, std::string const& path, TarHeader const& header) {
    bool const fifo = header.type == EntryType::fifo;
    mode_t const kind = fifo ? S_IFIFO : header.type == EntryType::char_device ? S_IFCHR : S_IFBLK;
    if (options_.force_mask) {
      set_attributes(make_file(place, base, path, 0600), Opened::file, path, header);
      return true;
    }
    if (!fifo && !tree().makes_devices()) return false;
    dev_t const device = fifo ? 0 : makedev(header.dev_major, header.dev_minor);
    places_.make(place, base, path, "mknod", [&] {
      return tree().make_node(Tree::ref(place.directory), base, kind | (header.mode & 0777U), device);
    });
    set_path_attributes(place, base, path, header);
    return true;
  }

  void set_attributes(Handle const& handle, Opened opened, std::string_view path,
                      TarHeader const& header) const {
    typename Tree::Setter setter(Tree::ref(handle), opened, path);
    set_identity(setter, header);
    setter.times(AttributeSetter::times_of(header));
    if constexpr (requires { Tree::confirm(handle); }) Tree::confirm(handle);
  }

  /// Sets owner, mode and extended attributes.
  void set_identity(typename Tree::Setter& setter, TarHeader const& header) const {
    bool const is_link = header.type == EntryType::symlink;
    if (!options_.force_mask) {
      setter.owner(header, chown_errors());
      if (!is_link) setter.mode(header.mode);
      setter.xattrs(header);
      return;
    }
    setter.xattrs(header);
    // A hard link's file already has the attribute.
    if (!is_link && header.type != EntryType::hard_link)
      setter.stand_in(*options_.force_mask, override_stat_text(header));
  }

  void set_path_attributes(Place& place, std::string const& base, std::string_view path,
                           TarHeader const& header) {
    set_attributes(tree().open_node(Tree::ref(place.directory), base), Opened::path_only, path, header);
  }

  void remember_directory(std::string path, TarHeader const& header) {
    if (options_.as_reference) path = path_in_tree(header.name);
    directories_.add(std::move(path), header);
  }

  ApplyOptions options_;
  Places<Tree> places_;
  OverlayWhiteouts<Tree>* overlay_ = nullptr;  ///< `rules_`, if of this type
  std::unique_ptr<WhiteoutRules<Tree>> rules_;
  DirectoryTimes<Tree> directories_{options_.as_reference ? DirectoryTimes<Tree>::Named::by_entry
                                                          : DirectoryTimes<Tree>::Named::by_place};
};

/// Unpacks into a directory of the file system.
///
///     archive::Applier applier(sys::open_at(AT_FDCWD, tree, O_PATH | O_DIRECTORY));
///     for (archive::TarHeader header; tar.next(header);) applier.add(header, tar);
///     applier.finish();
class Applier : public BasicApplier<DiskTree> {
 public:
  /// @param root the tree's directory, opened with O_PATH or O_RDONLY
  explicit Applier(sys::Fd root, ApplyOptions options = {})
      : BasicApplier(DiskTree(std::move(root)), std::move(options)) {}
};

}  // namespace strata::archive
