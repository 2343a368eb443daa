#pragma once

#include <strata/concepts/serializer.hpp>
#include <strata/digest.hpp>
#include <strata/maintenance/reconstruct.hpp>
#include <strata/records/names.hpp>
#include <strata/sys/directory.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/lookup.hpp>

namespace strata::detail {

STRATA_INLINE Timestamp time_of(fs::path const& path) {
  auto const status = sys::find_status(path);
  if (!status) return Timestamp::now();
  return {.seconds = status->st_mtim.tv_sec,
          .nanoseconds = static_cast<std::int32_t>(status->st_mtim.tv_nsec)};
}

STRATA_INLINE std::vector<std::string> stored_keys(fs::path const& directory) {
  std::vector<std::string> keys;
  for (auto const& path : sys::entries_of(directory)) {
    auto const name = path.filename().native();
    auto const status = sys::find_status(path, 0);
    if (!status || !S_ISREG(status->st_mode) || paths::is_temporary(name)) continue;
    if (auto key = big_data_key(name)) keys.push_back(*std::move(key));
  }
  std::ranges::sort(keys);
  return keys;
}

STRATA_INLINE std::optional<std::string> parent_by_id(std::string const& id, std::string const& diff_digest,
                                                      std::vector<std::string> const& candidates) {
  auto const hex = std::string_view(diff_digest).substr(diff_digest.find(':') + 1);
  if (id == hex) return "";
  for (auto const& parent : candidates)
    if (Digest::of(as_bytes(parent + '+' + std::string(hex))).hex() == id) return parent;
  return std::nullopt;
}

}  // namespace strata::detail
