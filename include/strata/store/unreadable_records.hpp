#pragma once

#include <strata/error.hpp>
#include <strata/sys/lookup.hpp>

#include <string>

/// Records that cannot be read, written by another release or edited by hand. Files without a readable record
/// may belong to one of them, so nothing is removed or created in their place.
namespace strata {

/// True if every record could be parsed; otherwise references may be incomplete.
/// @param views  guards of tables
template <class... Views>
bool all_readable(Views const&... views) noexcept {
  return (views.all_readable() && ...);
}

/// To be called before anything of a new image or container is written.
/// @throws `Errc::corrupt_record` if there is data of that id, and an unreadable record may refer to it
template <class Traits, class Core>
void check_data_free(Core& core, std::string const& id) {
  if (sys::is_present(core.template data_directory<Traits>(id)) &&
      !core.template table<Traits>().read().all_readable())
    throw Error(Errc::corrupt_record, std::string(Traits::kind) + " \"" + id +
                                          "\" has data, and there are records that cannot be read")
        .about(Traits::subject, id);
}

}  // namespace strata
