#pragma once

#include <strata/concepts/lock.hpp>
#include <strata/concepts/serializer.hpp>
#include <strata/records/record.hpp>
#include <strata/records/record_file.hpp>
#include <strata/sys/file.hpp>

#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace strata {

/// Mount counts and mount points of layers: `mountpoints.<extension>` in the run root, shared with other
/// processes.
///
/// A guard holds the file's lock: shared for reading, which a read-only store can do as well; exclusive for
/// changing, which serializes mounting and unmounting. It is the innermost of all locks.
template <class Serializer, StoreLock Lock>
class MountTable {
 public:
  MountTable(Lock lock, RecordFile<MountRecord, Serializer> file)
      : lock_(std::move(lock)), file_(std::move(file)) {}

  class [[nodiscard]] Reading {
   public:
    explicit Reading(MountTable& table) : Reading(table, table.lock_.shared()) {}

    /// Null if not mounted.
    Row<MountRecord> find(std::string_view layer) const {
      for (auto const& row : table_.rows_)
        if (row->id == layer) return row;
      return nullptr;
    }

    std::vector<Row<MountRecord>> const& rows() const noexcept { return table_.rows_; }

   protected:
    Reading(MountTable& table, typename Lock::Guard held)
        : table_(table), held_(std::move(held)), alone_(table.mutex_) {
      table.file_.refresh(held_.token(), table);
    }

    MountTable& table_;
    typename Lock::Guard held_;
    std::unique_lock<std::mutex> alone_;
  };

  class [[nodiscard]] Writing : public Reading {
   public:
    explicit Writing(MountTable& table) : Reading(table, table.lock_.exclusive()) {}

    /// Sets an entry; a count of 0 removes it.
    void set(MountRecord record) {
      std::vector<RecordChange<MountRecord>> changes(1);
      if (record.count > 0)
        changes[0].put = std::make_shared<MountRecord const>(std::move(record));
      else
        changes[0].erase = record.id;
      auto& table = this->table_;
      auto next = table.rows_;
      std::string const& id = changes[0].put ? changes[0].put->id : changes[0].erase;
      std::erase_if(next, [&](auto const& row) { return row->id == id; });
      if (changes[0].put) next.push_back(changes[0].put);
      // The run root and the mounts are lost in a power cut: no flush needed.
      table.file_.commit([&] { return this->held_.renew(); }, [&] { return next; }, changes, Flush::none);
      table.rows_ = std::move(next);
    }
  };

  /// Removes all entries, also of an unreadable file.
  void reset() {
    auto held = lock_.exclusive();
    std::unique_lock const alone(mutex_);
    held.renew();
    sys::replace_file(file_.path(), Serializer::encode(std::span<Row<MountRecord> const>(), {}),
                      {.mode = 0600, .flush = Flush::none});
  }

  Reading read() { return Reading(*this); }
  Writing write() { return Writing(*this); }

  // Interface for `RecordFile::refresh`.
  void clear() { rows_.clear(); }
  void put(MountRecord&& record) {
    if (!record.path.empty() && record.count > 0)
      rows_.push_back(std::make_shared<MountRecord const>(std::move(record)));
  }
  void erase(std::string_view id) {
    std::erase_if(rows_, [&](auto const& row) { return row->id == id; });
  }

 private:
  Lock lock_;
  std::mutex mutex_;
  RecordFile<MountRecord, Serializer> file_;
  std::vector<Row<MountRecord>> rows_;
};

}  // namespace strata
