#pragma once

#include <strata/concepts/serializer.hpp>
#include <strata/durability.hpp>
#include <strata/error.hpp>
#include <strata/item/record_change.hpp>
#include <strata/paths.hpp>
#include <strata/sys/file.hpp>
#include <strata/sys/file_bytes.hpp>
#include <strata/sys/file_state.hpp>

#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

namespace strata {

/// Keeps the records of one kind in one file, which each change replaces as a whole: `<stem>.<extension>`, and
/// beside it `volatile-<stem>.<extension>` for those that need not survive a power cut.
///
/// For readers and writers that hold the lock of the kind, from any number of processes; one call at a time on
/// one object. What could not be read as records is written back as it was.
template <class Record, SerializerFor<Record> S>
class RecordFile {
 public:
  RecordFile(std::filesystem::path directory, std::string_view stem) : directory_(std::move(directory)) {
    auto const file = std::string(stem) + '.' + std::string(std::string_view(S::extension()));
    main_.path = directory_ / file;
    volatile_.path = directory_ / (std::string(paths::volatile_prefix) + file);
  }

  /// Brings `target` up to date if another wrote since the last call: reads everything if the lock file's token or
  /// time, size or inode of a file differ from what was remembered. Two calls of `stat` if nothing did.
  ///
  /// @return  whether `target` was filled anew
  /// @throws  `Errc::corrupt_record`, naming file and position: `target` is empty then, nothing is saved over the
  ///          file, and the next call tries again
  template <RecordTarget<Record> Target>
  bool refresh(std::string const& token, Target& target) {
    auto const main_state = sys::FileState::of(main_.path);
    auto const volatile_state = has_volatile ? sys::FileState::of(volatile_.path) : sys::FileState{};
    if (loaded_ && token == token_ && main_state == main_.state && volatile_state == volatile_.state)
      return false;

    loaded_ = false;
    target.clear();
    if constexpr (requires { target.reserve(std::size_t{1}); })
      target.reserve(static_cast<std::size_t>(main_state.size) / short_record_size);
    try {
      load(target);
    } catch (...) {
      target.clear();
      throw;
    }
    // Taken before the files were read, so that a writer who ignores the lock is noticed the next time.
    main_.state = main_state;
    volatile_.state = volatile_state;
    token_ = token;
    loaded_ = true;
    return true;
  }

  /// Writes the files that the changes touch; call with the lock held exclusively, after `refresh`.
  ///
  /// The token is renewed first: a crash in between then costs the others a reload, and never hides a change
  /// (on-disk-format §3.2). The volatile file is never flushed. When it throws, the next `refresh` reads again.
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

  std::filesystem::path const& path() const noexcept { return main_.path; }

 private:
  static constexpr std::size_t short_record_size = 320;  // bytes; few records have less
  static constexpr bool has_volatile = requires(Record & record) { record.volatile_file = true; };

  struct File {
    std::filesystem::path path = {};
    sys::FileState state = {};
    std::vector<std::string> unreadable = {};
  };

  static bool is_volatile(Record const& record) noexcept {
    if constexpr (has_volatile)
      return record.volatile_file;
    else
      return false;
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

  /// An id that is in both files: the main one's record counts (on-disk-format §2.2).
  template <class Target>
  void load(Target& target) {
    std::vector<Record> second;
    std::unordered_set<std::string_view> second_ids;
    if constexpr (has_volatile) {
      read(volatile_, [&](Record&& record) {
        record.volatile_file = true;
        second.push_back(std::move(record));
      });
      for (auto const& record : second) second_ids.insert(record.id);
    }
    read(main_, [&](Record&& record) {
      if (!second_ids.empty()) second_ids.erase(record.id);
      target.put(std::move(record));
    });
    if (second.empty()) return;
    std::vector<bool> wanted;
    for (auto const& record : second) wanted.push_back(second_ids.contains(record.id));
    second_ids.clear();  // its keys are views into the records
    for (std::size_t i = 0; i < second.size(); ++i)
      if (wanted[i]) target.put(std::move(second[i]));
  }

  template <class Renew>
  void save(Renew&& renew, std::span<Row<Record> const> rows, std::span<RecordChange<Record> const> changes,
            Flush flush) {
    if (!loaded_)
      throw Error(Errc::corrupt_record, main_.path.native() + ": not saved, since it could not be read");
    bool touches_main = changes.empty();
    bool touches_volatile = changes.empty();
    for (auto const& change : changes) {
      touches_main |= !change.put || !is_volatile(*change.put);
      touches_volatile |= !change.put || is_volatile(*change.put);
    }

    loaded_ = false;
    auto const token = renew();
    std::vector<Row<Record>> of_main;
    std::vector<Row<Record>> of_volatile;
    bool const split =
        has_volatile && std::ranges::any_of(rows, [](auto const& row) { return is_volatile(*row); });
    if (split)
      for (auto const& row : rows) (is_volatile(*row) ? of_volatile : of_main).push_back(row);
    if (touches_main) write(main_, split ? std::span<Row<Record> const>(of_main) : rows, flush);
    if (touches_volatile && (volatile_.state.exists() || split)) write(volatile_, of_volatile, Flush::none);
    token_ = token;
    loaded_ = true;
  }

  void write(File& file, std::span<Row<Record> const> rows, Flush flush) {
    sys::replace_file(file.path, S::encode(rows, std::span<std::string const>(file.unreadable)),
                      {.flush = flush, .temporary_name = sys::TemporaryName::fixed});
    file.state = sys::FileState::of(file.path);
  }

  std::filesystem::path directory_;
  File main_;
  File volatile_;
  std::string token_;
  bool loaded_ = false;  ///< rows in memory and files agree, as far as this object knows
};

}  // namespace strata
