#pragma once

#include <cstdint>
#include <vector>

namespace strata {

namespace idmap {

/// Ids are below this; the last 32-bit number means "none" to the kernel (chown(2)).
inline constexpr std::int64_t id_limit = 0xffff'ffff;

}  // namespace idmap

/// One range of a uid or gid map: `size` ids from `container_id` on stand for those from `host_id` on.
struct IdRange {
  std::int64_t container_id = 0;
  std::int64_t host_id = 0;
  std::int64_t size = 0;
  bool operator==(IdRange const&) const = default;

  /// As a field of a record; see records/record.hpp.
  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit);
};

using IdMap = std::vector<IdRange>;

/// Which ids of the host stand for those in a layer or container. An empty list: the host's own.
struct IdMaps {
  IdMap uids = {};
  IdMap gids = {};

  bool empty() const noexcept { return uids.empty() && gids.empty(); }
  bool operator==(IdMaps const&) const = default;
};

}  // namespace strata
