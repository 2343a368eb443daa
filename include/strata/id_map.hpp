#pragma once

#include <cstdint>
#include <vector>

namespace strata {

namespace idmap {

/// Upper limit of ids (exclusive): the kernel reserves 2^32 - 1 for "no change" (chown(2)).
inline constexpr std::int64_t id_limit = 0xffff'ffff;

}  // namespace idmap

/// One range of a uid or gid map: `size` ids starting at `container_id` map to those starting at `host_id`.
struct IdRange {
  std::int64_t container_id = 0;
  std::int64_t host_id = 0;
  std::int64_t size = 0;
  bool operator==(IdRange const&) const = default;

  /// Field list for serializers; see records/record.hpp.
  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit);
};

using IdMap = std::vector<IdRange>;

/// The id maps of a layer or container. Empty: container ids are host ids.
struct IdMaps {
  IdMap uids = {};
  IdMap gids = {};

  bool empty() const noexcept { return uids.empty() && gids.empty(); }
  bool operator==(IdMaps const&) const = default;
};

}  // namespace strata
