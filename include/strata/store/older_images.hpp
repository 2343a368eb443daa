#pragma once

#include <strata/concepts/lock.hpp>
#include <strata/paths.hpp>
#include <strata/records/table.hpp>

#include <filesystem>
#include <memory>
#include <string>

/// The images that a graph root had before there was a separate image store: shown, used and removed, not changed otherwise.
namespace strata {

template <class Core>
std::filesystem::path older_images_directory(Core const& core) {
  return core.template kind_directory<typename Core::ImageTraits>(core.options().graph_root);
}

/// Their table, to remove some of them; null if there can be none. Its lock is taken after that of the store's own images.
template <class Core>
auto older_images(Core const& core) {
  using Traits = typename Core::ImageTraits;
  using Lock = typename Core::Lock;
  using Images = Table<Traits, Lock>;
  auto const directory = older_images_directory(core);
  if constexpr (!Core::appends)
    if (!core.options().image_store.empty() && std::filesystem::is_directory(directory))
      return std::make_unique<Images>(
          Lock(directory / (std::string(Traits::stem) + std::string(paths::lock_extension))),
          typename Images::Storage(directory, Traits::stem));
  return std::unique_ptr<Images>();
}

/// Is there one of this id? A guard of the store's own images may be held; waits for nobody.
template <class Core>
bool has_older_image(Core& core, std::string const& id) {
  if (core.options().image_store.empty()) return false;
  auto const found = core.template read_only_view<typename Core::ImageTraits>().by_id(id);
  return found && found.place->directory == older_images_directory(core);
}

}  // namespace strata
