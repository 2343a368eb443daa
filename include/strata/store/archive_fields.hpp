#pragma once

#include <strata/records/layer.hpp>
#include <strata/separate.hpp>

#include <tuple>

namespace strata {

/// The fields of a layer's record that describe the imported archive, as references.
template <class Record>
auto archive_fields(Record& record) {
  return std::tie(record.compressed_diff_digest, record.compressed_size, record.diff_digest,
                  record.toc_digest, record.diff_size, record.compression, record.uidset, record.gidset);
}

void copy_archive_fields(LayerRecord const& from, LayerRecord& to);
bool has_archive_fields_of(LayerRecord const& one, LayerRecord const& other);

}  // namespace strata

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/store/archive_fields.ipp>
#endif
