#pragma once

#include <strata/concepts/traits.hpp>
#include <strata/error.hpp>
#include <strata/id.hpp>
#include <strata/problem.hpp>
#include <strata/records/record.hpp>
#include <strata/timestamp.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace strata {

/// Record of a container, with keys and meanings as in `containers.json` of containers/storage.
struct ContainerRecord {
  std::string id;
  std::vector<std::string> names;
  std::string image;  ///< empty: not made from an image
  std::string layer;  ///< its own read-write layer
  std::string metadata;
  std::vector<std::string> big_data_names;
  std::map<std::string, std::int64_t> big_data_sizes;
  std::map<std::string, std::string> big_data_digests;
  Timestamp created;
  std::vector<IdRange> uidmap;
  std::vector<IdRange> gidmap;
  Flags flags;  ///< `MountLabel` and `ProcessLabel`, always both; `Volatile`; `MountOpts`
  Extra extra;
  RecordPlace place = RecordPlace::main;  ///< where it is stored; not a field

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit("id", self.id, Presence::always);
    visit("names", self.names, Presence::when_set);
    visit("image", self.image, Presence::always);
    visit("layer", self.layer, Presence::always);
    visit("metadata", self.metadata, Presence::when_set);
    visit("big-data-names", self.big_data_names, Presence::when_set);
    visit("big-data-sizes", self.big_data_sizes, Presence::when_set);
    visit("big-data-digests", self.big_data_digests, Presence::when_set);
    visit("created", self.created, Presence::always);
    visit("uidmap", self.uidmap, Presence::when_set);
    visit("gidmap", self.gidmap, Presence::when_set);
    visit("flags", self.flags, Presence::when_set);
  }
};

/// Traits of containers.
template <LayerDriver D, SerializerFor<ContainerRecord> S>
struct ContainerTraits : TraitDefaults {
  using Driver = D;
  using Serializer = S;
  using Record = ContainerRecord;
  using Id = ContainerId;
  static constexpr std::string_view kind = "container";
  static constexpr std::string_view stem = "containers";
  static constexpr Errc unknown = Errc::container_unknown;
  static constexpr Errc repeated_names = Errc::duplicate_name;
  static constexpr std::size_t id_digits = default_id_digits<S>;
  static constexpr bool keeps_data_sizes = true;
  static constexpr Subject subject = Subject::container;
  static constexpr bool may_be_volatile = true;
  static constexpr bool lock_follows_volatile = true;
  static constexpr std::string_view fixed_flag = "Volatile";

  static void refers_to(Record const& record, auto&& visit) {
    if (!record.image.empty()) visit(record.image);
    visit(record.layer);
  }
  static std::string_view also_known_as(Record const& record) { return record.layer; }
  static std::string const& layer_of(Record const& record) { return record.layer; }
};

}  // namespace strata
