#pragma once

#include <strata/chunked/chunked_stream.hpp>
#include <strata/chunked/chunked_toc.hpp>
#include <strata/chunked/local_content.hpp>
#include <strata/chunked/pull_options.hpp>
#include <strata/chunked/pulled_file.hpp>
#include <strata/concepts/ranges.hpp>
#include <strata/progress.hpp>
#include <strata/separate.hpp>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace strata::detail {

/// Where each file and chunk of a partially pulled layer comes from: the store or the stream.
class PullPlan {
 public:
  /// Reads the table of contents, and verifies the tar-split if it names one.
  /// @param stream_size  bytes of the whole stream
  /// @param options      must outlive the plan
  /// @throws `Errc::corrupt_archive`: a path twice, contents behind the archive, no position of the tar-split, as
  ///   `archive::read_chunked_toc`; `Errc::over_budget`; a malformed digest; `Errc::digest_mismatch` of the
  ///   tar-split; `Errc::unsupported`: no tar-split, unless the options accept that; `Errc::stopped`
  PullPlan(archive::ChunkedTables const& tables, std::uint64_t stream_size, PullOptions const& options);
  PullPlan(PullPlan const&) = delete;  // files point into what was found in the store
  PullPlan& operator=(PullPlan const&) = delete;

  /// Decides for each file and chunk whether to reuse or fetch it; verifies the digests of what is reused. Call once.
  template <class Core>
  void choose(Core& core) {
    want();
    local_.search(core, control_);
    match();
  }

  /// In the order of the table of contents.
  std::vector<FilePlan> const& files() const noexcept { return files_; }
  /// Ranges of the stream to fetch, ascending.
  std::vector<ByteRange> wanted() const;
  /// False if the stream has no tar-split, and headers are those of the table of contents.
  bool has_tar_split() const noexcept { return !tar_split_digest_.empty(); }
  /// True if a hard link of the archive leads to the entry of that name.
  bool is_linked(std::string_view name) const;
  /// Files and bytes, all and reused; nothing of what is fetched.
  PullReport const& report() const noexcept { return report_; }

 private:
  void add(archive::ChunkedEntry&& entry, std::uint64_t tables_at);
  void check_tar_split(archive::ChunkedTables const& tables) const;
  void want();
  void match();
  void match(FilePlan& file);
  LocalPlace const* find(std::span<LocalPlace const> places, std::uint64_t size,
                         std::string const& digest) const;

  PullOptions const& options_;
  Control control_;
  std::vector<FilePlan> files_ = {};
  std::unordered_set<std::string> linked_ = {};  ///< targets of hard links in the archive
  std::string tar_split_digest_ = {};
  LocalContent local_ = {};
  PullReport report_ = {};
};

}  // namespace strata::detail

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/chunked/pull_plan.ipp>
#endif
