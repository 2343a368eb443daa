#pragma once

#include <strata/archive/tar_header.hpp>
#include <strata/concepts/bytes.hpp>
#include <strata/separate.hpp>
#include <strata/sys/copy_file.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/userns.hpp>
#include <strata/sys/xattr.hpp>
#include <strata/tree/attributes.hpp>

#include <cerrno>
#include <cstddef>
#include <fcntl.h>
#include <linux/openat2.h>
#include <optional>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace strata::archive {

/// A directory tree of the file system, for `BasicApplier`. Single names are never followed. The `make_…`
/// functions return -1 and set `errno` like system calls. Not safe for concurrent use.
class DiskTree {
 public:
  using Handle = sys::Fd;
  using Ref = int;
  using Setter = AttributeSetter;

  /// @param root opened with O_PATH or O_RDONLY
  explicit DiskTree(sys::Fd root) : root_(std::move(root)) {}

  static Ref ref(Handle const& handle) noexcept { return handle.get(); }

  /// Opens a directory by its path, which must not contain links.
  /// @return empty on failure, with `errno` set; ELOOP for a link on the way, ENOTDIR for one at its end
  Handle try_open(std::string_view path, int flags = O_PATH) const;
  Handle open(std::string_view path) const;
  Handle open_root() const { return open(""); }
  static Handle enter(Ref directory, std::string const& name, std::string_view path);
  /// Opens a directory for setting its attributes.
  static Handle open_directory(Ref directory, std::string const& name);
  static Handle open_node(Ref directory, std::string const& name);

  /// The status of a name; empty if it does not exist.
  /// @throws `errno`, "stat <path>"
  static std::optional<struct stat> look(Ref directory, std::string const& name, std::string_view path);
  static std::string read_link(Ref directory, std::string const& name, std::string_view path);
  static std::vector<std::string> names(Ref directory, std::string_view path);

  /// @return 0, or -1 with `errno` set
  static int make_file(Ref directory, std::string const& name, mode_t mode, Handle& made);
  static int make_directory(Ref directory, std::string const& name, mode_t mode);
  static int make_symlink(Ref directory, std::string const& name, std::string const& target);
  static int make_link(Ref from, std::string const& first, Ref directory, std::string const& name);
  static int make_node(Ref directory, std::string const& name, mode_t mode, dev_t device);
  /// False in a user namespace.
  static bool makes_devices() { return !sys::in_user_namespace(); }

  static void remove(Ref directory, std::string const& name, struct stat const& status,
                     std::string_view path);

  /// @param directory may be O_PATH: it is opened again, as O_PATH descriptors do not accept attributes
  static void mark_opaque(Ref directory, bool user_xattr, std::string_view path);

  /// @param directory not O_PATH
  static bool is_opaque(Ref directory, bool user_xattr, std::string_view path);

  /// Writes a file's contents. A `FileBody` shares its file's blocks where the file system can; holes become
  /// holes.
  void write(Handle const& file, Reader& body, std::string_view path);

  /// Hard-links an existing file in place of writing its contents, if its owner, mode and attributes match
  /// the header.
  /// @return 0, or -1 with `errno` set: EXDEV if it does not match, EEXIST if the name is taken
  static int try_share(Ref directory, std::string const& name, std::string_view path, TarHeader const& header,
                       Reader& body);

 private:
  Handle open_plain(sys::Fd const& from, std::string_view path, int flags) const;

  sys::Fd root_;
  sys::FileCopier copier_ = {};
};

}  // namespace strata::archive

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/tree/disk_tree.ipp>
#endif
