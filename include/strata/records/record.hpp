#pragma once

#include <strata/idmap/range.hpp>
#include <strata/separate.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace strata {

/// One JSON value as text, which records store without parsing it.
struct RawJson {
  std::string text;
  bool operator==(RawJson const&) const = default;
};

/// Free-form flags of a record: key to any JSON value ("true", "\"text\"", "[1,2]"). Sorted by bytes.
using Flags = std::map<std::string, RawJson>;
/// Keys of a record that this version does not know, in the order in which they were read; written after the
/// known ones.
using Extra = std::vector<std::pair<std::string, RawJson>>;

/// True if the flag is the JSON value `true`.
bool is_set(Flags const& flags, std::string const& key);

/// The file, of those of its kind, that a record was read from and is written to; not part of the record.
enum class RecordPlace {
  main,           ///< `<stem>.<extension>` in the graph root
  image_store,    ///< the same in a separate image store
  volatile_file,  ///< `volatile-<stem>.<extension>`: need not survive a power loss
};

/// Says if a field is written when it is empty, zero or false.
enum class Presence { when_set, always };

/// A record lists its fields once: `Record::fields(record, visit)` calls `visit(key, member, presence)` for
/// each, in the order in which they are written; all serializers use that list. Member types are
/// `std::string`, `std::int64_t`, `Timestamp`, `Flags`, `std::vector` of `std::string`, `std::uint32_t` or
/// `IdRange`, and `std::map<std::string, std::int64_t>` or `<std::string, std::string>`. A record also has
/// `extra` (unknown keys) and may have `place`.
template <class Self, class Visitor>
void IdRange::fields(Self& self, Visitor&& visit) {
  visit("container_id", self.container_id, Presence::always);
  visit("host_id", self.host_id, Presence::always);
  visit("size", self.size, Presence::always);
}

/// Entry of `mountpoints.json` for one mounted layer (containers/storage 1.43 and later).
struct MountRecord {
  std::string id;          ///< the layer
  std::string path;        ///< absolute mount point
  std::int64_t count = 0;  ///< number of mounts that have not been released
  Extra extra;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit("id", self.id, Presence::always);
    visit("path", self.path, Presence::always);
    visit("count", self.count, Presence::always);
  }
};

}  // namespace strata

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/records/record.ipp>
#endif
