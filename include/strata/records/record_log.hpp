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

/// Keeps the records of one kind in the log that the kinds of a store share. A change costs the same whatever the
/// number of items; what others wrote is read from the log's end. Same calls as `RecordFile`.
///
/// One call at a time on one object; its siblings on the same log are free.
template <class Record, AppendingSerializerFor<Record> S, StoreLock Lock = FileLock>
class RecordLog {
 public:
  RecordLog(std::shared_ptr<Log<S, Lock>> log, std::string_view kind) : log_(std::move(log)), kind_(kind) {}

  /// Brings `target` up to date by what was appended since the last call, or by the whole log if it was compacted.
  ///
  /// The lock file's token has no say: the log itself tells whether it grew.
  /// @return  whether anything may have changed
  /// @throws  as `Log::read`: `target` is empty then, and the next call begins anew
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
        target.erase(change.id);  // stays in the log, and out of the way of the others
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

  /// A log that holds anything else is damaged as a whole.
  static constexpr bool all_readable() noexcept { return true; }

  /// Appends the changes as one frame; call with the kind's lock held exclusively, after `refresh`.
  ///
  /// Neither the token nor the other rows are needed, they stand here for `RecordFile`'s sake.
  template <class Renew, class Rows>
  void commit(Renew&& /*renew*/, Rows&& /*rows*/, std::span<RecordChange<Record> const> changes,
              Flush flush) {
    if (changes.empty()) return;
    appended(log_->append(encode(changes), flush));
  }

  /// For a transaction over several kinds: the changes, to be put into one `Log::append` with those of the others.
  std::vector<std::string> encode(std::span<RecordChange<Record> const> changes) const {
    std::vector<std::string> out;
    out.reserve(changes.size());
    for (auto const& change : changes)
      out.push_back(change.put ? S::encode_put(kind_, *change.put) : S::encode_erase(kind_, change.erase));
    return out;
  }

  /// Says that the rows in memory have what that append wrote. Optional: without it the next `refresh` reads it.
  void appended(typename Log<S, Lock>::Appended const& where) {
    // Frames of others that lie between are read by the next `refresh`, and then our own once more.
    if (position_ == where.before) position_ = where.after;
  }

 private:
  std::shared_ptr<Log<S, Lock>> log_;
  std::string kind_;
  typename Log<S, Lock>::Position position_;
};

}  // namespace strata
