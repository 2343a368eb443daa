#pragma once

#include <strata/records/layer.hpp>

#include <tuple>

namespace strata {

/// The fields of a layer's record that describe the imported archive, as references.
template <class Record>
auto archive_fields(Record& record) {
  return std::tie(record.compressed_diff_digest, record.compressed_size, record.diff_digest,
                  record.toc_digest, record.diff_size, record.compression, record.uidset, record.gidset);
}

inline void copy_archive_fields(LayerRecord const& from, LayerRecord& to) {
  archive_fields(to) = archive_fields(from);
}
inline bool has_archive_fields_of(LayerRecord const& one, LayerRecord const& other) {
  return archive_fields(one) == archive_fields(other);
}

}  // namespace strata
