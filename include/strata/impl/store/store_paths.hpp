#pragma once

#include <strata/fs.hpp>
#include <strata/records/record_file.hpp>
#include <strata/store/store_paths.hpp>

#include <utility>
#include <vector>

namespace strata {

template <class Derived>
template <class Traits>
auto StorePaths<Derived>::record_files() const -> std::vector<std::pair<RecordPlace, fs::path>> {
  if constexpr (Derived::appends) return {};
  return RecordFile<typename Traits::Record, typename Derived::Serializer>(record_places<Traits>(),
                                                                           Traits::stem)
      .files();
}

template <class Derived>
template <class Traits>
RecordPlaces StorePaths<Derived>::record_places() const {
  RecordPlaces places{.main = kind_directory<Traits>()};
  if (Traits::records_in_image_store && !self().options().image_store.empty())
    places.image_store = kind_directory<Traits>(self().options().image_store);
  if (self().options().transient && Traits::may_be_volatile)
    places.volatiles = kind_directory<Traits>(self().options().run_root);
  return places;
}

}  // namespace strata
