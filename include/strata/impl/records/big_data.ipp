#pragma once

#include <strata/archive/base64.hpp>
#include <strata/records/big_data.hpp>

#include <cstddef>

namespace strata {

STRATA_INLINE std::string big_data_file_name(std::string_view key) {
  auto const plain = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '.'; };
  std::size_t at = 0;
  while (at < key.size() && plain(key[at])) ++at;
  if (at < key.size()) {  // skip the last character, a whole UTF-8 sequence if valid
    auto const lead = static_cast<unsigned char>(key[at]);
    std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc2 ? 2 : 1;
    for (std::size_t i = 1; i < length; ++i)
      if (at + i >= key.size() || (static_cast<unsigned char>(key[at + i]) & 0xc0) != 0x80) length = 1;
    at += length;
  }
  std::string name;
  if (at == key.size()) {
    name = key;
  } else {
    name.resize(1 + archive::base64_size(key.size()), '=');
    archive::base64_encode(as_bytes(key), name.data() + 1);
  }
  while (name.ends_with('/')) name.pop_back();
  if (name.empty() || name == "." || name == ".." || name.find('\0') != std::string::npos ||
      name.starts_with('/') || name.size() > 1024)
    throw Error(Errc::invalid_name, "\"" + std::string(key) + "\"");
  return name;
}

STRATA_INLINE std::optional<std::string> big_data_key(std::string const& file_name) {
  std::string key = file_name;
  if (file_name.starts_with('=')) {
    std::string bytes(file_name.size() + 3, '\0');
    auto const size = archive::base64_decode(std::string_view(file_name).substr(1),
                                             reinterpret_cast<std::byte*>(bytes.data()));
    if (!size) return std::nullopt;
    key = bytes.substr(0, *size);
  }
  try {
    return big_data_file_name(key) == file_name ? std::optional(std::move(key)) : std::nullopt;
  } catch (Error const&) {
    return std::nullopt;
  }
}

}  // namespace strata
