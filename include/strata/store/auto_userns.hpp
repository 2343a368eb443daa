#pragma once

#include <strata/concepts/bytes.hpp>
#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/idmap/set.hpp>
#include <strata/records/image.hpp>
#include <strata/separate.hpp>
#include <strata/store/options.hpp>
#include <strata/sys/file.hpp>

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
std::int64_t ids_needed(std::string_view text, std::vector<std::size_t> const& fields);

/// Collects a file of an image; refuses one that is too large to be a list of users.
class BoundedText final : public Writer {
 public:
  void write(Bytes bytes) override;
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
idmap::IdSet ids_set_aside(AutoUserns const& wanted, std::string_view which);

/// Chooses one of the two maps.
/// @param used  maps of all containers, of which the host ids count
IdMap choose_ids(idmap::IdSet available, std::int64_t size, std::vector<IdMap> const& used,
                 IdMap const& additional);

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

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/store/auto_userns.ipp>
#endif
