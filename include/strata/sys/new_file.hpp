#pragma once

#include <strata/concepts/bytes.hpp>
#include <strata/durability.hpp>
#include <strata/fs.hpp>
#include <strata/separate.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/file.hpp>

#include <cstdint>
#include <string>

namespace strata::sys {

/// A file that appears in an open directory when it is complete, in place of one of that name. As `ReplacingFile`, but the
/// directory's path is not resolved again, and a process that is killed leaves nothing behind: the file has no name before
/// `commit()`. Only if the file system lacks O_TMPFILE, or for the moment in which it replaces another one, is it
/// `.tmp-<name><digits>`. Not safe for concurrent use.
class NewFile {
 public:
  struct Options {
    unsigned mode = 0644;       ///< exact permission bits; the umask does not apply
    Flush flush = Flush::full;  ///< `full`: contents and name are on stable storage after `commit()`
    TemporaryName temporary_name = TemporaryName::unique;
  };

  /// @param directory  opened for reading; must stay open
  /// @param name  a single component
  /// @param path  of the file, for errors' subjects
  /// @throws `errno`, "open <path>"
  NewFile(int directory, std::string name, fs::path path, Options const& options);
  NewFile(NewFile const&) = delete;
  NewFile& operator=(NewFile const&) = delete;
  ~NewFile();

  /// @throws `errno`, "write <path>"
  void write(Bytes bytes);

  /// Gives the file its name. Call once.
  /// @throws `errno`, "chmod <path>", "fdatasync <path>", "link <path>", "rename <path>"; then nothing has changed, unless
  ///   only the final flush of the directory, "fsync <path>", failed
  void commit();

 private:
  static constexpr std::uint64_t write_back_bytes = 8U << 20U;

  /// Calls `make(name)` with names for the temporary file until it succeeds. False, with `errno` set, if it cannot.
  template <class Make>
  bool make_temporary(Make const& make);

  int directory_;
  std::string name_;
  fs::path path_;
  Options options_;
  std::string temporary_ = {};  // empty while it has no name
  Fd fd_ = {};
  std::uint64_t written_ = 0;  // since write-back was started last
};

}  // namespace strata::sys

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/sys/new_file.ipp>
#endif
