#pragma once

#include <strata/concepts/bytes.hpp>
#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/idmap/set.hpp>
#include <strata/idmap/shift.hpp>
#include <strata/idmap/subid.hpp>
#include <strata/records/image.hpp>
#include <strata/store/options.hpp>
#include <strata/sys/file.hpp>
#include <strata/sys/userns.hpp>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Chooses id maps for containers that must not share ids: as large as the image needs, from the ids
/// delegated to a user, without those of other containers.
namespace strata {
namespace detail {

/// Highest id in a text in the format of passwd(5) or group(5), plus one. The ids of "nobody" and the like
/// are ignored, since they would make every map as large as possible.
/// @param fields  indices of the colon-separated fields that are ids, from 0
inline std::int64_t ids_needed(std::string_view text, std::vector<std::size_t> const& fields) {
  std::int64_t needed = 0;
  while (!text.empty()) {
    auto line = idmap::detail::next_piece(text, '\n');
    std::vector<std::string_view> pieces;
    while (!line.empty()) pieces.push_back(idmap::detail::next_piece(line, ':'));
    if (pieces.empty() || pieces[0] == "nobody" || pieces[0] == "nogroup") continue;
    for (auto const field : fields) {
      auto const id = field < pieces.size() ? idmap::detail::id_number(pieces[field]) : std::nullopt;
      if (id && *id != idmap::overflow_id) needed = std::max(needed, *id + 1);
    }
  }
  return needed;
}

/// Collects a file of an image; refuses one that is too large to be a list of users.
class BoundedText final : public Writer {
 public:
  void write(Bytes bytes) override {
    if (text.size() + bytes.size() > most) throw Error(Errc::over_budget, "list of users or groups");
    text += as_text(bytes);
  }
  std::string text = {};

 private:
  static constexpr std::size_t most = std::size_t{16} << 20U;
};

/// @param given  a file of the host to use instead of the image's; empty: the image's, if it has one
template <class Core>
std::string user_list(Core& core, std::string const& layer, fs::path const& given, std::string_view name) {
  if (!given.empty()) return sys::read_file_if_exists(given).value_or(std::string());
  BoundedText to;
  try {
    core.driver().copy_file(LayerId(layer), name, to);
  } catch (Error const& error) {
    if (error.code() != Errc::data_unknown) throw;
  }
  return std::move(to.text);
}

/// Number of ids that an image uses, by its files, users and groups.
template <class Core>
std::int64_t image_needs(Core& core, std::string const& image, AutoUserns const& wanted) {
  std::int64_t needed = 0;
  std::string top;
  {
    auto const layers = core.template read_view<typename Core::LayerTraits>();
    top = core.template read_view<typename Core::ImageTraits>().get(Ref::exactly(image))->top_layer;
    std::set<std::string> seen;  // hand-edited records may form a cycle
    for (auto id = top; !id.empty() && seen.insert(id).second;) {
      auto const layer = layers.get(Ref::exactly(id));
      for (auto const* owners : {&layer->uidset, &layer->gidset})
        if (!owners->empty())
          needed = std::max(needed, std::int64_t{*std::max_element(owners->begin(), owners->end())} + 1);
      id = layer->parent;
    }
  }
  if (top.empty()) return needed;
  auto const users = user_list(core, top, wanted.passwd_file, "etc/passwd");
  auto const groups = user_list(core, top, wanted.group_file, "etc/group");
  return std::max({needed, ids_needed(users, {2, 3}), ids_needed(groups, {2})});
}

/// Ids available to containers: on the host those delegated to the user, inside a user namespace all but its
/// root.
inline idmap::IdSet ids_set_aside(AutoUserns const& wanted, std::string_view which) {
  idmap::IdSet set;
  if (!sys::has_all_ids()) {
    auto const text = sys::read_file("/proc/self/" + std::string(which) + "_map");
    for (std::string_view rest = text; !rest.empty();) {
      auto line = idmap::detail::next_piece(rest, '\n');
      std::vector<std::int64_t> numbers;
      while (!line.empty())
        if (auto const piece = idmap::detail::next_piece(line, ' '); !piece.empty())
          numbers.push_back(idmap::detail::id_number(piece).value_or(0));
      if (numbers.size() == 3) set.add(numbers[0], numbers[2]);
    }
    set.remove(0, 1);
    return set;
  }
  auto const file = which == "uid" ? wanted.subuid_file : wanted.subgid_file;
  auto const ranges = idmap::subordinate_ranges(file, wanted.user);
  if (ranges.empty())
    throw Error(Errc::no_available_ids, "cannot find mappings for user \"" + wanted.user + "\": no sub" +
                                            std::string(which) + " ranges found in " + file.native());
  set.add_hosts(ranges);
  return set;
}

/// Chooses one of the two maps.
/// @param used  maps of all containers, of which the host ids count
inline IdMap choose_ids(idmap::IdSet available, std::int64_t size, std::vector<IdMap> const& used,
                        IdMap const& additional) {
  for (auto const& map : used) available.remove_hosts(map);
  available.remove_hosts(additional);
  idmap::IdSet inside(0, size);
  inside.remove_containers(additional);
  auto const chosen = available.lowest(inside.size());
  if (!chosen) throw Error(Errc::no_available_ids, "could not find enough available IDs");
  auto map = idmap::zip(inside, *chosen);
  map.insert(map.end(), additional.begin(), additional.end());
  return map;
}

}  // namespace detail

/// Chooses maps for a new container. The caller holds `core.userns_lock()` exclusively until the container's
/// record is stored; otherwise another container may get the same ids.
/// @param image  empty: none
/// @throws `Errc::no_available_ids`; `Errc::invalid_mappings` if too many are needed, or additional maps are
///   invalid
template <class Core>
IdMaps choose_maps(Core& core, std::string const& image, AutoUserns const& wanted) {
  std::int64_t size = wanted.size;
  if (size == 0) {
    if (!image.empty()) size = detail::image_needs(core, image, wanted);
    size = std::max({size, std::int64_t{wanted.initial_size}, std::int64_t{wanted.min_size}});
    if (size > wanted.max_size)
      throw Error(Errc::invalid_mappings,
                  "the container needs a user namespace with size " + std::to_string(size) +
                      " that is bigger than the maximum value allowed with userns=auto " +
                      std::to_string(wanted.max_size));
  }
  std::vector<IdMap> uids;
  std::vector<IdMap> gids;
  core.template read_view<typename Core::ContainerTraits>().each([&](auto const& container, auto const&) {
    uids.push_back(container->uidmap);
    gids.push_back(container->gidmap);
  });
  IdMaps maps{
      .uids = detail::choose_ids(detail::ids_set_aside(wanted, "uid"), size, uids, wanted.additional.uids),
      .gids = detail::choose_ids(detail::ids_set_aside(wanted, "gid"), size, gids, wanted.additional.gids)};
  idmap::check(maps);
  return maps;
}

}  // namespace strata
