#pragma once

#include <strata/concepts/lineage_driver.hpp>
#include <strata/concepts/own_tree_driver.hpp>
#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/maintenance/layer_content.hpp>
#include <strata/records/big_data.hpp>
#include <strata/records/container.hpp>
#include <strata/records/image.hpp>
#include <strata/records/layer.hpp>
#include <strata/separate.hpp>
#include <strata/store/records_of.hpp>
#include <strata/sys/file.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <system_error>
#include <utility>
#include <vector>

/// Reconstructs records from an item's directories. Names, metadata and labels exist only in records and are
/// lost.
namespace strata::detail {

Timestamp time_of(fs::path const& path);

/// Keys of stored big data, by name; empty if the directory is missing.
/// @throws `errno`, "stat <directory>"
std::vector<std::string> stored_keys(fs::path const& directory);

/// Finds a layer's parent by the rule that Podman derives ids with: the SHA-256 of the parent's id, "+" and
/// the hex digits of the tar's digest; a base layer's id is those digits (github.com/containers/image,
/// storage destination).
/// @return  empty for a base layer; none if no candidate matches
std::optional<std::string> parent_by_id(std::string const& id, std::string const& diff_digest,
                                        std::vector<std::string> const& candidates);

/// Reconstructs a layer's record from its files. Reads all of them if the layer was imported.
/// @param candidates  possible parents, for a driver that does not know the parent
template <class Core>
LayerRecordOf<Core> reconstructed_layer(Core& core, LayerId const& id,
                                        std::vector<std::string> const& candidates, Control const& control) {
  LayerRecordOf<Core> record;
  record.id = id.str();
  record.big_data_names = stored_keys(core.template data_directory<typename Core::LayerTraits>(record.id));
  auto const ancestors = ancestors_of(core.driver(), id);
  if (auto const tree = own_tree_of(core.driver(), id)) record.created = time_of(tree->path);
  auto content = check_layer_content(core, record, core.tar_split(record.id), control);
  for (auto const& found : content.problems)
    if (found.kind == ProblemKind::unreadable)
      throw Error(std::make_error_code(std::errc::io_error), found.text);
  if (content.sum && content.headers) record_plain_archive(record, *content.sum, *content.headers);
  if (ancestors)
    record.parent = ancestors->empty() ? std::string() : ancestors->front().str();
  else if (!record.diff_digest.empty())
    record.parent = parent_by_id(record.id, record.diff_digest, candidates).value_or("");
  return record;
}

/// Reconstructs an image's record from its big data; the top layer follows from the diff ids in its
/// configuration.
/// @return  none if there is no configuration, or a layer is missing
template <class Core>
std::optional<ImageRecordOf<Core>> reconstructed_image(Core& core, std::string const& id,
                                                       std::vector<LayerRecordOf<Core>> const& layers) {
  using Serializer = typename Core::Serializer;
  using Traits = typename Core::ImageTraits;
  if constexpr (!requires(std::string_view text) { Serializer::layer_digests(text); }) {
    return std::nullopt;
  } else {
    ImageRecordOf<Core> record;
    record.id = id;
    auto const directory = core.template data_directory<Traits>(id);
    record.created = time_of(directory);
    std::vector<std::string> diff_digests;
    for (auto const& key : stored_keys(directory)) {
      auto const bytes = sys::read_stored(directory / big_data_file_name(key));
      if (!bytes) continue;
      record_big_data<Traits>(record, key, *bytes);
      if (key == "manifest") record.digest = record.big_data_digests[key];
      if (auto found = Serializer::layer_digests(*bytes); !found.empty()) diff_digests = std::move(found);
    }
    for (auto const& digest : diff_digests) {
      auto const layer = std::ranges::find_if(layers, [&](auto const& l) {
        return l.parent == record.top_layer && l.diff_digest == digest && l.uidmap.empty();
      });
      if (layer == layers.end()) return std::nullopt;
      record.top_layer = layer->id;
    }
    if (record.top_layer.empty()) return std::nullopt;
    return record;
  }
}

/// Reconstructs a container's record, if its configuration (OCI runtime specification, `config.json` in its
/// directory) names a layer that nothing else uses.
template <class Core>
std::optional<ContainerRecordOf<Core>> reconstructed_container(
    Core& core, std::string const& id, std::vector<LayerRecordOf<Core>> const& layers,
    std::vector<ImageRecordOf<Core>> const& images, std::vector<ContainerRecordOf<Core>> const& containers) {
  using Traits = typename Core::ContainerTraits;
  auto const directory = core.template data_directory<Traits>(id);
  auto const text = sys::read_stored(directory / paths::user_data / paths::runtime_config);
  if (!text) return std::nullopt;
  for (auto const& layer : layers) {
    bool const used = std::ranges::any_of(containers, [&](auto const& c) { return c.layer == layer.id; }) ||
                      std::ranges::any_of(layers, [&](auto const& l) { return l.parent == layer.id; });
    if (used || layer.id.size() < 12 || text->find(layer.id) == text->npos) continue;
    ContainerRecordOf<Core> record;
    record.id = id;
    record.layer = layer.id;
    record.created = time_of(directory);
    record.flags = {{"MountLabel", {"\"\""}}, {"ProcessLabel", {"\"\""}}};
    for (auto const& image : images)
      if (!layer.parent.empty() && image.top_layer == layer.parent) record.image = image.id;
    for (auto const& key : stored_keys(directory))
      if (auto const bytes = sys::read_stored(directory / big_data_file_name(key)))
        record_big_data<Traits>(record, key, *bytes);
    return record;
  }
  return std::nullopt;
}

}  // namespace strata::detail

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/maintenance/reconstruct.ipp>
#endif
