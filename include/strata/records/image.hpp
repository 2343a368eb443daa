#pragma once

#include <strata/concepts/traits.hpp>
#include <strata/error.hpp>
#include <strata/id.hpp>
#include <strata/records/names.hpp>
#include <strata/records/record.hpp>
#include <strata/separate.hpp>
#include <strata/timestamp.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace strata {

/// Record of an image, with keys and meanings as in `images.json` of containers/storage.
struct ImageRecord {
  std::string id;
  std::string digest;  ///< a digest by which it can be found
  std::vector<std::string> names;
  std::vector<std::string>
      names_history;  ///< newest first, without repeats; added to when names change, not at creation
  std::string top_layer;
  std::vector<std::string> mapped_top_layers;  ///< id-mapped copies of the top layer
  std::string metadata;
  std::vector<std::string> big_data_names;  ///< in the order in which they were first set
  std::map<std::string, std::int64_t> big_data_sizes;
  std::map<std::string, std::string> big_data_digests;
  Timestamp created;
  Flags flags;
  Extra extra;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit("id", self.id, Presence::always);
    visit("digest", self.digest, Presence::when_set);
    visit("names", self.names, Presence::when_set);
    visit("names-history", self.names_history, Presence::when_set);
    visit("layer", self.top_layer, Presence::when_set);
    visit("mapped-layers", self.mapped_top_layers, Presence::when_set);
    visit("metadata", self.metadata, Presence::when_set);
    visit("big-data-names", self.big_data_names, Presence::when_set);
    visit("big-data-sizes", self.big_data_sizes, Presence::when_set);
    visit("big-data-digests", self.big_data_digests, Presence::when_set);
    visit("created", self.created, Presence::always);
    visit("flags", self.flags, Presence::when_set);
  }
};

/// Layers that an image uses directly: its top layer, then the id-mapped copies.
std::vector<std::string> image_layers(ImageRecord const& record);

/// Digests by which an image is found: its own, then those of its big data whose key begins with "manifest",
/// without repeats.
std::vector<std::string> image_digests(ImageRecord const& record);

/// Traits of images.
template <LayerDriver D, SerializerFor<ImageRecord> S>
struct ImageTraits : TraitDefaults {
  using Driver = D;
  using Serializer = S;
  using Record = ImageRecord;
  using Id = ImageId;
  static constexpr std::string_view kind = "image";
  static constexpr std::string_view stem = "images";
  static constexpr Errc unknown = Errc::image_unknown;
  static constexpr Errc repeated_names = Errc::duplicate_image_names;
  static constexpr std::size_t id_digits = default_id_digits<S>;
  static constexpr bool keeps_data_sizes = true;
  static constexpr Subject subject = Subject::image;
  static constexpr bool mounts_read_only = true;
  static constexpr bool found_in_read_only_stores = true;
  static constexpr bool data_in_image_store = true;

  static void refers_to(Record const& record, auto&& visit) {
    for (auto const& layer : image_layers(record)) visit(layer);
    for (auto const& digest : image_digests(record)) visit(digest);
  }
  static std::string const& layer_of(Record const& record) { return record.top_layer; }
  static void named(Record& record) {
    record.names_history = names::history(std::move(record.names_history), record.names);
  }
  static void data_changed(Record& record) {
    if (auto const digests = image_digests(record); record.digest.empty() && !digests.empty())
      record.digest = digests.front();
  }
};

}  // namespace strata

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/records/image.ipp>
#endif
