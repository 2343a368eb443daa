#pragma once

#include <strata/concepts/traits.hpp>
#include <strata/error.hpp>
#include <strata/id.hpp>
#include <strata/problem.hpp>
#include <strata/records/record.hpp>
#include <strata/timestamp.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace strata {

/// Record of a layer, with keys and meanings as in `layers.json` of containers/storage. Digests and ids are
/// texts, so that what another program wrote is preserved.
struct LayerRecord {
  std::string id;
  std::vector<std::string> names;
  std::string parent;  ///< id of the layer whose changes this one stores; empty for a base layer
  std::string metadata;
  std::string mount_label;
  Timestamp created;
  std::string compressed_diff_digest;  ///< of the blob as supplied
  std::int64_t compressed_size = 0;    ///< bytes of that blob
  std::string diff_digest;             ///< of the plain tar ("DiffID")
  std::string toc_digest;              ///< of the table of contents, for a partially pulled layer
  std::int64_t diff_size = 0;          ///< bytes of the plain tar; -1: unknown
  std::int64_t compression = 0;        ///< as numbered by `Compression`
  std::vector<std::uint32_t> uidset;   ///< owners in the tar, ascending
  std::vector<std::uint32_t> gidset;
  Flags flags;  ///< `incomplete`: being created or removed
  std::vector<IdRange> uidmap;
  std::vector<IdRange> gidmap;
  std::vector<std::string> big_data_names;
  Extra extra;
  RecordPlace place = RecordPlace::main;  ///< where it is stored; not a field

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit("id", self.id, Presence::always);
    visit("names", self.names, Presence::when_set);
    visit("parent", self.parent, Presence::when_set);
    visit("metadata", self.metadata, Presence::when_set);
    visit("mountlabel", self.mount_label, Presence::when_set);
    visit("created", self.created, Presence::always);
    visit("compressed-diff-digest", self.compressed_diff_digest, Presence::when_set);
    visit("compressed-size", self.compressed_size, Presence::when_set);
    visit("diff-digest", self.diff_digest, Presence::when_set);
    visit("toc-digest", self.toc_digest, Presence::when_set);
    visit("diff-size", self.diff_size, Presence::when_set);
    visit("compression", self.compression, Presence::when_set);
    visit("uidset", self.uidset, Presence::when_set);
    visit("gidset", self.gidset, Presence::when_set);
    visit("flags", self.flags, Presence::when_set);
    visit("uidmap", self.uidmap, Presence::when_set);
    visit("gidmap", self.gidmap, Presence::when_set);
    visit("big-data-names", self.big_data_names, Presence::when_set);
  }
};

/// Traits of layers.
template <LayerDriver D, SerializerFor<LayerRecord> S>
struct LayerTraits : TraitDefaults {
  using Driver = D;
  using Serializer = S;
  using Record = LayerRecord;
  using Id = LayerId;
  static constexpr std::string_view kind = "layer";
  static constexpr std::string_view stem = "layers";
  static constexpr Errc unknown = Errc::layer_unknown;
  static constexpr Errc repeated_names = Errc::duplicate_layer_names;
  static constexpr std::size_t id_digits = default_id_digits<S>;
  static constexpr Subject subject = Subject::layer;
  static constexpr bool locked_first = true;
  static constexpr bool has_parent = true;
  static constexpr bool found_in_read_only_stores = true;
  static constexpr bool records_in_image_store = true;
  static constexpr bool may_be_volatile = true;
  static constexpr std::string_view fixed_flag = "incomplete";

  static void refers_to(Record const& record, auto&& visit) {
    if (!record.parent.empty()) visit(record.parent);
  }
  static std::string const& layer_of(Record const& record) { return record.id; }
};

}  // namespace strata
