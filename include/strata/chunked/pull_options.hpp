#pragma once

#include <strata/chunked/chunked_stream.hpp>
#include <strata/progress.hpp>
#include <strata/store/options.hpp>

#include <cstddef>
#include <cstdint>
#include <stop_token>
#include <string>

namespace strata {

/// Options of `pull_chunked`.
struct PullOptions {
  /// Annotations of the layer's descriptor in the image manifest. The digest of the table of contents is
  /// required: everything else is verified against it. Without positions the stream's footer is read.
  archive::Annotations annotations = {};
  /// Expected digest of the tar ("diff ID" in the image configuration); else `Errc::digest_mismatch`.
  std::string diff_digest = {};
  /// Hard-link files that the store has with the same owner, mode and attributes; they then share one mtime
  /// (`use_hard_links` of pull_options).
  bool use_hard_links = false;
  /// Accept streams without a tar-split, as containers/storage made them before 1.51. The layer's tar is then
  /// unknown: it is made from the files on demand, and no digest of it is recorded
  /// (`insecure_allow_unpredictable_image_contents` of pull_options).
  bool without_tar_split = false;
  std::uint64_t merge_gap = 1024;        ///< read and drop gaps up to this size between two ranges
  std::size_t ranges_in_request = 1024;  ///< at most
  std::uint64_t table_bytes = std::uint64_t{150} << 20;  ///< limit for table of contents and tar-split, each
  ImportLimits limits = {};
  ProgressSink progress = {};
  std::stop_token stop = {};
};

/// How much of a layer was fetched and how much was reused.
struct PullReport {
  std::uint64_t files = 0;          ///< non-empty regular files
  std::uint64_t bytes = 0;          ///< total size of these
  std::uint64_t reused_files = 0;   ///< files found complete in the store
  std::uint64_t reused_bytes = 0;   ///< bytes found in the store, in files and chunks
  std::uint64_t fetched_bytes = 0;  ///< read from the stream, including tables
  std::uint64_t requested_ranges = 0;
};

}  // namespace strata
