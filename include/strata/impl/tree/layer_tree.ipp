#pragma once

#include <strata/tree/layer_tree.hpp>

#include <functional>

namespace strata::detail {

STRATA_INLINE LayerEntry entry_of(archive::TarHeader&& header, std::string_view path) {
  bool const is_link = header.type == archive::EntryType::symlink;
  return {.path = '/' + std::string(path),
          .type = header.type,
          .mode = header.mode,
          .uid = header.uid,
          .gid = header.gid,
          .size = header.type == archive::EntryType::regular ? header.size : 0,
          .mtime = header.mtime,
          .target = is_link ? std::move(header.link_name) : std::string(),
          .dev_major = header.dev_major,
          .dev_minor = header.dev_minor};
}

}  // namespace strata::detail
