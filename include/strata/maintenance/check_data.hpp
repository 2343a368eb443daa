#pragma once

#include <strata/digest.hpp>
#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/maintenance/raw_records.hpp>
#include <strata/paths.hpp>
#include <strata/problem.hpp>
#include <strata/progress.hpp>
#include <strata/records/big_data.hpp>
#include <strata/separate.hpp>
#include <strata/sys/directory.hpp>

#include <range/v3/range/conversion.hpp>
#include <range/v3/view/set_algorithm.hpp>
#include <range/v3/view/transform.hpp>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

/// Checks the big data of an item against its record.
namespace strata::detail {

bool is_valid_digest(std::string const& text);

/// Contents of a regular file; none if it is missing or not a regular file. @throws transient errors only, as
/// `errno`
std::optional<std::string> read_data(fs::path const& path);
/// The digest of a Docker schema 1 manifest covers only part of it (distribution specification, "schema 1").
bool is_signed_manifest(std::string_view key, std::string_view bytes);

/// Adds the problems of one item's chunks. Reads all of them.
/// @param directory  data directory of the item
template <class Traits, class Record>
void check_big_data(Record const& record, fs::path const& directory, std::vector<Problem>& found) {
  constexpr auto subject = Traits::subject;
  std::string const item(Traits::kind);
  auto const tell = [&](Severity severity, ProblemKind kind, std::string const& key, std::string const& text,
                        RepairAction action) {
    found.push_back({.severity = severity,
                     .subject = subject,
                     .id = record.id,
                     .kind = kind,
                     .text = item + ' ' + record.id + ": data item \"" + key + "\": " + text,
                     .about = key,
                     .action = action});
  };
  std::set<std::string> files;
  for (auto const& key : record.big_data_names) {
    std::string file;
    try {
      file = big_data_file_name(key);
    } catch (Error const&) {
    }
    files.insert(file);
    std::optional<std::string> bytes;
    try {
      if (!file.empty()) bytes = read_data(directory / file);
    } catch (Error const& error) {
      tell(Severity::error, ProblemKind::unreadable, key, error.what(), RepairAction::none);
      continue;
    }
    if (!bytes) {
      tell(Severity::error, ProblemKind::data_missing, key, item + " data item is missing",
           subject == Subject::layer ? RepairAction::repair : RepairAction::none);
      continue;
    }
    if constexpr (Traits::keeps_data_sizes) {
      auto const size = record.big_data_sizes.find(key);
      if (size == record.big_data_sizes.end() || size->second != static_cast<std::int64_t>(bytes->size()))
        tell(Severity::error, ProblemKind::data_size, key, item + " data item has incorrect size",
             RepairAction::repair);
      auto const digest = record.big_data_digests.find(key);
      if (digest == record.big_data_digests.end())
        tell(Severity::warning, ProblemKind::data_digest, key, "no digest is recorded", RepairAction::repair);
      else if (!is_valid_digest(digest->second))
        tell(Severity::error, ProblemKind::digest_invalid, key,
             "recorded digest \"" + digest->second + "\" is none", RepairAction::repair);
      else if (digest->second.starts_with("sha256:") &&
               Digest::of(as_bytes(*bytes)).str() != digest->second && !is_signed_manifest(key, *bytes))
        tell(Severity::error, ProblemKind::data_digest, key, item + " data item has incorrect digest",
             RepairAction::repair);
    }
  }
  auto const entries = sys::entries_of(directory);
  auto const stored = entries |
                      ranges::views::transform([](auto const& path) { return path.filename().native(); }) |
                      ranges::to<std::vector>();
  auto const holds_file = [&](std::string const& name) {
    return std::ranges::any_of(files, [&](auto const& f) { return f.starts_with(name + '/'); });
  };
  for (auto const& name : ranges::views::set_difference(stored, files)) {
    if (name == paths::user_data || paths::is_temporary(name)) continue;
    if (sys::is_directory(directory / name) && holds_file(name)) continue;
    tell(Severity::note, ProblemKind::data_unrecorded, name, "its file is not recorded",
         big_data_key(name) ? RepairAction::repair : RepairAction::none);
  }
}

/// Problems of the items' big data, by id. A chunk is replaced before its record, so an apparent problem is
/// checked again with writers locked out.
template <class Traits, class Core>
std::map<std::string, std::vector<Problem>> damaged_data(Core& core,
                                                         std::vector<typename Traits::Record> const& rows,
                                                         Control const& control) {
  std::map<std::string, std::vector<Problem>> found;
  auto const look_at = [&](typename Traits::Record const& row) {
    control.check();
    std::vector<Problem> problems;
    check_big_data<Traits>(row, core.template kind_directory<Traits>() / row.id, problems);
    return problems;
  };
  for (auto const& row : rows)
    if (auto problems = look_at(row); !problems.empty()) found.emplace(row.id, std::move(problems));
  if (found.empty()) return found;
  HeldRecords<Traits, Core> const held(core);
  auto const now = held.read();
  for (auto& [id, problems] : found) {
    problems.clear();
    if (now.has_own(id)) problems = look_at(*now.find(id));
  }
  return found;
}

}  // namespace strata::detail

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/maintenance/check_data.ipp>
#endif
