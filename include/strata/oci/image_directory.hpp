#pragma once

#include <strata/concepts/bytes.hpp>
#include <strata/concepts/ranges.hpp>
#include <strata/durability.hpp>
#include <strata/fs.hpp>
#include <strata/separate.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/file.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace strata::oci {

/// The files of a directory with images, which may come from strangers: a name is resolved below the directory, by the
/// kernel, and a symbolic link out of it is `Errc::unsafe_path`. Holds nothing open; thread-safe.
class ImageDirectory {
 public:
  explicit ImageDirectory(fs::path path, Flush flush = Flush::full) : path_(std::move(path)), flush_(flush) {}

  fs::path const& path() const noexcept { return path_; }
  /// For errors' subjects.
  std::string const& name() const noexcept { return path_.native(); }

  /// True if there is a regular file of that name.
  /// @throws as `open`, other than ENOENT and ENOTDIR
  bool contains(std::string_view name) const { return find(name).has_value(); }

  /// Size of a file in bytes; none as for `contains`.
  std::optional<std::uint64_t> find(std::string_view name) const;

  /// Size of a file in bytes.
  /// @throws as `open`
  std::uint64_t size(std::string_view name) const { return get_file(name).size; }

  /// @throws `errno`, "open <path>"; `Errc::unsafe_path`; `Errc::unsupported` for what is no regular file. While reading: as
  ///   `range_source`
  Source open(std::string_view name) const;

  /// A part of a file.
  /// @throws as `open`; `Errc::corrupt_archive` if the file ends before
  Source open(std::string_view name, ByteRange range) const;

  /// A whole file.
  /// @throws as `open`; `Errc::over_budget` above `most` bytes
  std::string read(std::string_view name, std::size_t most) const;

  /// Creates a directory, and those above it, with mode 0755 less the umask. An empty name is the directory itself.
  /// @throws `errno`, "mkdir <path>", "open <path>"; `Errc::unsafe_path`
  void make_directory(std::string_view name) const;

  /// Writes a file, mode 0644, which appears or takes another one's place when it is complete. Its directory must exist.
  /// @param temporary_name  `fixed` for a writer that has the directory locked
  /// @throws what the source throws, and then nothing has changed; `errno`; `Errc::unsafe_path`
  void put(std::string_view name, Source in,
           sys::TemporaryName temporary_name = sys::TemporaryName::unique) const;

  /// Removes a file. @return false if there is none
  /// @throws `errno`, "unlink <path>"
  bool remove(std::string_view name) const;

  /// Waits until no other process or thread has the directory locked; the lock ends with the descriptor. Excludes nobody on
  /// a file system that cannot lock a directory (NFS).
  /// @throws `errno`, "open <path>"
  [[nodiscard]] sys::Fd lock() const;

 private:
  struct Opened {
    sys::Fd fd;
    std::uint64_t size = 0;
  };
  fs::path path_of(std::string_view name) const;
  sys::Fd try_open(std::string_view name, int flags) const;
  sys::Fd open_directory(std::string_view name) const;
  [[noreturn]] void raise(char const* operation, std::string_view name) const;
  std::optional<Opened> find_file(std::string_view name) const;
  Opened get_file(std::string_view name) const;

  fs::path path_;
  Flush flush_;
};

}  // namespace strata::oci

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/oci/image_directory.ipp>
#endif
