#pragma once

#include <strata/concepts/bytes.hpp>
#include <strata/digest.hpp>
#include <strata/error.hpp>
#include <strata/id.hpp>
#include <strata/oci/descriptor.hpp>
#include <strata/oci/image_destination.hpp>
#include <strata/oci/image_documents.hpp>
#include <strata/oci/image_plan.hpp>
#include <strata/oci/image_source.hpp>
#include <strata/oci/incoming_image.hpp>
#include <strata/oci/store_keys.hpp>
#include <strata/records/names.hpp>
#include <strata/store/options.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace strata::oci {

/// A store as a place that images come from and go to. Its images, layers and data are as Podman writes them, so that
/// each finds what the other one has. References are names and ids, as the store takes them, and digests of manifests.
///
///     oci::OciLayout layout("layout");
///     oci::ImagesOf images(store);
///     oci::copy_image(layout, images, {.name = "localhost/tool:1"});
///
/// As a source it has layers as they were before they were compressed, for that is what a store keeps: see `held_layers`.
/// Shares the store. Thread-safe, as the store is.
template <class Store>
class ImagesOf {
 public:
  explicit ImagesOf(Store store) : store_(std::move(store)) {}

  /// @throws `Errc::image_unknown`; `Errc::data_unknown` for an image without a manifest, which no program of images made
  RawManifest manifest(std::string_view reference) const {
    auto const image = find(reference);
    std::error_code no_digest;
    auto const digest = Digest::parse(reference, no_digest);
    auto key = digest ? manifest_key(*digest) : std::string(manifest_data);
    if (!names::contains(image.big_data().names(), key)) key = manifest_data;  // Podman before 1.6
    return {.bytes = image.big_data().get(key), .media_type = {}};
  }

  /// A configuration, or a layer by its DiffID.
  Source blob(Descriptor const& blob) const {
    auto const key = blob.digest.str();
    if (auto const image = store_.images().find(Ref::exactly(std::string(blob.digest.hex())));
        image && names::contains(image->big_data().names(), key))
      return memory_source(image->big_data().get(key));
    if (auto const held = find_held(blob.digest))
      return held->diff_source({.compression = Compression::none});
    for (auto const& layer : store_.layers().list())
      if (layer.record().diff_digest == key) return layer.diff_source({.compression = Compression::none});
    for (auto const& image : store_.images().list())
      if (names::contains(image.big_data().names(), key)) return memory_source(image.big_data().get(key));
    throw Error(Errc::data_unknown, "blob " + key);
  }

  /// The layers of an image as `blob` has them, instead of those that its manifest names.
  /// @throws `Errc::image_unknown`; `Errc::digest_mismatch` if its layers are not those of its configuration
  std::vector<Descriptor> held_layers(ImagePlan const& plan) const {
    auto const image = store_.images().get(Ref::exactly(std::string(plan.config.digest().hex())));
    auto const type = layer_media_type(plan.manifest.format(), Compression::none);
    std::vector<Descriptor> held;
    for (auto const& layer : layers_of(image, plan.config.diff_ids())) {
      auto const& diff_id = plan.layers[held.size()].diff_id;
      remember(diff_id, layer.id().str());
      held.push_back({.media_type = std::string(*type),
                      .digest = diff_id,
                      .size = static_cast<std::uint64_t>(layer.record().diff_size)});
    }
    return held;
  }

  std::vector<std::string> references() const {
    std::vector<std::string> out;
    for (auto const& image : store_.images().list()) {
      if (image.names().empty()) out.push_back(image.id().str());
      out.insert(out.end(), image.names().begin(), image.names().end());
    }
    return out;
  }

  /// Begins an image: see `UnpackingDestination`.
  IncomingImage<Store> begin(ImagePlan plan) const { return IncomingImage<Store>(store_, std::move(plan)); }

 private:
  /// Layers of the images that were asked for, so that each is found without a look at all of the store.
  struct Held {
    std::mutex mutex;
    std::map<Digest, std::string> ids;
  };

  void remember(Digest const& diff_id, std::string id) const {
    std::lock_guard const lock(held_->mutex);
    held_->ids.insert_or_assign(diff_id, std::move(id));
  }

  std::optional<typename Store::Layer> find_held(Digest const& diff_id) const {
    std::unique_lock lock(held_->mutex);
    auto const known = held_->ids.find(diff_id);
    if (known == held_->ids.end()) return std::nullopt;
    auto const ref = Ref::exactly(known->second);
    lock.unlock();
    auto layer = store_.layers().find(ref);
    if (layer && layer->record().diff_digest != diff_id.str()) layer.reset();
    return layer;
  }

  typename Store::Image find(std::string_view reference) const {
    auto const images = store_.images();
    std::error_code no_digest;
    if (auto const digest = Digest::parse(reference, no_digest)) {
      if (auto found = images.by_digest(*digest); !found.empty()) return std::move(found.front());
      throw Error(Errc::image_unknown, "manifest " + digest->str());
    }
    if (!reference.empty()) return images.get(Ref(std::string(reference)));
    auto all = images.list();
    if (all.size() == 1) return std::move(all.front());
    throw Error(Errc::image_unknown, "a store of " + std::to_string(all.size()) + " images, none named");
  }

  Store store_;
  std::shared_ptr<Held> held_ = std::make_shared<Held>();
};

}  // namespace strata::oci
