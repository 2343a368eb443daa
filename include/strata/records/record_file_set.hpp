#pragma once

#include <strata/durability.hpp>
#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/paths.hpp>
#include <strata/records/record.hpp>
#include <strata/sys/file.hpp>
#include <strata/sys/file_state.hpp>
#include <strata/sys/lookup.hpp>

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
                std::size_t count)
      : count_(count) {
    auto const file = std::string(stem) + '.' + std::string(extension);
    files_[0].path = places.main / file;
    if (count_ == 1) return;
    if (!places.image_store.empty()) at(RecordPlace::image_store).path = places.image_store / file;
    at(RecordPlace::volatile_file).path = (places.volatiles.empty() ? places.main : places.volatiles) /
                                          (std::string(paths::volatile_prefix) + file);
  }

  File& at(RecordPlace place) { return files_[static_cast<std::size_t>(place)]; }
  File& operator[](std::size_t index) { return files_[index]; }
  std::size_t size() const noexcept { return count_; }
  fs::path const& path() const noexcept { return files_[0].path; }

  bool all_readable() const noexcept {
    return std::ranges::all_of(files_, [](File const& file) { return file.unreadable.empty(); });
  }

  std::vector<std::pair<RecordPlace, fs::path>> files() const {
    std::vector<std::pair<RecordPlace, fs::path>> out;
    for (std::size_t i = 0; i < count_; ++i)
      if (!files_[i].path.empty()) out.emplace_back(static_cast<RecordPlace>(i), files_[i].path);
    return out;
  }

  /// State of the files before they are read, so that a writer that ignores the lock is detected the next
  /// time.
  struct Seen {
    std::array<sys::FileState, most_files> states = {};
    bool changed = true;  ///< since `loaded`
  };
  Seen look(std::string const& token) const {
    Seen seen;
    bool same = loaded_ && token == token_;
    for (std::size_t i = 0; i < count_; ++i) {
      if (!files_[i].path.empty()) seen.states[i] = sys::FileState::of(files_[i].path);
      same = same && seen.states[i] == files_[i].state;
    }
    seen.changed = !same;
    return seen;
  }

  /// Rows in memory and files may no longer agree.
  void forget() noexcept { loaded_ = false; }
  void loaded(Seen const& seen, std::string const& token) {
    for (std::size_t i = 0; i < count_; ++i) files_[i].state = seen.states[i];
    saved(token);
  }
  void saved(std::string const& token) {
    token_ = token;
    loaded_ = true;
  }

  /// @throws `Errc::corrupt_record` if the files could not be read
  void check_loaded() const {
    if (!loaded_)
      throw Error(Errc::corrupt_record, path().native() + ": not saved, since it could not be read")
          .at(path().native());
  }

  /// True if one file was modified after another.
  bool is_newer(std::size_t one, std::size_t other) const {
    return sys::FileState::of(files_[one].path).newer_than(sys::FileState::of(files_[other].path));
  }

  /// Flushes the files and their names. @throws `errno`, "fsync <path>"
  void flush() const {
    for (auto const& file : files_) {
      if (file.path.empty()) continue;
      if (auto const fd = sys::open_stored(file.path)) sys::sync_file(fd->get(), file.path);
      if (auto const directory = file.path.parent_path(); sys::is_directory(directory))
        sys::sync_directory(directory);
    }
  }

  static void write(File& file, std::string const& bytes, Flush flush) {
    sys::replace_file(file.path, bytes, {.flush = flush, .temporary_name = sys::TemporaryName::fixed});
    file.state = sys::FileState::of(file.path);
  }

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
  void touch(std::size_t file) {
    if (std::find(begin(), end(), file) == end()) files_[count_++] = file;
  }
  void touch_all(std::size_t count) {
    for (std::size_t file = count; file-- > 0;) touch(file);
  }
  std::size_t size() const noexcept { return count_; }
  std::size_t const* begin() const noexcept { return files_.data(); }
  std::size_t const* end() const noexcept { return files_.data() + count_; }

 private:
  std::array<std::size_t, RecordFileSet::most_files> files_ = {};
  std::size_t count_ = 0;
};

}  // namespace strata
