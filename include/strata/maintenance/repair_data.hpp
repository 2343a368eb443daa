#pragma once

#include <strata/digest.hpp>
#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/maintenance/check_data.hpp>
#include <strata/problem.hpp>
#include <strata/records/big_data.hpp>
#include <strata/records/names.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/file.hpp>

#include <cstdint>
#include <exception>
#include <new>
#include <set>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

/// Repair of single records and their big data.
namespace strata {

/// A removal or repair that failed.
struct RepairFailure {
  std::string doing;  ///< "deleting layer base"
  std::exception_ptr error;
  Subject subject = Subject::store;  ///< what it is about …
  std::string id = {};               ///< … and its id; empty for the store
};

}  // namespace strata

namespace strata::detail {

/// Collects what was done and what failed.
class RepairLog {
 public:
  void did(std::string text) { actions.push_back(std::move(text)); }

  /// Runs one repair, of an item if `id` is not empty. A failure is recorded and does not stop the others.
  template <class Work>
  void attempt(std::string const& doing, Subject subject, std::string const& id, Work&& work) {
    if (tried.contains(doing)) return;
    try {
      work();
    } catch (std::exception const& error) {
      auto const* const ours = dynamic_cast<Error const*>(&error);
      if (ours != nullptr && ours->code() == Errc::stopped) throw;
      auto const* const system = dynamic_cast<std::system_error const*>(&error);
      transient = transient || (system != nullptr ? sys::is_transient(*system)
                                                  : dynamic_cast<std::bad_alloc const*>(&error) != nullptr);
      tried.insert(doing);
      failures.push_back({doing, std::current_exception(), subject, id});
    }
  }

  std::vector<std::string> actions = {};
  std::vector<RepairFailure> failures = {};
  std::set<std::string> tried = {};  ///< repairs that failed; not retried
  bool transient = false;            ///< something failed for a transient reason
  bool records_to_come = false;      ///< a record could not be reconstructed for a transient reason
};

/// Changes the current record of an item, if it still exists. It may have changed since the check, or belong
/// to a new item of the same id, so `apply` must check again.
template <class Traits, class Core, class Change>
void change_record(Core& core, std::string const& id, Change&& apply) {
  auto table = core.template table<Traits>().write();
  auto const row = table.by_id(id);
  if (!row) return;
  auto next = *row;
  apply(next);
  table.put(std::move(next));
  table.commit(core.flush());
}

/// Repairs the big data and digests of an item.
template <class Core>
class DataRepairer {
 public:
  DataRepairer(Core& core, RepairLog& log) : core_(core), log_(log) {}

  template <class Traits>
  void repair(Problem const& found) {
    auto const& key = found.about;
    auto const who = std::string(Traits::kind) + ' ' + found.id + ": ";
    auto const directory = core_.template data_directory<Traits>(found.id);
    if constexpr (!Traits::keeps_data_sizes) {
      change_record<Traits>(core_, found.id, [&](auto& r) {
        if (found.kind == ProblemKind::data_missing) {
          if (read_data(directory / big_data_file_name(key))) return;
          std::erase(r.big_data_names, key);
          log_.did(who + "forgot the data item \"" + key + "\", whose file is missing");
        } else if (found.kind == ProblemKind::data_unrecorded) {
          record_key<Traits>(r, directory, key, who);
        } else if (found.kind == ProblemKind::digest_invalid) {
          for (auto* digest : {&r.diff_digest, &r.compressed_diff_digest})
            if (!is_digest(*digest)) digest->clear();
          log_.did(who + "forgot a recorded digest that was none");
        }
      });
    } else if (found.kind == ProblemKind::data_unrecorded) {
      change_record<Traits>(core_, found.id, [&](auto& r) { record_key<Traits>(r, directory, key, who); });
    } else if (key.empty()) {
      if constexpr (requires(typename Traits::Record & r) { r.digest; })
        change_record<Traits>(core_, found.id, [&](auto& r) {
          if (is_digest(r.digest)) return;
          auto const manifest = r.big_data_digests.find("manifest");
          r.digest =
              manifest != r.big_data_digests.end() && is_digest(manifest->second) ? manifest->second : "";
          log_.did(who + (r.digest.empty() ? "forgot a recorded digest that was none"
                                           : "recorded the digest " + r.digest));
        });
    } else {
      repair_chunk<Traits>(found.id, key, directory, who);
    }
  }

 private:
  static bool is_digest(std::string const& text) { return text.empty() || is_valid_digest(text); }

  template <class Traits>
  void record_key(typename Traits::Record& record, fs::path const& directory, std::string const& name,
                  std::string const& who) {
    auto const key = big_data_key(name);
    auto const bytes = sys::read_stored(directory / name);
    if (!key || !bytes || names::contains(record.big_data_names, *key)) return;
    record_big_data<Traits>(record, *key, *bytes);
    log_.did(who + "recorded the data item \"" + *key + '"');
  }

  /// Repairs a chunk that differs from its record. If its key or the recorded size confirms the bytes, the
  /// record is updated; otherwise an identical chunk of another item is copied. Writers are locked out.
  template <class Traits>
  void repair_chunk(std::string const& id, std::string const& key, fs::path const& directory,
                    std::string const& who) {
    auto table = core_.template table<Traits>().write();
    auto const row = table.by_id(id);
    if (!row) return;
    auto const bytes = sys::read_stored(directory / big_data_file_name(key));
    if (!bytes) return;
    auto const record = [&](std::string const& digest, std::size_t size) {
      auto next = *row;
      record_big_data<Traits>(next, key, static_cast<std::int64_t>(size), digest);
      table.put(std::move(next));
      table.commit(core_.flush());
    };
    auto const now = Digest::of(as_bytes(*bytes)).str();
    auto const recorded = row->big_data_digests.find(key);
    auto const wanted = recorded == row->big_data_digests.end() ? std::string() : recorded->second;
    auto const size = row->big_data_sizes.find(key);
    bool const same_size =
        size != row->big_data_sizes.end() && size->second == static_cast<std::int64_t>(bytes->size());
    if (same_size && now == wanted) return;
    // The keys "sha256:<hex>" and "manifest-sha256:<hex>" contain the digest of the chunk.
    auto const in_key = key.rfind("sha256:");
    auto const named = in_key == key.npos ? std::string() : key.substr(in_key);
    bool const bytes_right = is_digest(named) && !named.empty() ? named == now : now == wanted;
    if (!bytes_right) {
      auto const expected = !named.empty() && is_digest(named) ? named : wanted;
      for (auto const& other : row->big_data_names) {
        if (other == key) continue;
        auto const twin = sys::read_stored(directory / big_data_file_name(other));
        if (!twin || Digest::of(as_bytes(*twin)).str() != expected) continue;
        sys::replace_file(directory / big_data_file_name(key), *twin, {.mode = 0600, .flush = core_.flush()});
        record(expected, twin->size());
        log_.did(who + "copied the data item \"" + key + "\" from \"" + other + '"');
        return;
      }
      // The right bytes are known by digest and lost: updating the record would hide the damage.
      if (!named.empty() || (!same_size && !wanted.empty() && is_digest(wanted))) return;
    }
    record(now, bytes->size());
    log_.did(who + "recorded size and digest of the data item \"" + key + '"');
  }

  Core& core_;
  RepairLog& log_;
};

}  // namespace strata::detail
