#pragma once

#include <strata/concepts/serializer.hpp>
#include <strata/durability.hpp>
#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/records/record.hpp>
#include <strata/records/record_change.hpp>
#include <strata/records/record_file_set.hpp>
#include <strata/sys/file_bytes.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

namespace strata {

/// Stores the records of one kind in one file, which each change replaces: `<stem>.<extension>`; for kinds
/// whose records have a `place`, also in the file of that name in the separate image store, and in
/// `volatile-<stem>.<extension>` for those that need not survive a power loss. A record is written back to
/// the file that it came from.
///
/// Callers hold the lock of the kind; any number of processes. One call at a time on an object. Elements that
/// could not be read as records are written back unchanged.
template <class Record, SerializerFor<Record> S>
class RecordFile {
 public:
  RecordFile(fs::path directory, std::string_view stem)
      : RecordFile(RecordPlaces{.main = std::move(directory)}, stem) {}
  RecordFile(RecordPlaces const& places, std::string_view stem)
      : files_(places, stem, std::string_view(S::extension()), has_places ? RecordFileSet::most_files : 1) {}

  /// Brings `target` up to date if another object wrote since the last call: reads everything if the lock
  /// file's token or the time, size or inode of a file differ from those at the last call. Two calls of
  /// `stat` if nothing changed.
  ///
  /// @return  true if `target` was filled again
  /// @throws  `Errc::corrupt_record`, with file and position: `target` is then empty, the file is not
  ///   overwritten, and the next call tries again
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

  /// Writes the files that the changes affect. The lock is held exclusively; call it after `refresh`.
  ///
  /// The token is renewed first: a crash in between then costs others a reload and never hides a change. A
  /// volatile file is never flushed. After an exception the next `refresh` reads again.
  ///
  /// @param renew    writes a new token to the lock file and returns it
  /// @param rows     all rows in order, including the changes, or a function that returns them (`Row` or
  ///   `KeptRow`)
  /// @param changes  empty: every file is written
  template <class Renew, class Rows>
  void commit(Renew&& renew, Rows&& rows, std::span<RecordChange<Record> const> changes, Flush flush) {
    if constexpr (requires { rows(); }) {
      auto const all = rows();
      save(renew, std::span(all), changes, flush);
    } else {
      save(renew, std::span<Row<Record> const>(rows), changes, flush);
    }
  }

  fs::path const& path() const noexcept { return files_.path(); }

  /// False if the last `refresh` found elements that are not records.
  bool all_readable() const noexcept { return files_.all_readable(); }

  /// Flushes the files as they stand, whoever wrote them. @throws `errno`, "fsync <path>"
  void flush() const { files_.flush(); }

  /// Paths of the files, the main file first.
  std::vector<std::pair<RecordPlace, fs::path>> files() const { return files_.files(); }

 private:
  static constexpr std::size_t short_record_size = 320;  // bytes; most records are longer
  static constexpr bool has_places = requires(Record & record) { record.place = RecordPlace::main; };
  using File = RecordFileSet::File;

  /// Index of the file that a record belongs to.
  static std::size_t place_of(Record const& record) noexcept {
    if constexpr (has_places)
      return static_cast<std::size_t>(record.place);
    else
      return 0;
  }

  static std::size_t place_of(Row<Record> const& row) noexcept { return place_of(*row); }
  static std::size_t place_of(KeptRow<Record> const& row) noexcept {
    return row.text.empty() ? place_of(*row.row) : 0;  // only the main file's texts are kept
  }

  /// Calls `decode(bytes, on_unreadable)` with the contents of a file that exists.
  template <class Decode>
  static void read(File& file, Decode&& decode) {
    file.unreadable.clear();
    auto whole = sys::FileBytes::read_if_exists(file.path);
    if (!whole) return;
    try {
      decode(*std::move(whole),
             [&](std::string&& element) { file.unreadable.push_back(std::move(element)); });
    } catch (Error const& error) {
      throw Error(error.code(), file.path.native() + ": " + error.subject()).at(file.path.native());
    }
  }

  template <class OnRecord>
  static void read_records(File& file, OnRecord&& on_record) {
    read(file, [&](sys::FileBytes const& bytes, auto&& on_unreadable) {
      if constexpr (requires { S::template decode_each<Record>(bytes.text(), on_record, on_unreadable); }) {
        S::template decode_each<Record>(bytes.text(), on_record, on_unreadable);
      } else {
        auto decoded = S::template decode<Record>(bytes.text());
        for (auto& record : decoded.records) on_record(std::move(record));
        for (auto& element : decoded.unreadable) on_unreadable(std::move(element));
      }
    });
  }

  /// Fills the target from the main file. `on_record` sees each record first.
  template <class Target, class OnRecord>
  static void read_main(File& file, Target& target, OnRecord&& on_record) {
    if constexpr (TextKeepingSerializerFor<S, Record> &&
                  requires(Record const& record, std::shared_ptr<void const> const& source) {
                    target.put_text(record, std::string_view(), source);
                  }) {
      read(file, [&](sys::FileBytes&& bytes, auto&& on_unreadable) {
        auto const source = std::make_shared<sys::FileBytes const>(std::move(bytes));
        S::template decode_texts<Record>(
            source->text(),
            [&](Record&& record, std::string_view text) {
              on_record(record);
              if (!target.put_text(record, text, source)) target.put(std::move(record));
            },
            on_unreadable);
      });
    } else {
      read_records(file, [&](Record&& record) {
        on_record(record);
        target.put(std::move(record));
      });
    }
  }

  /// If an id is in several files, the main file's record takes precedence, then the image store's. If a name
  /// is, a process ended while it was passed on: the file of the record that gets it is written first, so that
  /// the newer file's record has it.
  template <class Target>
  void load(Target& target) {
    shadows_ = false;
    std::vector<Record> others;
    std::unordered_set<std::string> other_ids;
    if constexpr (has_places)
      for (auto const place : {RecordPlace::image_store, RecordPlace::volatile_file}) {
        auto& file = files_.at(place);
        if (file.path.empty()) continue;
        read_records(file, [&](Record&& record) {
          if (!other_ids.insert(record.id).second) {
            shadows_ = true;
            return;
          }
          record.place = place;
          others.push_back(std::move(record));
        });
      }
    NameOwners owners;
    read_main(files_[0], target, [&](Record const& record) {
      if constexpr (has_places) {
        if (other_ids.empty()) return;
        if (other_ids.erase(record.id) != 0) shadows_ = true;
        for (auto const& name : record.names) owners.emplace(name, std::size_t{});
      }
    });
    if constexpr (has_places)
      for (auto& record : others)
        if (other_ids.contains(record.id)) {
          settle_names(record, owners);
          target.put(std::move(record));
        }
  }

  using NameOwners = std::unordered_map<std::string, std::size_t>;  ///< name to file

  /// Takes from a record the names that a record of a newer file has.
  void settle_names(Record& record, NameOwners& owners) {
    auto const own = place_of(record);
    std::erase_if(record.names, [&](std::string const& name) {
      auto const [at, fresh] = owners.emplace(name, own);
      if (fresh || at->second == own) return false;
      if (files_.is_newer(at->second, own)) return true;
      at->second = own;
      return false;
    });
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

  /// @tparam Stored  `Row<Record>` or `KeptRow<Record>`
  template <class Renew, class Stored>
  void save(Renew&& renew, std::span<Stored const> rows, std::span<RecordChange<Record> const> changes,
            Flush flush) {
    files_.check_loaded();
    auto const files = touched(changes);

    files_.forget();
    auto const token = renew();
    if constexpr (!has_places) {
      write(files_[0], rows, flush);
    } else {
      std::array<std::vector<Stored>, RecordFileSet::most_files> parts;
      bool const split = std::ranges::any_of(rows, [](auto const& row) { return place_of(row) != 0; });
      if (split)
        for (auto const& row : rows) parts[place_of(row)].push_back(row);
      if (files.size() > 1)  // the one written first must be newer than the others: see `load`
        for (auto const i : files) files_[i].state.wait_for_newer();
      for (auto const i : files) {
        if (files_[i].path.empty()) continue;
        if (i != 0 && parts[i].empty() && !files_[i].state.exists()) continue;
        bool const is_volatile = i == static_cast<std::size_t>(RecordPlace::volatile_file);
        write(files_[i], i == 0 && !split ? rows : std::span<Stored const>(parts[i]),
              is_volatile ? Flush::none : flush);
      }
    }
    files_.saved(token);
  }

  template <class Stored>
  void write(File& file, std::span<Stored const> rows, Flush flush) {
    RecordFileSet::write(file, S::encode(rows, std::span<std::string const>(file.unreadable)), flush);
  }

  RecordFileSet files_;
  bool shadows_ = false;  ///< a record is in several files: an erase must remove it from all
};

}  // namespace strata
