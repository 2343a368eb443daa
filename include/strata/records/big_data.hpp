#pragma once

#include <strata/concepts/bytes.hpp>
#include <strata/concepts/serializer.hpp>
#include <strata/digest.hpp>
#include <strata/errc.hpp>
#include <strata/error.hpp>
#include <strata/records/names.hpp>
#include <strata/separate.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace strata {

/// Name of the file that holds the big data `key`, as in containers/storage: the key itself if all its
/// characters, except possibly the last, are digits, lower-case letters or dots; otherwise "=" and its
/// base64. Base64 may contain "/", in which case the name includes a directory.
/// @throws `Errc::invalid_name` if the key cannot be a file name
std::string big_data_file_name(std::string_view key);

/// The key that a big data file stands for; none if the name is not of that form, or includes a directory.
std::optional<std::string> big_data_key(std::string const& file_name);

/// @throws `Errc::invalid_name` if the key cannot be a file name, or if the serializer would not preserve it
template <class Serializer>
void check_key(std::string_view key, std::string const& subject) {
  if (key.empty() || !keeps<Serializer>(key)) throw Error(Errc::invalid_name, subject);
}

/// Enters a blob in a record: its key, and size and digest if the kind keeps them.
template <class Traits>
void record_big_data(typename Traits::Record& record, std::string const& key, std::int64_t size,
                     std::string digest) {
  if (!names::contains(record.big_data_names, key)) record.big_data_names.push_back(key);
  if constexpr (Traits::keeps_data_sizes) {
    record.big_data_sizes[key] = size;
    record.big_data_digests[key] = std::move(digest);
  }
}

/// The same for a blob whose bytes are at hand; the digest is their SHA-256.
template <class Traits>
void record_big_data(typename Traits::Record& record, std::string const& key, std::string_view bytes) {
  record_big_data<Traits>(record, key, static_cast<std::int64_t>(bytes.size()),
                          Traits::keeps_data_sizes ? Digest::of(as_bytes(bytes)).str() : std::string());
}

/// Takes a blob out of a record. @return false if the record does not have it
template <class Traits>
bool forget_big_data(typename Traits::Record& record, std::string const& key) {
  if (std::erase(record.big_data_names, key) == 0) return false;
  if constexpr (Traits::keeps_data_sizes) {
    record.big_data_sizes.erase(key);
    record.big_data_digests.erase(key);
  }
  return true;
}

}  // namespace strata

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/records/big_data.ipp>
#endif
