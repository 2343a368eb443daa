#pragma once

#include <strata/digest.hpp>
#include <strata/error.hpp>
#include <strata/finding.hpp>
#include <strata/maintenance/kept_records.hpp>
#include <strata/maintenance/survey.hpp>
#include <strata/paths.hpp>
#include <strata/records/big_data.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/file.hpp>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

/// Whether the big data of an item is what its record says.
namespace strata::detail {

inline bool is_valid_digest(std::string const& text) {
  try {
    Digest::parse(text);
    return true;
  } catch (Error const&) {
    return false;
  }
}

/// Nothing if there is no such file, or another kind of thing.  @throws `errno`, of which `sys::is_transient` holds
inline std::optional<std::string> read_data(std::filesystem::path const& path) {
  try {
    return sys::read_stored(path);
  } catch (Error const& error) {
    if (sys::is_transient(error)) throw;
    return std::nullopt;
  }
}
/// The digest of a manifest of Docker's first form is that of a part of it (distribution specification, "schema 1").
inline bool is_signed_manifest(std::string_view key, std::string_view bytes) {
  return key.starts_with("manifest") && bytes.find("\"signatures\"") != bytes.npos;
}

/// Adds what is wrong with the chunks of one item; reads all of them.
/// @param directory  of the item's data
template <class Traits>
void check_big_data(typename Traits::Record const& record, std::filesystem::path const& directory,
                    std::vector<Finding>& found) {
  constexpr auto subject = subject_of<Traits>;
  std::string const kind(Traits::kind);
  auto const tell = [&](Severity severity, Fault fault, std::string const& key, std::string const& text,
                        Healing healing) {
    found.push_back({.severity = severity,
                     .subject = subject,
                     .id = record.id,
                     .fault = fault,
                     .text = kind + ' ' + record.id + ": data item \"" + key + "\": " + text,
                     .about = key,
                     .healing = healing});
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
      tell(Severity::error, Fault::unreadable, key, error.what(), Healing::none);
      continue;
    }
    if (!bytes) {
      tell(Severity::error, Fault::data_missing, key, kind + " data item is missing",
           subject == Subject::layer ? Healing::mend : Healing::none);
      continue;
    }
    if constexpr (Traits::keeps_data_sizes) {
      auto const size = record.big_data_sizes.find(key);
      if (size == record.big_data_sizes.end() || size->second != static_cast<std::int64_t>(bytes->size()))
        tell(Severity::error, Fault::data_size, key, kind + " data item has incorrect size", Healing::mend);
      auto const digest = record.big_data_digests.find(key);
      if (digest == record.big_data_digests.end())
        tell(Severity::warning, Fault::data_digest, key, "no digest is recorded", Healing::mend);
      else if (!is_valid_digest(digest->second))
        tell(Severity::error, Fault::digest_invalid, key,
             "recorded digest \"" + digest->second + "\" is none", Healing::mend);
      else if (digest->second.starts_with("sha256:") &&
               Digest::of(as_bytes(*bytes)).str() != digest->second && !is_signed_manifest(key, *bytes))
        tell(Severity::error, Fault::data_digest, key, kind + " data item has incorrect digest",
             Healing::mend);
    }
  }
  for (auto const& path : entries_of(directory)) {
    auto const name = path.filename().native();
    if (files.contains(name) || name == paths::user_data || paths::is_temporary(name)) continue;
    if (std::filesystem::is_directory(path) &&
        std::ranges::any_of(files, [&](auto const& f) { return f.starts_with(name + '/'); }))
      continue;
    tell(Severity::note, Fault::data_unrecorded, name, "its file is not recorded",
         big_data_key(name) ? Healing::mend : Healing::none);
  }
}

}  // namespace strata::detail
