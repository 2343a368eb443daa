#pragma once

#include <strata/concepts/bytes.hpp>
#include <strata/separate.hpp>

#include <cstddef>
#include <optional>
#include <string_view>

namespace strata::archive {

/// Number of characters of `size` bytes in base64 (RFC 4648 section 4), including padding.
constexpr std::size_t base64_size(std::size_t size) noexcept { return (size + 2) / 3 * 4; }

/// Encodes `bytes` into `out`, which has room for `base64_size(bytes.size())` characters; returns the end.
/// When a text is encoded in pieces, all but the last must be multiples of 3 bytes.
char* base64_encode(Bytes bytes, char* out) noexcept;

/// Decodes `text` into `out`, which has room for 3 bytes per 4 characters; returns the number of bytes, or
/// empty if the text is not padded base64. When a text is decoded in pieces, all but the last must be
/// multiples of 4 characters without padding.
std::optional<std::size_t> base64_decode(std::string_view text, std::byte* out) noexcept;

}  // namespace strata::archive

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/archive/base64.ipp>
#endif
