#pragma once

#include <strata/problem.hpp>
#include <strata/records/image.hpp>

namespace strata {

STRATA_INLINE std::vector<std::string> image_layers(ImageRecord const& record) {
  std::vector<std::string> out = record.mapped_top_layers;
  if (!record.top_layer.empty()) out.insert(out.begin(), record.top_layer);
  return out;
}

STRATA_INLINE std::vector<std::string> image_digests(ImageRecord const& record) {
  std::vector<std::string> out;
  if (!record.digest.empty()) out.push_back(record.digest);
  for (auto const& [key, digest] : record.big_data_digests)
    if (key.starts_with("manifest") && !names::contains(out, digest)) out.push_back(digest);
  return out;
}

}  // namespace strata
