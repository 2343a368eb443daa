#pragma once

#include <strata/concepts/lock.hpp>
#include <strata/concepts/serializer.hpp>
#include <strata/durability.hpp>
#include <strata/error.hpp>
#include <strata/lock/file_lock.hpp>
#include <strata/records/log.hpp>
#include <strata/records/record_change.hpp>

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace strata {

/// Stores the records of one kind in the log that the kinds of a store share. The cost of a change does not
/// depend on the number of items; changes by others are read from the log's end. Same interface as
/// `RecordFile`.
///
/// One call at a time on an object; objects of other kinds on the same log may be used concurrently.
template <class Record, AppendingSerializerFor<Record> S, StoreLock Lock = FileLock>
class RecordLog {
 public:
  RecordLog(std::shared_ptr<Log<S, Lock>> log, std::string_view kind) : log_(std::move(log)), kind_(kind) {}

  /// Brings `target` up to date with what was appended since the last call, or with the whole log if it was
  /// compacted.
  ///
  /// The lock file's token is ignored, since the log itself shows if it grew.
  /// @return  true if anything may have changed
  /// @throws  as `Log::read`: `target` is then empty, and the next call starts again
  template <RecordTarget<Record> Target>
  bool refresh(std::string const& /*token*/, Target& target) {
    bool changed = false;
    auto const restart = [&] {
      target.clear();
      changed = true;
    };
    auto const apply = [&](LogChange const& change) {
      if (change.kind != kind_) return;
      changed = true;
      if (change.record.empty()) {
        target.erase(change.id);
        return;
      }
      try {
        target.put(S::template decode_record<Record>(change.record));
      } catch (Error const& error) {
        if (error.code() != Errc::corrupt_record) throw;
        target.erase(change.id);  // stays in the log, but not in the table
      }
    };
    try {
      position_ = log_->read(position_, restart, apply);
    } catch (...) {
      position_ = {};
      target.clear();
      throw;
    }
    return changed;
  }

  /// Always true: a log with anything else is corrupt as a whole.
  static constexpr bool all_readable() noexcept { return true; }

  /// Flushes the log as it stands, whoever wrote it. @throws `errno`, "fdatasync <path>"
  void flush() const { log_->flush(); }

  /// Appends the changes as one frame. The kind's lock is held exclusively; call it after `refresh`.
  ///
  /// Token and other rows are unused; the parameters are those of `RecordFile`.
  template <class Renew, class Rows>
  void commit(Renew&& /*renew*/, Rows&& /*rows*/, std::span<RecordChange<Record> const> changes,
              Flush flush) {
    if (changes.empty()) return;
    appended(log_->append(encode(changes), flush));
  }

  /// Encodes the changes, for a transaction over several kinds that appends them with one `Log::append`.
  std::vector<std::string> encode(std::span<RecordChange<Record> const> changes) const {
    std::vector<std::string> out;
    out.reserve(changes.size());
    for (auto const& change : changes)
      out.push_back(change.put ? S::encode_put(kind_, *change.put) : S::encode_erase(kind_, change.erase));
    return out;
  }

  /// Marks that frame as already applied to the rows in memory. Optional: otherwise the next `refresh` reads
  /// it.
  void appended(typename Log<S, Lock>::Appended const& where) {
    // If frames of others lie between, the next `refresh` reads these, and this frame once more.
    if (position_ == where.before) position_ = where.after;
  }

 private:
  std::shared_ptr<Log<S, Lock>> log_;
  std::string kind_;
  typename Log<S, Lock>::Position position_;
};

}  // namespace strata
