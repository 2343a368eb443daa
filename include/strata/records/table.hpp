#pragma once

#include <strata/concepts/lock.hpp>
#include <strata/concepts/traits.hpp>
#include <strata/durability.hpp>
#include <strata/fs.hpp>
#include <strata/records/index.hpp>
#include <strata/records/record_storage.hpp>
#include <strata/records/table_locks.hpp>

#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace strata {

/// Options of a table, apart from its lock and storage.
template <StoreLock Lock>
struct TableOptions {
  std::optional<Lock> second =
      {};  ///< lock of the separate image store, whose records are in the same table; taken second
  /// The table of a read-only store: duplicate names cannot be repaired there.
  bool read_only = false;
  fs::path place = {};  ///< the store's root, for errors
};

/// All items of a kind: loaded, indexed, locked and saved; one template for layers, images and containers.
///
/// Reading and writing need a guard, which holds the kind's lock file while it exists (shared or exclusive,
/// against other processes and threads) and brings the rows up to date when it is made. A guard is for
/// reading and changing records only; no file contents are copied while one is held. A thread holds at most
/// one guard of a table, and acquires several tables in the order layers, images, containers. Thread-safe;
/// a guard is used by one thread.
template <ItemTraits Traits, StoreLock Lock>
class Table {
 public:
  using Record = typename Traits::Record;
  using Storage = RecordStorage<Record, typename Traits::Serializer, Lock>;

  Table(Lock lock, Storage storage, TableOptions<Lock> options = {})
      : locks_(std::move(lock), std::move(options.second)),
        storage_(std::move(storage)),
        read_only_(options.read_only),
        place_(std::move(options.place)) {}

  /// The table's locks, held while a guard exists.
  using Held = typename TableLocks<Lock>::Held;

  /// Operations common to both guards.
  class View {
   public:
    /// Finds by id, name or unique prefix of an id, or by exact id if `ref` is an id; null if there is none.
    Row<Record> find(Ref const& ref) const {
      return ref.is_id() ? by_id(ref.text()) : table_->index_.find(ref.text());
    }

    /// As `find`. @throws `Traits::unknown`
    Row<Record> get(Ref const& ref) const {
      if (auto row = find(ref)) return row;
      throw Error(Traits::unknown, std::string(Traits::kind) + " \"" + ref.text() + "\"")
          .about(Traits::subject, ref.text());
    }

    /// Finds by exact id; null if there is none.
    Row<Record> by_id(std::string_view id) const { return table_->index_.by_id(id); }
    Row<Record> by_name(std::string_view name) const { return table_->index_.by_name(name); }
    std::vector<Row<Record>> rows() const { return table_->index_.rows(); }
    /// False if there may be more items than these, since some elements of the files could not be read as
    /// records.
    bool all_readable() const noexcept { return table_->storage_.all_readable(); }
    /// Flushes the records as they were read. A process that died may have written them without: before files
    /// are moved or removed because of what they tell. @throws `errno`
    void flush() const { table_->storage_.flush(); }
    template <class Wanted>
    bool any_of(Wanted&& wanted) const {
      return table_->index_.any_of(wanted);
    }
    /// As `any_of`, for what is true only of records with flags; cheaper.
    template <class Wanted>
    bool any_flagged(Wanted&& wanted) const {
      return table_->index_.any_flagged(wanted);
    }
    std::vector<Row<Record>> referring_to(std::string_view key) const {
      return table_->index_.referring_to(key);
    }

    /// @throws `Errc::duplicate_id`, `Errc::duplicate_name`, whose holder is the item that has the name
    void check_free(std::string_view id, names::List const& wanted) const {
      table_->index_.check_free(id, wanted);
    }

   protected:
    explicit View(Table* table) : table_(table) {}
    Table* table_;
  };

  /// Holds the lock shared: others may read, but not change records.
  class [[nodiscard]] Reading : public View {
   public:
    explicit Reading(Table& table) : Reading(table, table.shared()) {}

   private:
    friend class Table;
    Reading(Table& table, Held held) : View(&table), file_(std::move(held)) {
      {
        std::unique_lock const alone(table.mutex_);
        table.refresh(file_);
      }
      shared_ = std::shared_lock(table.mutex_);
    }

    Held file_;
    std::shared_lock<std::shared_mutex> shared_;
  };

  /// Holds the lock exclusively. Changes are visible through this guard at once, and to others after
  /// `commit`; the destructor undoes uncommitted changes.
  class [[nodiscard]] Writing : public View {
   public:
    explicit Writing(Table& table) : View(&table), file_(table.exclusive()), alone_(table.mutex_) {
      table.refresh(file_);
      table.index_.compact();
    }
    Writing(Writing const&) = delete;
    Writing& operator=(Writing const&) = delete;
    ~Writing() { roll_back(); }

    /// Inserts, or replaces the row with the record's id. No other item may hold one of its names. Strong
    /// exception guarantee.
    Row<Record> put(Record record) {
      auto row = std::make_shared<Record const>(std::move(record));
      remember({row, {}, nullptr}, [&] { return this->table_->index_.put_row(row); });
      return row;
    }

    /// Strong exception guarantee.
    void erase(std::string const& id) {
      remember({nullptr, id, nullptr}, [&] { return this->table_->index_.erase_row(id); });
      changes_.back().erased = Index<Traits>::before(undo_.back());
    }

    /// Commits the changes. After an exception they are undone in memory; on disk is the old or the new
    /// state, which is read again at the next access.
    void commit(Flush flush) {
      if (changes_.empty()) return;
      auto& table = *this->table_;
      try {
        auto const rows = [&] {
          if constexpr (Index<Traits>::keeps_texts)
            return table.index_.kept_rows();
          else
            return table.index_.rows();
        };
        table.storage_.commit([&] { return file_.renew(); }, rows, changes_, flush);
      } catch (...) {
        roll_back();
        throw;
      }
      undo_.clear();
      changes_.clear();
    }

    /// Reads the files again, to learn what a failed `commit` left. False if they cannot be read; the state
    /// is then unknown.
    bool reload() noexcept {
      try {
        this->table_->refresh(file_);
        return true;
      } catch (...) {
        return false;
      }
    }

   private:
    /// Allocates first, so that a completed change can always be undone.
    template <class Change>
    void remember(RecordChange<Record> change, Change&& apply) {
      if (undo_.size() == undo_.capacity()) undo_.reserve(2 * undo_.size() + 4);
      if (changes_.size() == changes_.capacity()) changes_.reserve(2 * changes_.size() + 4);
      undo_.push_back(apply());
      changes_.push_back(std::move(change));
    }

    void roll_back() noexcept {
      this->table_->index_.undo(undo_);
      changes_.clear();
    }

    Held file_;
    std::unique_lock<std::shared_mutex> alone_;
    std::vector<typename Index<Traits>::Undo> undo_;
    std::vector<RecordChange<Record>> changes_;
  };

  Reading read() { return Reading(*this); }
  Writing write() { return Writing(*this); }

  /// As `read`, for a read-only store, without waiting: none if another process is writing there.
  std::optional<Reading> try_read() {
    auto held = locks_.try_shared();
    return held ? std::optional<Reading>(Reading(*this, *std::move(held))) : std::nullopt;
  }
  /// As `read`, for a read-only store, without waiting: a concurrent change is seen completely or not at all.
  Reading read_now() { return Reading(*this, locks_.shared_or_unlocked()); }

  /// Takes the locks without loading the rows, to read or repair files from which no table can be loaded.
  Held shared() { return locks_.shared(); }
  Held exclusive() { return locks_.exclusive(); }

 private:
  void refresh(Held const& held) {
    bool loaded = false;
    for (ReadAttempts attempts(held.excludes());; attempts.again(Traits::stem, place_)) {
      try {
        bool const anew = storage_.refresh(held.token(), index_);
        loaded = loaded || anew;
        if (!anew || attempts.excludes()) break;
      } catch (Error const& error) {
        attempts.failed(error);
      }
    }
    if (loaded && read_only_) repeated_names_ = index_.repeated_names();
    if (repeated_names_) throw Error(Traits::repeated_names, place_.native()).at(place_.native());
  }

  TableLocks<Lock> locks_;
  std::shared_mutex mutex_;  ///< guards the rows in memory; the lock file guards the files
  Storage storage_;
  bool read_only_;
  fs::path place_;
  bool repeated_names_ = false;
  Index<Traits> index_;
};

}  // namespace strata
