#pragma once

#include <strata/concepts/lock.hpp>
#include <strata/concepts/traits.hpp>
#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/id.hpp>
#include <strata/records/names.hpp>
#include <strata/records/table.hpp>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Items of a kind can be in several places: the store itself and its read-only stores. Look-ups search all
/// of them; changes use the table of the item's place.
namespace strata {

/// The items of a kind in one place.
template <ItemTraits Traits, StoreLock Lock>
struct ReadableStore {
  Table<Traits, Lock> table;
  fs::path directory;  ///< `<root>/<driver>-<stem>`, with the records and data of the items
  bool read_only = false;
  bool on_own_layers = true;  ///< items refer to layers of the store itself

  /// @param what  the refused action: "change image name assignments"
  Error refusal(std::string_view what) const {
    return Error(Errc::store_read_only,
                 "not allowed to " + std::string(what) + " at \"" + directory.native() + '"')
        .at(directory.native());
  }
  void check_writable(std::string_view what) const {
    if (read_only) throw refusal(what);
  }
};

/// All places of a kind, the store itself first.
template <ItemTraits Traits, StoreLock Lock>
using ReadableStores = std::vector<std::unique_ptr<ReadableStore<Traits, Lock>>>;

/// A record and where it was found; null if not found.
template <ItemTraits Traits, StoreLock Lock>
struct Found {
  Row<typename Traits::Record> row = {};
  ReadableStore<Traits, Lock>* place = nullptr;

  explicit operator bool() const noexcept { return row != nullptr; }
  auto const& operator*() const noexcept { return *row; }
  auto const* operator->() const noexcept { return row.get(); }
};

struct ReadOnlyStoresOnly {};

/// Read view of several places of a kind, with their locks held shared.
///
/// Two stores may read each other. To avoid deadlock, a holder of the store's own lock of a kind, shared or
/// not, never waits for that of another store.
template <ItemTraits Traits, StoreLock Lock>
class ReadView {
 public:
  using Record = typename Traits::Record;
  using FoundRow = Found<Traits, Lock>;

  /// Of all places. No guard of the kind may be held.
  explicit ReadView(ReadableStores<Traits, Lock> const& readable_stores) {
    readings_.reserve(readable_stores.size());
    for (int attempt = 0;; ++attempt) {
      readings_.push_back({readable_stores.front().get(), readable_stores.front()->table.read()});
      auto const busy =
          std::find_if(readable_stores.begin() + 1, readable_stores.end(), [&](auto const& place) {
            auto view =
                attempt < most_attempts ? place->table.try_read() : std::optional(place->table.read_now());
            if (view) readings_.push_back({place.get(), *std::move(view)});
            return !view;
          });
      if (busy == readable_stores.end()) return;
      readings_.clear();
      (*busy)->table.shared();  // waits for the writer
    }
  }
  /// Without the store itself, a guard of which may be held. Does not wait.
  ReadView(ReadableStores<Traits, Lock> const& readable_stores, ReadOnlyStoresOnly) : with_own_(false) {
    readings_.reserve(readable_stores.size());
    for (auto const& place : readable_stores)
      if (place != readable_stores.front()) readings_.push_back({place.get(), place->table.read_now()});
  }

  /// By id, name or unique prefix of an id, or by id alone if `ref` is exact; the first place with a match
  /// counts. A name that only another place has for an item with a record in the store itself was removed
  /// from that record, and does not resolve (as in containers/storage 1.59).
  FoundRow find(Ref const& ref) const {
    return first([&](auto const& view) {
      auto row = view.find(ref);
      if (row && with_own_ && &view != &own() && own().by_id(row->id)) row.reset();
      return row;
    });
  }
  /// As `find`. @throws `Traits::unknown`
  FoundRow get(Ref const& ref) const {
    if (auto found = find(ref)) return found;
    throw Error(Traits::unknown, std::string(Traits::kind) + " \"" + ref.text() + "\"")
        .about(Traits::subject, ref.text());
  }
  FoundRow by_id(std::string_view id) const {
    return first([&](auto const& view) { return view.by_id(id); });
  }

  /// Calls `use(row, place)` for all records, place by place.
  template <class Use>
  void each(Use&& use) const {
    for (auto const& [place, view] : readings_)
      for (auto const& row : view.rows()) use(row, *place);
  }
  /// The same for records that mention an id or digest.
  template <class Use>
  void each_referring_to(std::string_view key, Use&& use) const {
    for (auto const& [place, view] : readings_)
      for (auto const& row : view.referring_to(key)) use(row, *place);
  }

  /// The first place alone.
  auto const& own() const { return readings_.front().view; }

 private:
  struct Place {
    ReadableStore<Traits, Lock>* place;
    typename Table<Traits, Lock>::Reading view;
  };

  template <class Search>
  FoundRow first(Search&& search) const {
    for (auto const& [place, view] : readings_)
      if (auto row = search(view)) return {std::move(row), place};
    return {};
  }

  static constexpr int most_attempts = 5;

  bool with_own_ = true;
  std::vector<Place> readings_;
};

}  // namespace strata
