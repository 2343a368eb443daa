#pragma once

#include <strata/error.hpp>
#include <strata/sys/lookup.hpp>

#include <filesystem>
#include <string>

/// Records that another release wrote, or somebody by hand, and that cannot be read: what has no record that can be read may
/// have one of these, so nothing is removed for want of a record, nor made in its place.
namespace strata {

/// Is all known of what needs what? A record that cannot be read may need anything.
/// @param views  guards of tables
template <class... Views>
bool all_readable(Views const&... views) noexcept {
  return (views.all_readable() && ...);
}

/// For an image or a container that is to be made: before anything of it is written.
/// @throws `Errc::corrupt_record`: there is data of that id, and a record that cannot be read may be its
template <class Traits, class Core>
void check_data_free(Core& core, std::string const& id) {
  if (sys::is_present(core.template data_directory<Traits>(id)) &&
      !core.template table<Traits>().read().all_readable())
    throw Error(Errc::corrupt_record, std::string(Traits::kind) + " \"" + id +
                                          "\" has data, and there are records that cannot be read");
}

}  // namespace strata
