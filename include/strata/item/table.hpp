#pragma once

#include <strata/concepts/lock.hpp>
#include <strata/concepts/traits.hpp>
#include <strata/durability.hpp>
#include <strata/item/index.hpp>
#include <strata/item/record_storage.hpp>

#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace strata {

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

  Table(Lock lock, Storage storage) : lock_(std::move(lock)), storage_(std::move(storage)) {}

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
      throw Error(Traits::unknown, std::string(Traits::kind) + " \"" + ref.text() + "\"");
    }

    /// By exact id; null if there is none.
    Row<Record> by_id(std::string_view id) const { return table_->index_.by_id(id); }
    Row<Record> by_name(std::string_view name) const { return table_->index_.by_name(name); }
    std::vector<Row<Record>> rows() const { return table_->index_.rows(); }
    template <class Wanted>
    bool any_of(Wanted&& wanted) const {
      return table_->index_.any_of(wanted);
    }
    std::vector<Row<Record>> referring_to(std::string_view key) const {
      return table_->index_.referring_to(key);
    }

    /// @throws `Errc::duplicate_id`, `Errc::duplicate_name` (its holder is the item that has it)
    void check_free(std::string_view id, names::List const& wanted) const {
      if (!id.empty() && by_id(id))
        throw Error(Errc::duplicate_id, std::string(Traits::kind) + " \"" + std::string(id) + "\"",
                    std::string(id));
      for (auto const& name : wanted)
        if (auto const holder = by_name(name))
          throw Error(Errc::duplicate_name, std::string(Traits::kind) + " name \"" + name + "\"", holder->id);
    }

   protected:
    explicit View(Table* table) : table_(table) {}
    Table* table_;
  };

  /// Holds the lock shared: others may read meanwhile, nobody can change a record.
  class Reading : public View {
   public:
    explicit Reading(Table& table) : View(&table), file_(table.lock_.shared()) {
      {
        std::unique_lock const alone(table.mutex_);
        table.storage_.refresh(file_.token(), table.index_);
      }
      shared_ = std::shared_lock(table.mutex_);
    }

   private:
    typename Lock::Guard file_;
    std::shared_lock<std::shared_mutex> shared_;
  };

  /// Holds the lock exclusively. Changes are seen through this guard at once and by others after `commit`;
  /// what was not committed when the guard goes is taken back.
  class Writing : public View {
   public:
    explicit Writing(Table& table) : View(&table), file_(table.lock_.exclusive()), alone_(table.mutex_) {
      table.storage_.refresh(file_.token(), table.index_);
      table.index_.compact();
    }
    Writing(Writing const&) = delete;
    Writing& operator=(Writing const&) = delete;
    ~Writing() { roll_back(); }

    /// Inserts or replaces by id. The caller has seen to it that no other item holds one of its names.
    Row<Record> put(Record record) {
      auto row = std::make_shared<Record const>(std::move(record));
      undo_.push_back(this->table_->index_.put_row(row));
      changes_.push_back({row, {}});
      return row;
    }

    void erase(std::string const& id) {
      undo_.push_back(this->table_->index_.erase_row(id));
      changes_.push_back({nullptr, id});
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
        this->table_->storage_.refresh(file_.token(), this->table_->index_);
        return true;
      } catch (...) {
        return false;
      }
    }

   private:
    void roll_back() {
      for (auto step = undo_.rbegin(); step != undo_.rend(); ++step) this->table_->index_.undo(*step);
      undo_.clear();
      changes_.clear();
    }

    typename Lock::Guard file_;
    std::unique_lock<std::shared_mutex> alone_;
    std::vector<typename Index<Traits>::Undo> undo_;
    std::vector<RecordChange<Record>> changes_;
  };

  Reading read() { return Reading(*this); }
  Writing write() { return Writing(*this); }

 private:
  Lock lock_;
  std::shared_mutex mutex_;  ///< guards the rows in memory; the lock file guards those on disk
  Storage storage_;
  Index<Traits> index_;
};

}  // namespace strata
