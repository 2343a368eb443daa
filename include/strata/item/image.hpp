#pragma once

#include <strata/error.hpp>
#include <strata/id.hpp>
#include <strata/item/record.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace strata {

/// What a store keeps of an image; keys and meaning as in `images.json` of containers/storage.
struct ImageRecord {
  std::string id;
  std::string digest;  ///< one digest to find it by
  std::vector<std::string> names;
  std::vector<std::string> names_history;  ///< newest first, without repeats; filled by changes of names, not by creation
  std::string top_layer;
  std::vector<std::string> mapped_top_layers;  ///< copies of the top layer with other owners
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

}  // namespace strata
