#pragma once

#include <strata/digest.hpp>

namespace strata {

STRATA_INLINE Digest Digest::parse(std::string_view text) {
  if (auto const error = check(text)) throw Error(error, "\"" + std::string(text) + "\"");
  return Digest(std::string(text));
}

STRATA_INLINE std::optional<Digest> Digest::parse(std::string_view text, std::error_code& error) {
  error = check(text);
  if (error) return std::nullopt;
  return Digest(std::string(text));
}

STRATA_INLINE std::error_code Digest::check(std::string_view text) noexcept {
  auto const colon = text.find(':');
  if (colon == std::string_view::npos || colon == 0 || colon + 1 == text.size())
    return Errc::digest_invalid_format;
  auto const algorithm = text.substr(0, colon);
  auto const hex = text.substr(colon + 1);
  auto const word = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  if (!std::ranges::all_of(algorithm,
                           [&](char c) { return word(c) || c == '+' || c == '.' || c == '_' || c == '-'; }) ||
      !std::ranges::all_of(
          hex, [&](char c) { return word(c) || (c >= 'A' && c <= 'Z') || c == '=' || c == '_' || c == '-'; }))
    return Errc::digest_invalid_format;
  std::size_t const digits = algorithm == "sha256"   ? 64
                             : algorithm == "sha384" ? 96
                             : algorithm == "sha512" ? 128
                                                     : 0;
  if (digits == 0) return Errc::digest_unsupported;
  if (hex.size() != digits) return Errc::digest_invalid_length;
  if (!std::ranges::all_of(hex, [](char c) { return (c >= 'a' && c <= 'f') || (c >= '0' && c <= '9'); }))
    return Errc::digest_invalid_format;
  return {};
}

STRATA_INLINE Digest Hasher::finish() {
  unsigned char raw[SHA256_DIGEST_LENGTH];
  sha256_.finish(raw);
  static constexpr char hex[] = "0123456789abcdef";
  std::string text = "sha256:";
  for (auto const byte : raw) {
    text += hex[byte >> 4];
    text += hex[byte & 15];
  }
  return Digest(std::move(text));
}

STRATA_INLINE Digest Digest::of(std::span<std::byte const> bytes) {
  Hasher hasher;
  hasher.update(bytes);
  return hasher.finish();
}

}  // namespace strata
