#pragma once

#include <strata/maintenance/scan.hpp>
#include <strata/sys/file.hpp>

namespace strata::detail {

STRATA_INLINE bool is_generated_id(std::string_view name, std::size_t digits) {
  return (name.size() == 64 || name.size() == digits) &&
         name.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

STRATA_INLINE bool is_old(fs::path const& path, std::chrono::seconds age) {
  auto const status = sys::find_status(path);
  return status && ::time(nullptr) - status->st_mtime >= age.count();
}

STRATA_INLINE Ownership temporary_file(fs::path const& path, ScanOptions const& options) {
  bool const left = is_old(path, options.leftover_after);
  return {.path = path,
          .kind = left ? UsageClass::trash : UsageClass::staged,
          .reason = left ? "a process that died was writing it" : "being written",
          .removable = left};
}

STRATA_INLINE void own_temporary_files(fs::path const& directory, ScanOptions const& options,
                                       std::vector<Ownership>& to) {
  for (auto const& path : sys::entries_of(directory))
    if (paths::is_temporary(path.filename().native())) to.push_back(temporary_file(path, options));
}

STRATA_INLINE void spare_unreadable(std::vector<Ownership>& claims, KnownIds const& known) {
  for (auto& claim : claims)
    if (claim.kind == UsageClass::orphan && !known.all(claim.subject)) {
      claim.removable = false;
      claim.reason = "no record that can be read names it";
    }
}

}  // namespace strata::detail

namespace strata {

STRATA_INLINE void forget_changed(std::vector<Ownership>& claims, KnownIds const& now) {
  std::erase_if(claims, [&](Ownership const& claim) {
    if (claim.kind != UsageClass::orphan) return false;
    auto const& ids = claim.subject == Subject::layer   ? now.layers
                      : claim.subject == Subject::image ? now.images
                                                        : now.containers;
    return ids.contains(claim.id) || !sys::is_present(claim.path);
  });
}

}  // namespace strata
