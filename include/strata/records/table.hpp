#pragma once

#include <strata/concepts/lock.hpp>
#include <strata/concepts/traits.hpp>
#include <strata/durability.hpp>
#include <strata/records/index.hpp>
#include <strata/records/record_storage.hpp>
#include <strata/records/table_locks.hpp>

#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace strata {

/// What a table is besides a lock and its storage.
template <StoreLock Lock>
struct TableOptions {
  std::optional<Lock> second =
      {};  ///< of the separate image store, whose records are in the same table; taken after the first
  /// One of somebody else's stores, which we only read: names that are given twice cannot be put right there.
  bool read_only = false;
  std::filesystem::path place = {};  ///< for errors
};

/// All items of a kind: loaded, indexed, locked and saved. The same template serves layers, images and
/// containers.
///
/// Reading and writing go through a guard, which holds the kind's lock file for as long as it lives (shared
/// or exclusive, against other processes and other threads) and has brought the rows up to date before the
/// caller sees them. A guard is for looking and for changing records only: no bytes are moved under it. One
/// thread holds at most one guard of a table, and takes several tables in the order layers, images,
/// containers.
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

  /// The table's locks for as long as a guard lives.
  using Held = typename TableLocks<Lock>::Held;

  /// What both guards can do.
  class View {
   public:
    /// By id, name or unique prefix of an id, unless `ref` is an id; null if there is none.
    Row<Record> find(Ref const& ref) const {
      return ref.is_id() ? by_id(ref.text()) : table_->index_.find(ref.text());
    }

    /// As `find`. @throws `Traits::unknown`
    Row<Record> get(Ref const& ref) const {
      if (auto row = find(ref)) return row;
      throw Error(Traits::unknown, std::string(Traits::kind) + " \"" + ref.text() + "\"")
          .about(Traits::subject, ref.text());
    }

    /// By exact id; null if there is none.
    Row<Record> by_id(std::string_view id) const { return table_->index_.by_id(id); }
    Row<Record> by_name(std::string_view name) const { return table_->index_.by_name(name); }
    std::vector<Row<Record>> rows() const { return table_->index_.rows(); }
    /// False: there may be more items than these, whose records another release wrote, or somebody by hand.
    bool all_readable() const noexcept { return table_->storage_.all_readable(); }
    template <class Wanted>
    bool any_of(Wanted&& wanted) const {
      return table_->index_.any_of(wanted);
    }
    std::vector<Row<Record>> referring_to(std::string_view key) const {
      return table_->index_.referring_to(key);
    }

    /// @throws `Errc::duplicate_id`, `Errc::duplicate_name` (its holder is the item that has it)
    void check_free(std::string_view id, names::List const& wanted) const {
      table_->index_.check_free(id, wanted);
    }

   protected:
    explicit View(Table* table) : table_(table) {}
    Table* table_;
  };

  /// Holds the lock shared: others may read meanwhile, nobody can change a record.
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

  /// Holds the lock exclusively. Changes are seen through this guard at once and by others after `commit`;
  /// what was not committed when the guard goes is taken back.
  class [[nodiscard]] Writing : public View {
   public:
    explicit Writing(Table& table) : View(&table), file_(table.exclusive()), alone_(table.mutex_) {
      table.refresh(file_);
      table.index_.compact();
    }
    Writing(Writing const&) = delete;
    Writing& operator=(Writing const&) = delete;
    ~Writing() { roll_back(); }

    /// Inserts or replaces by id. The caller has seen to it that no other item holds one of its names.
    /// When it throws, nothing has changed.
    Row<Record> put(Record record) {
      auto row = std::make_shared<Record const>(std::move(record));
      remember({row, {}, nullptr}, [&] { return this->table_->index_.put_row(row); });
      return row;
    }

    /// When it throws, nothing has changed.
    void erase(std::string const& id) {
      remember({nullptr, id, nullptr}, [&] { return this->table_->index_.erase_row(id); });
      changes_.back().erased = Index<Traits>::before(undo_.back());
    }

    /// Makes the changes true for everyone. When it throws, they are taken back here; what is on disk is then
    /// the old or the new state, and is read again at the next look.
    void commit(Flush flush) {
      if (changes_.empty()) return;
      auto& table = *this->table_;
      try {
        table.storage_.commit([&] { return file_.renew(); }, [&] { return table.index_.rows(); }, changes_,
                              flush);
      } catch (...) {
        roll_back();
        throw;
      }
      undo_.clear();
      changes_.clear();
    }

    /// Reads the files again, to see what a failed `commit` left. False if they cannot be read: nothing is known then.
    bool reload() noexcept {
      try {
        this->table_->refresh(file_);
        return true;
      } catch (...) {
        return false;
      }
    }

   private:
    /// The room first: what is done can be taken back then.
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

  /// For a store that is only read: the same as `read`; nothing if another is writing there.
  std::optional<Reading> try_read() {
    auto held = locks_.try_shared();
    return held ? std::optional<Reading>(Reading(*this, *std::move(held))) : std::nullopt;
  }
  /// For a store that is only read: the same without waiting; what another is just writing there is seen as it was before
  /// or as it is afterwards.
  Reading read_now() { return Reading(*this, locks_.shared_or_unlocked()); }

  /// The locks without a look at the rows: for who reads, or repairs, files that no table can be loaded from.
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
  std::shared_mutex mutex_;  ///< guards the rows in memory; the lock file guards those on disk
  Storage storage_;
  bool read_only_;
  std::filesystem::path place_;
  bool repeated_names_ = false;
  Index<Traits> index_;
};

}  // namespace strata
