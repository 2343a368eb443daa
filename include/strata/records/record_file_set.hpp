#pragma once

#include <strata/durability.hpp>
#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/records/record.hpp>
#include <strata/separate.hpp>
#include <strata/sys/file_state.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace strata {

/// Directories of the record files of one kind.
struct RecordPlaces {
  fs::path main;
  fs::path image_store = {};  ///< empty: no separate image store
  fs::path volatiles = {};    ///< empty: as `main`
};

/// The files of one kind and their state at the last read: the part of `RecordFile` that does not depend on
/// the record type, so that a program contains it once.
class RecordFileSet {
 public:
  static constexpr std::size_t most_files = 3;

  /// One file, and its state at the last read.
  struct File {
    fs::path path = {};
    sys::FileState state = {};
    std::vector<std::string> unreadable = {};
  };

  /// @param count  number of files: `most_files`, or 1 for kinds whose records have no `place`
  RecordFileSet(RecordPlaces const& places, std::string_view stem, std::string_view extension,
                std::size_t count);

  File& at(RecordPlace place) { return files_[static_cast<std::size_t>(place)]; }
  File& operator[](std::size_t index) { return files_[index]; }
  std::size_t size() const noexcept { return count_; }
  fs::path const& path() const noexcept { return files_[0].path; }

  bool all_readable() const noexcept;

  std::vector<std::pair<RecordPlace, fs::path>> files() const;

  /// State of the files before they are read, so that a writer that ignores the lock is detected the next
  /// time.
  struct Seen {
    std::array<sys::FileState, most_files> states = {};
    bool changed = true;  ///< since `loaded`
  };
  Seen look(std::string const& token) const;

  /// Rows in memory and files may no longer agree.
  void forget() noexcept { loaded_ = false; }
  void loaded(Seen const& seen, std::string const& token);
  void saved(std::string const& token);

  /// @throws `Errc::corrupt_record` if the files could not be read
  void check_loaded() const;

  /// True if one file was modified after another.
  bool is_newer(std::size_t one, std::size_t other) const;

  /// Flushes the files and their names. @throws `errno`, "fsync <path>"
  void flush() const;

  static void write(File& file, std::string const& bytes, Flush flush);

 private:
  std::array<File, most_files> files_;  ///< by `RecordPlace`; an empty path: no such file in this store
  std::size_t count_;
  std::string token_;
  bool loaded_ = false;
};

/// Determines which files a set of changes affects, in the order in which they are to be written.
///
/// The file of the last change comes first: a change that takes a name follows the one that releases it, so
/// that the name is briefly in both files, but never in none. If all are written the main file comes last,
/// since its records take precedence until they are removed.
class TouchedFiles {
 public:
  void touch(std::size_t file);
  void touch_all(std::size_t count);
  std::size_t size() const noexcept { return count_; }
  std::size_t const* begin() const noexcept { return files_.data(); }
  std::size_t const* end() const noexcept { return files_.data() + count_; }

 private:
  std::array<std::size_t, RecordFileSet::most_files> files_ = {};
  std::size_t count_ = 0;
};

}  // namespace strata

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/records/record_file_set.ipp>
#endif
