#pragma once

#include <strata/concepts/check_driver.hpp>
#include <strata/concepts/serializer.hpp>
#include <strata/digest.hpp>
#include <strata/error.hpp>
#include <strata/maintenance/layer_content.hpp>
#include <strata/records/big_data.hpp>
#include <strata/records/container.hpp>
#include <strata/records/image.hpp>
#include <strata/records/layer.hpp>
#include <strata/records/names.hpp>
#include <strata/store/records_of.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/file.hpp>
#include <strata/sys/lookup.hpp>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <system_error>
#include <utility>
#include <vector>

/// Records made anew from what stands in an item's directories. Names, metadata and labels are lost with a record.
namespace strata::detail {

inline Timestamp time_of(std::filesystem::path const& path) {
  auto const status = sys::find_status(path);
  if (!status) return Timestamp::now();
  return {.seconds = status->st_mtim.tv_sec,
          .nanoseconds = static_cast<std::int32_t>(status->st_mtim.tv_nsec)};
}

/// Keys of the big data that has files, by name; none if the directory is missing, or is no directory.
/// @throws `errno`, "stat <directory>", if that cannot be told
inline std::vector<std::string> stored_keys(std::filesystem::path const& directory) {
  std::vector<std::string> keys;
  if (!sys::is_directory(directory)) return keys;
  for (std::filesystem::directory_iterator at(directory), end; at != end; ++at) {
    auto const name = at->path().filename().native();
    if (!at->is_regular_file() || paths::is_temporary(name)) continue;
    if (auto key = big_data_key(name)) keys.push_back(*std::move(key));
  }
  std::ranges::sort(keys);
  return keys;
}

/// The parent of which Podman and its like would have made this layer's id: the SHA-256 of the parent's id, "+" and the
/// digits of the tar's digest (github.com/containers/image, storage destination); for a base layer these digits.
/// @return  empty for a base layer; nothing if it is none of those given
inline std::optional<std::string> parent_by_id(std::string const& id, std::string const& diff_digest,
                                               std::vector<std::string> const& candidates) {
  auto const hex = std::string_view(diff_digest).substr(diff_digest.find(':') + 1);
  if (id == hex) return "";
  for (auto const& parent : candidates)
    if (Digest::of(as_bytes(parent + '+' + std::string(hex))).hex() == id) return parent;
  return std::nullopt;
}

/// A layer's record from its files; reads all of them if it was imported.
/// @param candidates  ids of layers that may be its parent, for a driver that does not know it
template <class Core>
LayerRecordOf<Core> reconstructed_layer(Core& core, LayerId const& id,
                                        std::vector<std::string> const& candidates, Control const& control) {
  LayerRecordOf<Core> record;
  record.id = id.str();
  record.big_data_names = stored_keys(core.template data_directory<typename Core::LayerTraits>(record.id));
  std::optional<std::vector<LayerId>> ancestors;
  if constexpr (CheckDriver<typename Core::Driver>) {
    ancestors = core.driver().ancestors(id);
    if (auto const tree = core.driver().own_tree(id)) record.created = time_of(tree->path);
  }
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

/// An image's record from its big data: the top layer is the one to which the digests in its configuration lead.
/// @return  nothing if there is none, or a layer is missing
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
      record.big_data_names.push_back(key);
      record.big_data_sizes[key] = static_cast<std::int64_t>(bytes->size());
      record.big_data_digests[key] = Digest::of(as_bytes(*bytes)).str();
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

/// A container's record, if its configuration (OCI runtime specification, `config.json` in its directory) names a layer
/// that nobody else uses.
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
    for (auto const& key : stored_keys(directory)) {
      auto const bytes = sys::read_stored(directory / big_data_file_name(key));
      if (!bytes) continue;
      record.big_data_names.push_back(key);
      record.big_data_sizes[key] = static_cast<std::int64_t>(bytes->size());
      record.big_data_digests[key] = Digest::of(as_bytes(*bytes)).str();
    }
    return record;
  }
  return std::nullopt;
}

}  // namespace strata::detail
