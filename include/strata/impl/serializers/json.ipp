#pragma once

#include <strata/serializers/json.hpp>

namespace strata::serializers {

STRATA_INLINE std::string_view Json::id_in(std::string_view text) noexcept {
  constexpr std::string_view key = "{\"id\":\"";
  if (!text.starts_with(key)) return {};
  auto const id = text.substr(key.size(), text.find('"', key.size()) - key.size());
  return id.find('\\') == id.npos ? id : std::string_view();
}

STRATA_INLINE std::vector<std::string> Json::layer_digests(std::string_view configuration) {
  try {
    auto found = json::read_record<json::ImageConfiguration>(configuration, json::BadUtf8::replace);
    return found ? std::move(found->rootfs.diff_ids) : std::vector<std::string>();
  } catch (Error const&) {
    return {};
  }
}

}  // namespace strata::serializers
