#pragma once

#include <strata/archive/whiteout.hpp>
#include <strata/maintenance/layer_content.hpp>
#include <strata/records/names.hpp>
#include <strata/store/chunked_keys.hpp>
#include <strata/store/import.hpp>

namespace strata {

STRATA_INLINE void SummingWriter::write(Bytes bytes) {
  hasher_.update(bytes);
  size_ += static_cast<std::int64_t>(bytes.size());
}

STRATA_INLINE std::vector<archive::TarHeader> kept_headers(fs::path const& tar_split) {
  auto file = stored_source(tar_split);
  archive::ZeroFilledTar hollow(file);
  archive::TarReader tar(hollow, archive::no_budgets, &hollow);
  std::vector<archive::TarHeader> headers;
  for (archive::TarHeader header; tar.next(header);) headers.push_back(header);
  return headers;
}

}  // namespace strata

namespace strata::detail {

STRATA_INLINE Problem content_finding(LayerRecord const& layer, ProblemKind kind, std::string const& text,
                                      RepairAction action) {
  return {.severity = Severity::error,
          .subject = Subject::layer,
          .id = layer.id,
          .kind = kind,
          .text = "layer " + layer.id + ": " + text,
          .about = {},
          .action = action,
          .read_only = false,
          .inherited = false};
}

STRATA_INLINE void ComparingWriter::write(Bytes bytes) {
  while (same_ && !bytes.empty()) {
    if (wanted_.empty()) wanted_ = from_.next();
    auto const n = std::min(wanted_.size(), bytes.size());
    same_ = n != 0 && std::memcmp(wanted_.data(), bytes.data(), n) == 0;
    wanted_ = wanted_.subspan(n);
    bytes = bytes.subspan(n);
  }
}

}  // namespace strata::detail

namespace strata {

STRATA_INLINE bool has_whole_archive(LayerRecord const& layer) {
  return !layer.diff_digest.empty() && layer.toc_digest.empty() &&
         !names::contains(layer.big_data_names, std::string(chunked_manifest_key));
}

STRATA_INLINE void record_plain_archive(LayerRecord& record, TarSum const& sum,
                                        std::vector<archive::TarHeader> const& headers) {
  detail::OwnerSet uids;
  detail::OwnerSet gids;
  for (auto const& header : headers)
    if (!archive::is_whiteout(detail::base_name(header.name))) {
      uids.add(header.uid);
      gids.add(header.gid);
    }
  record.diff_digest = sum.digest.str();
  record.diff_size = sum.size;
  record.compressed_diff_digest = record.diff_digest;
  record.compressed_size = sum.size;
  record.compression = 0;
  record.uidset = uids.take();
  record.gidset = gids.take();
}

}  // namespace strata
