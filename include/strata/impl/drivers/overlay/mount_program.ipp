#pragma once

#include <strata/archive/whiteout.hpp>
#include <strata/drivers/overlay/mount_program.hpp>
#include <strata/drivers/overlay/options.hpp>
#include <strata/paths.hpp>
#include <strata/sys/process.hpp>

namespace strata::drivers::overlay {

STRATA_INLINE bool used_mount_program(LayerDirs const& dirs) {
  auto const is_marked = [](fs::path const& directory) {
    std::array<char, 4096> keys{};
    auto const size = ::llistxattr(directory.c_str(), keys.data(), keys.size());
    std::string_view rest(keys.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
    while (!rest.empty()) {
      auto const key = rest.substr(0, rest.find('\0'));
      if (key.starts_with("user.fuseoverlayfs.") || key.starts_with("user.containers.")) return true;
      rest.remove_prefix(key.size() + 1);
    }
    return false;
  };
  for (auto const& id : dirs.list()) {
    auto const tree = dirs.own(id) / paths::overlay::diff;
    if (is_marked(tree)) return true;
    boost::system::error_code error;
    for (fs::recursive_directory_iterator entry(tree, error), end; !error && entry != end;
         entry.increment(error)) {
      if (archive::is_whiteout(entry->path().filename().native())) return true;
      if (entry->symlink_status(error).type() == fs::directory_file && is_marked(entry->path())) return true;
    }
  }
  return false;
}

STRATA_INLINE fs::path find_program(std::string_view name) {
  auto const* search = std::getenv("PATH");
  for (auto const& directory : split(search != nullptr ? search : "", ':')) {
    auto path = fs::path(directory) / name;
    if (path.is_absolute() && ::access(path.c_str(), X_OK) == 0) return path;
  }
  return {};
}

STRATA_INLINE bool unmount_by_program(fs::path const& target) {
  for (auto const* program : {"fusermount3", "fusermount"}) {
    if (find_program(program).empty()) continue;
    if (sys::run({program, "-u", target.native()}, {.keep_words = true}).succeeded()) return true;
  }
  return false;
}

}  // namespace strata::drivers::overlay
