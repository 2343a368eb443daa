#pragma once

#include <strata/archive/attributes.hpp>
#include <strata/archive/directory_cache.hpp>
#include <strata/archive/file_body.hpp>
#include <strata/archive/link_sources.hpp>
#include <strata/archive/override_stat.hpp>
#include <strata/archive/sparse_body.hpp>
#include <strata/archive/tar_header.hpp>
#include <strata/archive/tree_path.hpp>
#include <strata/archive/whiteout.hpp>
#include <strata/concepts/bytes.hpp>
#include <strata/error.hpp>
#include <strata/idmap/range.hpp>
#include <strata/sys/copy_file.hpp>
#include <strata/sys/directory.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/file.hpp>
#include <strata/sys/remove_tree.hpp>
#include <strata/sys/userns.hpp>
#include <strata/sys/xattr.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <fcntl.h>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include <unordered_set>
#include <utility>
#include <vector>

namespace strata::archive {

/// What becomes of ".wh." entries.
enum class Whiteouts {
  overlay,  ///< overlayfs's own form: character devices 0:0, and the opaque attribute of directories
  execute,  ///< what they name is deleted from the tree, which holds a copy of the parent
  keep,     ///< they stay the empty files that they are in the archive, as mount programs have them
};

struct ApplyOptions {
  Whiteouts whiteouts = Whiteouts::overlay;
  bool user_xattr = false;  ///< mark opaque directories with user.overlay.opaque instead of trusted.…
  /// Mode that directories and files are stored with, owned by who unpacks them; what they are goes into an attribute
  /// (`override_stat_text`). Devices and fifos become empty files.
  std::optional<std::uint32_t> force_mask = {};
  bool ignore_chown_errors = false;  ///< leave the owner as it is where the kernel refuses to change it
  IdMaps maps = {};                  ///< from the ids of headers to those of files
  /// This archive was being unpacked here before, and was not to its end: what a whiteout finds may be of that attempt.
  bool again = false;
};

/// Unpacks archive entries, one after the other, over a directory tree.
///
/// Whatever the archive says, nothing outside the tree is touched: names are taken relative to the root, the kernel
/// resolves parents with the root as "/" (links already in the tree lead to where they would lead in the
/// container), and the last component is never followed. Character devices 0:0 are refused where
/// overlayfs would take them for its own (`Errc::reserved_entry`), and devices like others with `execute`; attributes of overlayfs are passed over, as is security.selinux.
///
/// - a file or link replaces whatever is there, a directory merges with a directory
/// - missing parents are made, 0755 and owned by root; below a directory that gives its group on, they do so as well
/// - contents that are those of a file (`FileBody`) share its blocks where the file system can; holes that the archive
///   tells of (`SparseBody`) become holes
/// - hard-link entries take their own owner, mode and times, as the Go library does
/// - whiteouts hide what the parent has, never what this archive put there, before or after them; a directory that
///   follows its own whiteout is opaque
/// - with `Whiteouts::overlay`, a whiteout of what the tree had before this archive is an error (EEXIST), as in the Go
///   library; also of a directory that the archive has put more into
/// - an entry for the root is applied with `Whiteouts::execute` and passed over otherwise, where
///   the driver decides what the root looks like
///
/// A failure leaves a tree half filled, to be thrown away. Memory: some 100 bytes a directory, and 16 bytes an
/// entry with `execute` or if the tree was not empty. One thread at a time.
class Applier {
 public:
  /// @param root  the tree's directory, opened with O_PATH or O_RDONLY
  explicit Applier(sys::Fd root, ApplyOptions options = {})
      : root_(std::move(root)), options_(options), tells_apart_(executes() || has_contents()) {}

  /// One entry; reads `body` to its end.
  /// @throws `Errc::invalid_mappings`: its owner is not in the maps
  void add(TarHeader const& header, Reader& body) {
    if (options_.maps.empty()) return add_mapped(header, body);
    TarHeader mapped = header;
    mapped.uid = idmap::host_id(options_.maps.uids, header.uid);
    mapped.gid = idmap::host_id(options_.maps.gids, header.gid);
    add_mapped(mapped, body);
  }

 private:
  void add_mapped(TarHeader const& header, Reader& body) {
    if (!executes()) refuse_reserved(header);
    std::string const path = path_in_tree(header.name);
    if (path.empty())
      add_root(header);
    else if (executes() && path.starts_with(whiteout_meta_prefix) && path != whiteout_opaque)
      link_sources_.keep(root_.get(), path, header, body);
    else
      add_below(path, header, body);
    while (!body.next().empty()) continue;
  }

 public:
  /// Directory times, which making their entries has changed. To be called once, after the last entry.
  void finish() {
    for (auto const& directory : directories_) {
      char const* const path = directory.path.empty() ? "." : directory.path.c_str();
      // It may have been replaced by a later entry; then what is there now has its own times.
      sys::Fd const fd = sys::try_open_in_root(root_.get(), path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
      if (fd && ::futimens(fd.get(), directory.times.data()) != 0)
        sys::throw_errno("utimensat", directory.path);
    }
    directories_.clear();
    cache_.clear();
  }

 private:
  struct DirectoryTimes {
    std::string path;
    std::array<timespec, 2> times;
  };
  bool executes() const noexcept { return options_.whiteouts == Whiteouts::execute; }

  bool has_contents() const {
    return !sys::read_directory(sys::open_at(root_.get(), ".", O_RDONLY | O_DIRECTORY).get(), "").empty();
  }

  ChownErrors chown_errors() const noexcept {
    return options_.ignore_chown_errors ? ChownErrors::ignore : ChownErrors::fail;
  }

  void add_root(TarHeader const& header) {
    if (header.type != EntryType::directory)
      throw Error(Errc::unsafe_path, "entry \"" + header.name + "\" for the root");
    if (!executes()) return;
    sys::Fd const root = sys::open_at(root_.get(), ".", O_RDONLY | O_DIRECTORY);
    set_attributes(root.get(), Handle::file, "/", header);
    remember_directory("", header);
  }

  void add_below(std::string const& path, TarHeader const& header, Reader& body) {
    TreePath const at(path);
    std::string const base(at.base);
    bool const whiteout = options_.whiteouts != Whiteouts::keep && is_whiteout(base);
    int const directory = parent(at.parent, whiteout ? IfBlocked::none : IfBlocked::fail);
    if (whiteout) {
      // What is not kept could not be given back when the archive is rebuilt.
      if (header.size != 0) throw Error(Errc::corrupt_archive, "whiteout \"" + path + "\" with contents");
      // Tools that delete /a after /a/b write both ".wh.a" and "a/.wh.b": then there is no directory any more.
      if (directory < 0) return;
      if (base == whiteout_opaque)
        executes() ? remove_old_below(directory, at.parent) : mark_opaque(directory, at.parent);
      else
        hide(directory, at.parent, std::string(whiteout_target(base)), header);
      return;
    }
    bool made = true;
    switch (header.type) {
      case EntryType::regular:
        add_file(directory, base, path, header, body);
        break;
      case EntryType::directory:
        made = add_directory(directory, base, path, header);
        break;
      case EntryType::hard_link:
        add_hard_link(directory, base, path, header);
        break;
      case EntryType::symlink:
        make(directory, base, path, "symlink",
             [&] { return ::symlinkat(header.link_name.c_str(), directory, base.c_str()); });
        set_path_attributes(directory, base, path, header);
        break;
      case EntryType::char_device:
      case EntryType::block_device:
      case EntryType::fifo:
        add_node(directory, base, path, header);
        break;
      default:
        throw Error(Errc::unsupported, "kind of archive entry \"" + header.name + '"');
    }
    if (executes())
      mark_used(path);
    else if (made)
      mark_made(path);
  }

  // --- one kind of entry each ---

  void add_file(int directory, std::string const& base, std::string const& path, TarHeader const& header,
                Reader& body) {
    auto const* const whole = dynamic_cast<FileBody const*>(&body);
    if (whole != nullptr && whole->may_link() && add_name(directory, base, path, header, *whole)) return;
    sys::Fd const file(make(directory, base, path, "open", [&] {
      return ::openat(directory, base.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                      header.mode & 0777U);
    }));
    if (whole != nullptr) {
      struct stat status {};
      if (::fstat(whole->descriptor(), &status) != 0) sys::throw_errno("stat", path);
      copier_.copy(whole->descriptor(), file.get(), status, path, [](std::size_t) {});
    } else {
      write_contents(file.get(), body, path);
    }
    set_attributes(file.get(), Handle::file, path, header);
  }

  /// One more name for a file that exists; false if it is not what the header says, or the file system refuses.
  bool add_name(int directory, std::string const& base, std::string const& path, TarHeader const& header,
                FileBody const& body) {
    struct stat status {};
    if (options_.force_mask || ::fstat(body.descriptor(), &status) != 0) return false;
    if ((status.st_mode & 07777U) != (header.mode & 07777U) || status.st_uid != header.uid ||
        status.st_gid != header.gid)
      return false;
    std::vector<std::pair<std::string, std::string>> xattrs, wanted;
    for (auto const& name : sys::list_xattrs(body.descriptor(), path))
      if (is_unpacked_xattr(name))
        xattrs.emplace_back(name, sys::get_xattr(body.descriptor(), name, path).value_or(std::string()));
    for (auto const& xattr : header.xattrs)
      if (is_unpacked_xattr(xattr.first)) wanted.push_back(xattr);
    std::ranges::sort(xattrs);
    if (xattrs != wanted) return false;
    auto const from = "/proc/self/fd/" + std::to_string(body.descriptor());
    auto const link = [&] {
      return ::linkat(AT_FDCWD, from.c_str(), directory, base.c_str(), AT_SYMLINK_FOLLOW);
    };
    if (link() == 0) return true;
    if (errno != EEXIST) return false;
    remove(directory, base, path);
    return link() == 0;
  }

  /// Returns false if there was one already.
  bool add_directory(int directory, std::string const& base, std::string const& path,
                     TarHeader const& header) {
    bool made_it = true;
    bool was_whiteout = false;
    while (::mkdirat(directory, base.c_str(), header.mode & 0777U) != 0) {
      if (errno != EEXIST) sys::throw_errno("mkdir", path);
      struct stat old {};
      if (::fstatat(directory, base.c_str(), &old, AT_SYMLINK_NOFOLLOW) != 0) sys::throw_errno("stat", path);
      if (S_ISDIR(old.st_mode)) {
        made_it = false;
        break;
      }
      was_whiteout = !executes() && is_overlay_whiteout(old);
      remove(directory, base, path);
    }
    sys::Fd made = sys::open_at(directory, base, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (was_whiteout) mark_opaque(made.get(), path);
    AttributeSetter setter(made.get(), Handle::file, path);
    set_identity(setter, header);
    remember_directory(path, header);
    cache_.put(path, std::move(made));
    return made_it;
  }

  void add_hard_link(int directory, std::string const& base, std::string const& path,
                     TarHeader const& header) {
    std::string const target = path_in_tree(header.link_name);
    if (executes() && target.starts_with(whiteout_links))
      return link_sources_.with(target, [&](TarHeader const& source, Reader& contents) {
        add_file(directory, base, path, source, contents);
      });
    if (target == path) return;  // would remove the only name of what it is to be a name of
    TreePath const to(target);
    sys::Fd const from = open_directory(to.parent);
    if (!from) sys::throw_errno("link", target);
    std::string const name(to.base);
    make(directory, base, path, "link",
         [&] { return ::linkat(from.get(), name.empty() ? "." : name.c_str(), directory, base.c_str(), 0); });
    sys::Fd const fd = sys::open_at(directory, base, O_PATH | O_NOFOLLOW);
    struct stat status {};
    if (::fstat(fd.get(), &status) != 0) sys::throw_errno("stat", path);
    if (!S_ISLNK(status.st_mode)) set_attributes(fd.get(), Handle::path_only, path, header);
  }

  void add_node(int directory, std::string const& base, std::string const& path, TarHeader const& header) {
    bool const character = header.type == EntryType::char_device;
    bool const fifo = header.type == EntryType::fifo;
    mode_t const kind = fifo ? S_IFIFO : character ? S_IFCHR : S_IFBLK;
    if (options_.force_mask) {
      sys::Fd const file(make(directory, base, path, "open", [&] {
        return ::openat(directory, base.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
      }));
      set_attributes(file.get(), Handle::file, path, header);
      return;
    }
    if (!fifo && sys::in_user_namespace()) return;
    dev_t const device = fifo ? 0 : makedev(header.dev_major, header.dev_minor);
    make(directory, base, path, "mknod",
         [&] { return ::mknodat(directory, base.c_str(), kind | (header.mode & 0777U), device); });
    set_path_attributes(directory, base, path, header);
  }

  // --- whiteouts ---

  void hide(int directory, std::string_view parent_path, std::string const& target, TarHeader const& header) {
    std::string path(parent_path);
    if (!path.empty()) path += '/';
    path += target;
    if (executes()) {
      remove_old(directory, target, path);
      return;
    }
    auto const make_whiteout = [&] { return ::mknodat(directory, target.c_str(), S_IFCHR, makedev(0, 0)); };
    int failed = make_whiteout();
    if (failed != 0 && errno == EEXIST && options_.again && !new_.contains(key(path))) {
      remove_old(directory, target, path);
      failed = make_whiteout();
    }
    if (failed != 0) {
      if (errno != EEXIST || (tells_apart_ && !new_.contains(key(path)))) sys::throw_errno("mknod", path);
      // This archive's own entry stays; a directory must not let the parent's files through, though.
      sys::Fd const old = sys::try_open_at(directory, target.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
      if (old) mark_opaque(old.get(), path);
      return;
    }
    mark_made(path);
    sys::Fd const node = sys::open_at(directory, target, O_PATH | O_NOFOLLOW);
    AttributeSetter(node.get(), Handle::path_only, path).owner(header, chown_errors());
  }

  /// @param directory  may be O_PATH, which takes no attributes: it is opened again
  void mark_opaque(int directory, std::string_view path) {
    sys::Fd const fd = sys::open_at(directory, ".", O_RDONLY | O_DIRECTORY);
    char const* const name = OverlayXattr{options_.user_xattr}.opaque();
    if (::fsetxattr(fd.get(), name, "y", 1, 0) != 0)
      sys::throw_errno(std::string("setxattr ") + name + " on", path);
  }

  /// Removes what is not of this archive: `base` as a whole, or, if the archive has put something into it, the rest.
  void remove_old(int directory, std::string const& base, std::string const& path) {
    if (!new_.contains(key(path))) {
      struct stat status {};
      if (::fstatat(directory, base.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0)
        remove(directory, base, path);
      return;
    }
    sys::Fd const fd = sys::try_open_at(directory, base.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (fd) remove_old_below(fd.get(), path);
  }

  void remove_old_below(int directory, std::string_view path) {
    sys::Fd const fd = sys::open_at(directory, ".", O_RDONLY | O_DIRECTORY);
    for (auto const& entry : sys::read_directory(fd.get(), path))
      remove_old(directory, entry.name, path.empty() ? entry.name : std::string(path) + '/' + entry.name);
  }

  static std::size_t key(std::string_view path) noexcept { return std::hash<std::string_view>{}(path); }

  /// Notes that this archive made `path`: nothing of what was there before is in it.
  void mark_made(std::string_view path) {
    if (tells_apart_) new_.insert(key(path));
  }
  /// Notes that this archive has `path`, and so needs the directories above it.
  void mark_used(std::string_view path) {
    while (!path.empty() && new_.insert(key(path)).second) path = TreePath(path).parent;
  }

  // --- places ---

  enum class IfBlocked { fail, none };

  sys::Fd open_directory(std::string_view path) const {
    std::string const name(path.empty() ? "." : path);
    return sys::try_open_in_root(root_.get(), name.c_str(), O_PATH | O_DIRECTORY);
  }

  /// The directory at `path`, made if missing.
  /// @return  -1 if something else than a directory stands in the way, and that is no error
  int parent(std::string_view path, IfBlocked if_blocked) {
    if (int const known = cache_.find(path); known >= 0) return known;
    sys::Fd fd = open_directory(path);
    if (!fd && (errno == ENOENT || errno == ENOTDIR)) fd = make_directories(path, if_blocked);
    if (!fd) return -1;
    return cache_.put(path, std::move(fd));
  }

  sys::Fd make_directories(std::string_view path, IfBlocked if_blocked) {
    sys::Fd above = open_directory("");
    for (std::size_t end = 0; end != path.size();) {
      std::size_t const begin = end == 0 ? 0 : end + 1;
      end = std::min(path.find('/', begin), path.size());
      auto const prefix = path.substr(0, end);
      std::string const base(path.substr(begin, end - begin));
      sys::Fd next = open_directory(prefix);
      if (!next && (errno == ENOENT || errno == ENOTDIR)) {
        struct stat old {};
        bool const present = ::fstatat(above.get(), base.c_str(), &old, AT_SYMLINK_NOFOLLOW) == 0;
        bool const whiteout = present && !executes() && is_overlay_whiteout(old);
        if (present && if_blocked == IfBlocked::none) return {};
        if (present && !whiteout) {
          errno = ENOTDIR;
          sys::throw_errno("mkdir", prefix);
        }
        if (whiteout) remove(above.get(), base, prefix);
        next = make_directory(above.get(), base, prefix);
        if (whiteout) mark_opaque(next.get(), prefix);
      }
      if (!next) sys::throw_errno("open", prefix);
      above = std::move(next);
    }
    return above;
  }

  /// A directory that the archive uses and has no entry for. The root's of the maps; as with containers/storage, of the
  /// group of the directory above where that gives its own on, but not in the layers of drivers that keep whiteouts.
  sys::Fd make_directory(int directory, std::string const& base, std::string_view path) {
    if (::mkdirat(directory, base.c_str(), 0755) != 0) sys::throw_errno("mkdir", path);
    sys::Fd fd = sys::open_at(directory, base, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    AttributeSetter setter(fd.get(), Handle::file, path);
    auto const& made = setter.status();
    auto const root = idmap::root_of(options_.maps);
    bool const inherits = executes() && (made.st_mode & S_ISGID) != 0;
    setter.owner({.uid = root.uid, .gid = inherits ? made.st_gid : root.gid}, ChownErrors::ignore);
    setter.mode(0755 | (made.st_mode & S_ISGID));
    if (!executes()) mark_made(path);
    return fd;
  }

  /// Calls `create`, which fails with EEXIST if the name is taken; then what has it is removed first.
  template <class Create>
  int make(int directory, std::string const& base, std::string_view path, char const* operation,
           Create create) {
    int made = sys::retry(create);
    if (made < 0 && errno == EEXIST) {
      remove(directory, base, path);
      made = sys::retry(create);
    }
    if (made < 0) sys::throw_errno(operation, path);
    return made;
  }

  void remove(int directory, std::string const& base, std::string_view path) {
    struct stat status {};
    if (::fstatat(directory, base.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) sys::throw_errno("stat", path);
    if (!S_ISDIR(status.st_mode)) {
      if (::unlinkat(directory, base.c_str(), 0) != 0) sys::throw_errno("unlink", path);
      if (S_ISLNK(status.st_mode)) cache_.clear_but(directory);
      return;
    }
    sys::remove_tree("/proc/self/fd/" + std::to_string(directory) + '/' + base);
    cache_.clear_but(directory);
  }

  void set_attributes(int fd, Handle handle, std::string_view path, TarHeader const& header) const {
    AttributeSetter setter(fd, handle, path);
    set_identity(setter, header);
    setter.times(AttributeSetter::times_of(header));
  }

  /// Owner, mode and extended attributes.
  void set_identity(AttributeSetter& setter, TarHeader const& header) const {
    bool const is_link = header.type == EntryType::symlink;
    if (!options_.force_mask) {
      setter.owner(header, chown_errors());
      if (!is_link) setter.mode(header.mode);
      setter.xattrs(header);
      return;
    }
    setter.xattrs(header);
    // A hard link's file has been told what it is.
    if (!is_link && header.type != EntryType::hard_link)
      setter.stand_in(*options_.force_mask, override_stat_text(header));
  }

  void set_path_attributes(int directory, std::string const& base, std::string_view path,
                           TarHeader const& header) const {
    sys::Fd const fd = sys::open_at(directory, base, O_PATH | O_NOFOLLOW);
    set_attributes(fd.get(), Handle::path_only, path, header);
  }

  void remember_directory(std::string path, TarHeader const& header) {
    directories_.push_back(
        {std::move(path), AttributeSetter::clamp(header.atime.value_or(FileTime{}), header.mtime)});
  }

  sys::Fd root_;
  ApplyOptions options_;
  DirectoryCache cache_ = {};
  std::vector<DirectoryTimes> directories_ = {};
  bool tells_apart_;  ///< what this archive put there from what was there before
  /// Hashes of paths: of what this archive made; with `execute`, of what it has.
  std::unordered_set<std::size_t> new_ = {};
  LinkSources link_sources_ = {};  ///< for `execute` only
  sys::FileCopier copier_ = {};
};

}  // namespace strata::archive
