#pragma once

#include <strata/serializers/json_fields.hpp>
#include <strata/serializers/json_reader.hpp>

namespace strata::serializers::json::detail {

STRATA_INLINE void write_key(std::string& out, char separator, std::string_view key) {
  char text[64];
  std::size_t const size = key.size() + 4;
  if (size > sizeof text) {
    out += separator;
    out.append(1, '"').append(key).append("\":");
    return;
  }
  text[0] = separator;
  text[1] = '"';
  std::memcpy(text + 2, key.data(), key.size());
  text[size - 2] = '"';
  text[size - 1] = ':';
  out.append(text, size);
}

}  // namespace strata::serializers::json::detail

namespace strata::serializers::json {

STRATA_INLINE void write_value(std::string& out, std::string const& value, BadUtf8 bad) {
  write_string(out, value, bad);
}

STRATA_INLINE void write_value(std::string& out, Timestamp const& value, BadUtf8) {
  out += '"';
  value.append_to(out);
  out += '"';
}

STRATA_INLINE void write_value(std::string& out, RawJson const& value, BadUtf8 bad) {
  out += read_raw(value.text, bad);
}

}  // namespace strata::serializers::json
