#pragma once

#include <strata/concepts/serializer.hpp>
#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/id.hpp>
#include <strata/paths.hpp>
#include <strata/problem.hpp>
#include <strata/records/names.hpp>
#include <strata/records/record.hpp>
#include <strata/sys/file.hpp>
#include <strata/sys/file_state.hpp>

#include <range/v3/range/conversion.hpp>
#include <range/v3/view/indirect.hpp>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

/// Records of a kind exactly as they are on disk. A table hides what it corrects, and fails on what it cannot
/// parse.
namespace strata {

/// A serializer that can read the intact records of a damaged file.
template <class S, class Record>
concept SalvagingSerializerFor = SerializerFor<S, Record> && requires(std::string_view bytes) {
  { S::template salvage<Record>(bytes) } -> std::same_as<std::vector<Record>>;
};

/// Records of one kind, and the problems found while reading them.
template <class Record>
struct RawRecords {
  std::vector<Record> rows = {};  ///< with unique ids and names, as a table would show them
  std::vector<Problem> problems = {};
  /// Files that cannot be parsed, or only in part.
  std::vector<fs::path> damaged = {};
  /// True if records of a read-only store are damaged: their references are unknown then.
  bool others_damaged = false;

  /// Looks in `rows`, then in `others`; null if not found.
  Record const* find(std::string_view id) const {
    std::string const key(id);
    if (auto const found = by_id.find(key); found != by_id.end()) return &rows[found->second];
    auto const other = others.find(key);
    return other == others.end() ? nullptr : &other->second.record;
  }
  /// True if the store itself has a record of this id.
  bool has_own(std::string_view id) const { return by_id.contains(std::string(id)); }

  /// A record of a read-only store.
  struct Other {
    Record record;
    fs::path directory = {};  ///< data directory of the kind in that store
  };
  std::map<std::string, Other, std::less<>> others = {};
  std::unordered_map<std::string, std::size_t> by_id = {};
  std::unordered_map<std::string, std::string> by_name = {};  ///< name to id
};

namespace detail {

/// Adds a record by a table's rules: the later record keeps a name, or that of the newer file, and a name
/// repeated within a record is dropped.
/// @param is_newer  true if the file of one place was modified after that of another
template <class Traits>
void keep(
    RawRecords<typename Traits::Record>& kept, typename Traits::Record record,
    std::function<bool(RecordPlace, RecordPlace)> const& is_newer = [](auto, auto) { return false; }) {
  constexpr auto subject = Traits::subject;
  auto const tell = [&](ProblemKind kind, std::string const& id, std::string text, std::string about,
                        Severity severity = Severity::error) {
    kept.problems.push_back({.severity = severity,
                             .subject = subject,
                             .id = id,
                             .kind = kind,
                             .text = std::string(Traits::kind) + ' ' + id + ": " + std::move(text),
                             .about = std::move(about),
                             .action = RepairAction::repair});
  };
  auto const place_of = [](auto const& row) {
    if constexpr (requires { row.place; })
      return row.place;
    else
      return RecordPlace::main;
  };
  for (auto const& name : names::unique(record.names))
    if (std::ranges::count(record.names, name) > 1) {
      tell(ProblemKind::duplicate_name, record.id, "name \"" + name + "\" is recorded twice", name);
      std::erase(record.names, name);
    }
  std::vector<std::string> lost;
  for (auto const& name : record.names) {
    auto const [at, fresh] = kept.by_name.emplace(name, record.id);
    if (fresh || at->second == record.id) continue;
    auto const other = kept.by_id.find(at->second);
    auto* const row = other != kept.by_id.end() ? &kept.rows[other->second] : nullptr;
    // A process that ended while it passed a name on from a record of one file to one of another leaves that.
    bool const passed_on = row && place_of(*row) != place_of(record);
    tell(ProblemKind::duplicate_name, record.id,
         "name \"" + name + "\" is also that of " + std::string(Traits::kind) + ' ' + at->second, name,
         passed_on ? Severity::note : Severity::error);
    if (passed_on && is_newer(place_of(*row), place_of(record))) {
      lost.push_back(name);
      continue;
    }
    if (row) std::erase(row->names, name);
    at->second = record.id;
  }
  for (auto const& name : lost) std::erase(record.names, name);
  if (auto const [at, fresh] = kept.by_id.emplace(record.id, kept.rows.size()); !fresh) {
    tell(ProblemKind::duplicate_id, record.id, "there are two records of it", {});
    kept.rows[at->second] = std::move(record);
  } else {
    kept.rows.push_back(std::move(record));
  }
}

/// True if an id that another program wrote is a safe path component, and not the name of one of the kind's
/// own files.
template <class Traits, class Core>
bool can_have_files(std::string const& id) {
  return is_safe_component(id) && !paths::is_reserved(id, Traits::stem, Core::Serializer::extension());
}

template <class Traits, class Core>
auto hold_records(Core& core) {
  if constexpr (Core::appends)
    return core.template table<Traits>().read();
  else
    return core.template own<Traits>().table.shared();
}

}  // namespace detail

/// Locks out writers of a kind's records while it lives. Must not be used by a thread that holds a guard of
/// the kind's table. Lock order: layers, images, containers.
template <class Traits, class Core>
class HeldRecords {
 public:
  explicit HeldRecords(Core& core) : core_(core), held_(detail::hold_records<Traits>(core)) {}

  /// Records of the store's own files, damaged or not. A log-structured store was validated when it was
  /// opened. Cost: reads each file once.
  RawRecords<typename Traits::Record> read() const;

 private:
  Core& core_;
  decltype(detail::hold_records<Traits>(std::declval<Core&>())) held_;
};

template <class Traits, class Core>
RawRecords<typename Traits::Record> HeldRecords<Traits, Core>::read() const {
  using Record = typename Traits::Record;
  using Serializer = typename Core::Serializer;
  RawRecords<Record> kept;
  auto const is_newer = [&](RecordPlace one, RecordPlace other) {
    if constexpr (!Core::appends) {
      auto const state = [&](RecordPlace wanted) {
        for (auto const& [place, path] : core_.template record_files<Traits>())
          if (place == wanted) return sys::FileState::of(path);
        return sys::FileState{};
      };
      return state(one).newer_than(state(other));
    }
    return false;
  };
  auto const add_all = [&](auto&& records) {
    for (auto& record : records) {
      if (detail::can_have_files<Traits, Core>(record.id)) {
        detail::keep<Traits>(kept, std::move(record), is_newer);
        continue;
      }
      kept.problems.push_back({.severity = Severity::error,
                               .subject = Traits::subject,
                               .id = record.id,
                               .kind = ProblemKind::record_unreadable,
                               .text = std::string(Traits::kind) + " \"" + record.id +
                                       "\": no file or directory can have that name",
                               .about = {},
                               .action = RepairAction::none});
    }
  };
  if constexpr (Core::appends) {
    auto const rows = held_.rows();
    add_all(rows | ranges::views::indirect | ranges::to<std::vector<Record>>());
  } else {
    for (auto const& [place, path] : core_.template record_files<Traits>()) {
      auto const bytes = sys::read_stored(path);
      auto const tell = [&, &path = path](ProblemKind kind, std::string const& text) {
        kept.damaged.push_back(path);
        kept.problems.push_back({.severity = Severity::error,
                                 .subject = Subject::store,
                                 .id = path.native(),
                                 .kind = kind,
                                 .text = path.native() + ": " + text,
                                 .about = path.native(),
                                 .action = SalvagingSerializerFor<Serializer, Record> ? RepairAction::repair
                                                                                      : RepairAction::none});
      };
      std::vector<Record> records;
      if (bytes) try {
          auto decoded = Serializer::template decode<Record>(*bytes);
          records = std::move(decoded.records);
          if (!decoded.unreadable.empty())
            tell(ProblemKind::record_unreadable,
                 std::to_string(decoded.unreadable.size()) + " elements are no records");
        } catch (Error const& error) {
          tell(ProblemKind::record_file_damaged, "cannot be read: " + error.subject());
          if constexpr (SalvagingSerializerFor<Serializer, Record>)
            records = Serializer::template salvage<Record>(*bytes);
        }
      if constexpr (requires(Record & r) { r.place; }) {
        for (auto& record : records) record.place = place;
        if (place != RecordPlace::main)  // the main file takes precedence
          std::erase_if(records, [&](auto const& r) { return kept.by_id.contains(r.id); });
      }
      add_all(std::move(records));
    }
  }
  return kept;
}

/// Adds the records of read-only stores. Must not be called with a lock of the store itself: the locks of
/// read-only stores come before some of those.
template <class Traits, class Core>
void add_other_records(Core& core, RawRecords<typename Traits::Record>& kept) {
  try {
    core.template read_only_view<Traits>().each([&](auto const& row, auto const& place) {
      if (detail::can_have_files<Traits, Core>(row->id))
        kept.others.try_emplace(row->id, *row, place.directory);
    });
  } catch (Error const& error) {
    kept.problems.push_back(
        {.severity = Severity::error,
         .subject = Subject::store,
         .id = std::string(Traits::stem),
         .kind = sys::is_transient(error) ? ProblemKind::unreadable : ProblemKind::record_file_damaged,
         .text = "read-only " + std::string(Traits::stem) + ": " + error.what(),
         .read_only = true});
    kept.others_damaged = true;
  }
}

/// Current records of a kind, including read-only stores.
template <class Traits, class Core>
RawRecords<typename Traits::Record> read_kept_records(Core& core) {
  auto kept = HeldRecords<Traits, Core>(core).read();
  add_other_records<Traits>(core, kept);
  return kept;
}

/// Rewrites damaged record files with the records that can be read, and keeps the damaged originals beside
/// them.
/// @return  what was done, one line per action
template <class Traits, class Core>
std::vector<std::string> repair_record_files(Core& core, std::vector<fs::path> const& damaged) {
  std::vector<std::string> done;
  using Record = typename Traits::Record;
  using Serializer = typename Core::Serializer;
  if constexpr (!Core::appends && SalvagingSerializerFor<Serializer, Record>) {
    auto held = core.template own<Traits>().table.exclusive();
    for (auto const& path : damaged) {
      auto const bytes = sys::read_stored(path);
      if (!bytes) continue;
      std::vector<Row<Record>> rows;
      for (auto& record : Serializer::template salvage<Record>(*bytes))
        rows.push_back(std::make_shared<Record const>(std::move(record)));
      auto const staging =
          path.native() + std::string(paths::damaged_infix) + std::to_string(sys::random_number());
      sys::replace_file(staging, *bytes, {.mode = 0600, .flush = core.flush()});
      held.renew();
      sys::replace_file(path, Serializer::encode(std::span<Row<Record> const>(rows), {}),
                        {.mode = 0600, .flush = core.flush()});
      done.push_back(path.native() + ": wrote " + std::to_string(rows.size()) +
                     " records that could be read; the damaged file is kept as " + staging);
    }
  }
  return done;
}

}  // namespace strata
