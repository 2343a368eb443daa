#pragma once

#include <strata/concepts/serializer.hpp>
#include <strata/durability.hpp>
#include <strata/error.hpp>
#include <strata/records/record.hpp>
#include <strata/records/record_change.hpp>
#include <strata/records/record_file_set.hpp>
#include <strata/sys/file_bytes.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

namespace strata {

/// Keeps the records of one kind in one file, which each change replaces as a whole: `<stem>.<extension>`; for kinds
/// whose records have a `place`, also in the separate image store's file of that name, and in
/// `volatile-<stem>.<extension>` for those that need not survive a power cut. A record goes back where it came from.
///
/// For readers and writers that hold the lock of the kind, from any number of processes; one call at a time on
/// one object. What could not be read as records is written back as it was.
template <class Record, SerializerFor<Record> S>
class RecordFile {
 public:
  RecordFile(std::filesystem::path directory, std::string_view stem)
      : RecordFile(RecordPlaces{.main = std::move(directory)}, stem) {}
  RecordFile(RecordPlaces const& places, std::string_view stem)
      : files_(places, stem, std::string_view(S::extension()), has_places ? RecordFileSet::most_files : 1) {}

  /// Brings `target` up to date if another wrote since the last call: reads everything if the lock file's token or
  /// time, size or inode of a file differ from what was remembered. Two calls of `stat` if nothing did.
  ///
  /// @return  whether `target` was filled anew
  /// @throws  `Errc::corrupt_record`, naming file and position: `target` is empty then, nothing is saved over the
  ///          file, and the next call tries again
  template <RecordTarget<Record> Target>
  bool refresh(std::string const& token, Target& target) {
    auto const seen = files_.look(token);
    if (!seen.changed) return false;

    files_.forget();
    target.clear();
    if constexpr (requires { target.reserve(std::size_t{1}); })
      target.reserve(static_cast<std::size_t>(seen.states[0].size) / short_record_size);
    try {
      load(target);
    } catch (...) {
      target.clear();
      throw;
    }
    files_.loaded(seen, token);
    return true;
  }

  /// Writes the files that the changes touch; call with the lock held exclusively, after `refresh`.
  ///
  /// The token is renewed first: a crash in between then costs the others a reload, and never hides a change
  /// (on-disk-format §3.2). A volatile file is never flushed. When it throws, the next `refresh` reads again.
  ///
  /// @param renew    writes a new token to the lock file and returns it
  /// @param rows     all rows in order, changes included, or a function that gives them
  /// @param changes  none: every file is written
  template <class Renew, class Rows>
  void commit(Renew&& renew, Rows&& rows, std::span<RecordChange<Record> const> changes, Flush flush) {
    if constexpr (requires { rows(); }) {
      auto const all = rows();
      save(renew, std::span<Row<Record> const>(all), changes, flush);
    } else {
      save(renew, std::span<Row<Record> const>(rows), changes, flush);
    }
  }

  std::filesystem::path const& path() const noexcept { return files_.path(); }

  /// False if the files hold elements that are no records, as far as can be told. As of the last `refresh`.
  bool all_readable() const noexcept { return files_.all_readable(); }

  /// Where records are looked for, the main file first.
  std::vector<std::pair<RecordPlace, std::filesystem::path>> files() const { return files_.files(); }

 private:
  static constexpr std::size_t short_record_size = 320;  // bytes; few records have less
  static constexpr bool has_places = requires(Record & record) { record.place = RecordPlace::main; };
  using File = RecordFileSet::File;

  /// Which file a record belongs to.
  static std::size_t place_of(Record const& record) noexcept {
    if constexpr (has_places)
      return static_cast<std::size_t>(record.place);
    else
      return 0;
  }

  template <class OnRecord>
  static void read(File& file, OnRecord&& on_record) {
    file.unreadable.clear();
    auto const whole = sys::FileBytes::read_if_exists(file.path);
    if (!whole) return;
    auto const bytes = whole->text();
    try {
      if constexpr (requires { S::template decode_each<Record>(bytes, on_record, [](std::string&&) {}); }) {
        S::template decode_each<Record>(
            bytes, on_record, [&](std::string&& element) { file.unreadable.push_back(std::move(element)); });
      } else {
        auto decoded = S::template decode<Record>(bytes);
        for (auto& record : decoded.records) on_record(std::move(record));
        file.unreadable = std::move(decoded.unreadable);
      }
    } catch (Error const& error) {
      throw Error(error.code(), file.path.native() + ": " + error.subject());
    }
  }

  /// An id that is in several files: the main one's record counts, then the image store's (on-disk-format §2.2).
  template <class Target>
  void load(Target& target) {
    shadows_ = false;
    std::vector<Record> others;
    std::unordered_set<std::string> other_ids;
    if constexpr (has_places)
      for (auto const place : {RecordPlace::image_store, RecordPlace::volatile_file}) {
        auto& file = files_.at(place);
        if (file.path.empty()) continue;
        read(file, [&](Record&& record) {
          if (!other_ids.insert(record.id).second) {
            shadows_ = true;
            return;
          }
          record.place = place;
          others.push_back(std::move(record));
        });
      }
    read(files_[0], [&](Record&& record) {
      if (!other_ids.empty() && other_ids.erase(record.id) != 0) shadows_ = true;
      target.put(std::move(record));
    });
    for (auto& record : others)
      if (other_ids.contains(record.id)) target.put(std::move(record));
  }

  TouchedFiles touched(std::span<RecordChange<Record> const> changes) const {
    TouchedFiles files;
    bool all = changes.empty();
    for (auto change = changes.rbegin(); change != changes.rend(); ++change)
      if (auto const& row = change->put ? change->put : change->erased; row && (change->put || !shadows_))
        files.touch(place_of(*row));
      else
        all = true;
    if (all) files.touch_all(files_.size());
    return files;
  }

  template <class Renew>
  void save(Renew&& renew, std::span<Row<Record> const> rows, std::span<RecordChange<Record> const> changes,
            Flush flush) {
    files_.check_loaded();
    auto const files = touched(changes);

    files_.forget();
    auto const token = renew();
    if constexpr (!has_places) {
      write(files_[0], rows, flush);
    } else {
      std::array<std::vector<Row<Record>>, RecordFileSet::most_files> parts;
      bool const split = std::ranges::any_of(rows, [](auto const& row) { return place_of(*row) != 0; });
      if (split)
        for (auto const& row : rows) parts[place_of(*row)].push_back(row);
      for (auto const i : files) {
        if (files_[i].path.empty()) continue;
        if (i != 0 && parts[i].empty() && !files_[i].state.exists()) continue;
        bool const is_volatile = i == static_cast<std::size_t>(RecordPlace::volatile_file);
        write(files_[i], i == 0 && !split ? rows : std::span<Row<Record> const>(parts[i]),
              is_volatile ? Flush::none : flush);
      }
    }
    files_.saved(token);
  }

  void write(File& file, std::span<Row<Record> const> rows, Flush flush) {
    RecordFileSet::write(file, S::encode(rows, std::span<std::string const>(file.unreadable)), flush);
  }

  RecordFileSet files_;
  bool shadows_ = false;  ///< a record is in several files: erased, it must go from all
};

}  // namespace strata
