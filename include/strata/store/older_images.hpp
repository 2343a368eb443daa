#pragma once

#include <strata/concepts/lock.hpp>
#include <strata/fs.hpp>
#include <strata/paths.hpp>
#include <strata/records/table.hpp>
#include <strata/sys/lookup.hpp>

#include <memory>
#include <string>

/// Images in the graph root from before there was an image store: listed, used and removed, but not changed.
namespace strata {

template <class Core>
fs::path older_images_directory(Core const& core) {
  return core.template kind_directory<typename Core::ImageTraits>(core.options().graph_root);
}

/// Their table, for removals; null if there is none. Its lock is taken after that of the store's own images.
template <class Core>
auto older_images(Core const& core) {
  using Traits = typename Core::ImageTraits;
  using Lock = typename Core::Lock;
  using Images = Table<Traits, Lock>;
  auto const directory = older_images_directory(core);
  if constexpr (!Core::appends)
    if (!core.options().image_store.empty() && sys::is_directory(directory))
      return std::make_unique<Images>(
          Lock(directory / (std::string(Traits::stem) + std::string(paths::lock_extension))),
          typename Images::Storage(directory, Traits::stem));
  return std::unique_ptr<Images>();
}

/// True if there is one with this id. A guard of the store's own images may be held; does not wait.
template <class Core>
bool has_older_image(Core& core, std::string const& id) {
  if (core.options().image_store.empty()) return false;
  auto const found = core.template read_only_view<typename Core::ImageTraits>().by_id(id);
  return found && found.place->directory == older_images_directory(core);
}

}  // namespace strata
