#pragma once

#include <strata/paths.hpp>
#include <strata/sys/staging_directory.hpp>
#include <strata/sys/staging_ownership.hpp>

namespace strata {

STRATA_INLINE void own_staging_directories(fs::path const& root, std::vector<Ownership>& to) {
  for (auto const& seen : sys::StagingDirectory::look(root)) {
    if (!seen.in_use) {
      to.push_back({.path = seen.path,
                    .kind = UsageClass::trash,
                    .reason = "a process that died was building or deleting it",
                    .removable = true});
      continue;
    }
    to.push_back({.path = seen.path, .kind = UsageClass::staged, .reason = "in use"});
    boost::system::error_code gone;
    for (fs::directory_iterator at(seen.path, gone), end; !gone && at != end; at.increment(gone))
      if (!at->path().native().ends_with(paths::temp_dir::addition))
        to.push_back({.path = at->path(), .kind = UsageClass::trash, .reason = "being deleted"});
  }
}

}  // namespace strata
