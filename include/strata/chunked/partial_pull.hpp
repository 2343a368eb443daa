#pragma once

#include <strata/archive/tar_reader.hpp>
#include <strata/archive/tar_split.hpp>
#include <strata/archive/whiteout.hpp>
#include <strata/archive/zero_filled_tar.hpp>
#include <strata/bodies.hpp>
#include <strata/chunked/add_table.hpp>
#include <strata/chunked/chunked_stream.hpp>
#include <strata/chunked/chunked_toc.hpp>
#include <strata/chunked/local_content.hpp>
#include <strata/chunked/pulled_file.hpp>
#include <strata/chunked/range_fetcher.hpp>
#include <strata/codec/gzip.hpp>
#include <strata/codec/zstd.hpp>
#include <strata/concepts/bytes.hpp>
#include <strata/concepts/ranges.hpp>
#include <strata/digest.hpp>
#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/maintenance/layer_content.hpp>
#include <strata/separate.hpp>
#include <strata/store/import.hpp>
#include <strata/store/options.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/file.hpp>
#include <strata/sys/stream.hpp>
#include <strata/tree/tree_path.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <fcntl.h>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unistd.h>
#include <unordered_set>
#include <utility>
#include <vector>

/// Partial pulls: only those parts of a layer are fetched that the store lacks, as containers/storage pulls
/// zstd:chunked streams (PrepareStagedLayer, ApplyDiffWithDiffer).
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

namespace detail {

/// Reassembles the tar from the tar-split's headers and the files' contents, to hash it and write a new
/// tar-split.
class RebuiltArchive final : public archive::TarObserver, public ContentObserver {
 public:
  RebuiltArchive(archive::TarSplitWriter& split, archive::ZeroFilledTar& recorded)
      : split_(&split), recorded_(&recorded) {}
  void raw(Bytes bytes) override;
  void entry(archive::TarHeader const& header) override;
  void payload(Bytes) override {}  // zeros in place of contents
  void global_header(std::string_view name) override { split_->global_header(name); }
  void end_marker() override { split_->end_marker(); }
  void contents(Bytes bytes) override;
  TarSum finish();

 private:
  archive::TarSplitWriter* split_;
  archive::ZeroFilledTar* recorded_;
  SummingWriter sum_ = {};
};

/// State of one pull.
template <class Core, class Staged>
class Pull {
 public:
  Pull(Core& core, Staged& staged, Ranges& stream, PullOptions const& options)
      : core_(core), staged_(staged), stream_(stream), options_(options), control_{{}, options.stop} {}

  /// @return  the table of contents
  std::string run(fs::path const& tar_split, LayerRecord& record, PullReport& report) {
    auto const digest = archive::find_annotation(options_.annotations, archive::toc_digest_annotation);
    if (!digest) throw Error(Errc::unsupported, "a partial pull without the digest of a table of contents");
    auto const toc_digest = Digest::parse(*digest);
    auto const places = archive::find_chunked_places(stream_, options_.annotations);
    auto tables = archive::read_chunked_tables(stream_, places, toc_digest, options_.table_bytes);
    read_toc(tables);
    if (tar_split_digest_.empty() && !options_.without_tar_split)
      throw Error(Errc::unsupported, "a partial pull of a stream without a tar-split");
    plan();
    RangeFetcher fetcher(stream_, wanted(),
                         {.gap = options_.merge_gap, .in_request = options_.ranges_in_request});
    fetcher_ = &fetcher;
    report_.fetched_bytes = tables.places.toc.size + tables.tar_split.size();
    for (auto const& range : fetcher.asked()) report_.fetched_bytes += range.size;
    report_.requested_ranges = fetcher.asked().size();
    if (tar_split_digest_.empty())
      add_by_toc(record);
    else
      add_by_tar_split(std::move(tables.tar_split), places.tar_split->plain_size, tar_split, record);
    staged_.finish();
    record.uidset = uids_.take();
    record.gidset = gids_.take();
    meter_.end(report_.bytes);
    report = report_;
    return std::move(tables.toc);
  }

 private:
  void read_toc(archive::ChunkedTables const& tables) {
    archive::ChunkedBudgets const budgets{.entries = options_.limits.entries,
                                          .path_bytes = options_.limits.path_bytes,
                                          .xattr_bytes = options_.limits.xattr_bytes,
                                          .plain_bytes = options_.limits.plain_bytes};
    auto const tables_at =
        std::min(tables.places.toc.offset,
                 tables.places.tar_split ? tables.places.tar_split->offset : tables.places.toc.offset);
    std::unordered_set<std::string> names;
    tar_split_digest_ = archive::read_chunked_toc(tables.toc, budgets, [&](archive::ChunkedEntry&& entry) {
      control_.check();
      if (!names.insert(archive::path_in_tree(entry.header.name)).second)
        throw Error(Errc::corrupt_archive,
                    "duplicates of file paths not supported: \"" + entry.header.name + '"');
      if (!entry.pieces.empty()) {
        Digest::parse(entry.digest);
        if (entry.pieces.back().end > tables_at)
          throw Error(Errc::corrupt_archive, "file \"" + entry.header.name + "\" ends behind the archive");
      }
      for (auto const& piece : entry.pieces)
        if (!piece.digest.empty()) Digest::parse(piece.digest);
      if (entry.header.type == archive::EntryType::hard_link)
        linked_.insert(archive::path_in_tree(entry.header.link_name));
      files_.push_back({.entry = std::move(entry)});
    });
    std::uint64_t plain = 0;
    for (auto const& file : files_) plain += static_cast<std::uint64_t>(file.entry.header.size);
    if (plain > std::uint64_t{1} << 30 && plain / options_.limits.ratio > stream_.size())
      throw Error(Errc::over_budget, "bytes of all files above " + std::to_string(options_.limits.ratio) +
                                         " times those of the stream");
    if (tar_split_digest_.empty()) return;
    if (tables.tar_split.empty()) throw Error(Errc::corrupt_archive, "the tar-split has no position");
    if (auto const found = Digest::of(as_bytes(tables.tar_split)); found != Digest::parse(tar_split_digest_))
      throw Error(Errc::digest_mismatch, "tar-split, wanted " + tar_split_digest_ + ", got " + found.str());
  }

  /// Decides for each file and chunk whether to reuse or fetch it; verifies the digests of what is reused.
  void plan() {
    for (auto const& file : files_) {
      if (file.entry.pieces.empty()) continue;
      local_.want_file(file.entry.digest);
      for (auto const& piece : file.entry.pieces)
        if (!piece.digest.empty() && !piece.zeros) local_.want_chunk(piece.digest);
    }
    local_.search(core_, control_);
    auto const find = [&](std::span<LocalPlace const> places, std::uint64_t size, std::string const& digest) {
      for (auto const& place : places)
        if (place.size == size)
          if (auto const found = digest_of_place(place, control_); found && found->str() == digest)
            return &place;
      return static_cast<LocalPlace const*>(nullptr);
    };
    for (auto& file : files_) {
      auto const& entry = file.entry;
      if (entry.pieces.empty()) continue;
      auto const size = static_cast<std::uint64_t>(entry.header.size);
      ++report_.files;
      report_.bytes += size;
      if (auto const* const place = find(local_.file(entry.digest), size, entry.digest)) {
        file.whole = place;
        ++report_.reused_files;
        report_.reused_bytes += size;
        continue;
      }
      for (auto const& piece : entry.pieces) {
        auto const* const place = piece.zeros || piece.digest.empty()
                                      ? nullptr
                                      : find(local_.chunk(piece.digest), piece.plain_size, piece.digest);
        if (place != nullptr) report_.reused_bytes += piece.plain_size;
        file.pieces.push_back({.piece = piece, .local = place});
      }
    }
  }

  std::vector<ByteRange> wanted() const {
    std::vector<ByteRange> ranges;
    for (auto const& file : files_)
      for (auto const& [piece, local] : file.pieces)
        if (local == nullptr && !piece.zeros) ranges.push_back({piece.offset, piece.end - piece.offset});
    return ranges;
  }

  /// Adds one entry with its contents, reused or fetched.
  void add(archive::TarHeader const& header, FilePlan const& file, ContentObserver* observer) {
    control_.check();
    if (!archive::is_whiteout(base_name(header.name))) {
      uids_.add(header.uid);
      gids_.add(header.gid);
    }
    if (file.whole != nullptr) {
      auto opened = open_place(*file.whole);
      if (!opened) throw Error(Errc::changed_meanwhile, "file " + file.whole->path + " of a layer");
      // Attributes are set again for the target of a hard link in the archive; if it were linked, this would
      // change the reused file.
      bool const may_link = options_.use_hard_links && !linked_.contains(archive::path_in_tree(header.name));
      WholeBody body(*std::move(opened), file.entry, observer, may_link);
      staged_.add(header, body);
    } else {
      PiecesBody body(file, *fetcher_, observer);
      if (file.pieces.empty()) {
        Source none = memory_source({});
        staged_.add(header, none);
      } else {
        staged_.add(header, body);
      }
    }
    done_ += static_cast<std::uint64_t>(header.size);
    meter_.entry([&] { return done_; });
  }

  void add_by_toc(LayerRecord& record) {
    for (auto const& file : files_) add(file.entry.header, file, nullptr);
    record.diff_size = -1;
  }

  /// Takes headers from the tar-split; those of the table of contents must be equal.
  void add_by_tar_split(std::string compressed, std::uint64_t plain_size, fs::path const& tar_split,
                        LayerRecord& record) {
    auto const received = tar_split.native() + "-received";
    {
      Source lines = codec::Zstd::decompress(memory_source(std::move(compressed)));
      auto const gzip = codec::Gzip::compress(file_sink(received), {.level = 1});
      std::uint64_t size = 0;
      for (auto bytes = lines.next(); !bytes.empty(); bytes = lines.next()) {
        if ((size += bytes.size()) > plain_size) break;
        gzip->write(bytes);
      }
      gzip->finish();
      if (size != plain_size) throw Error(Errc::corrupt_archive, "tar-split has another length than said");
    }
    Source lines = file_source(received);
    archive::ZeroFilledTar hollow(lines);
    sys::Fd const fd = sys::open_at(AT_FDCWD, tar_split, O_WRONLY | O_CREAT | O_EXCL, 0600);
    Sink kept = fd_sink(fd.get());
    archive::TarSplitWriter split(kept);
    RebuiltArchive rebuilt(split, hollow);
    archive::TarReader tar(hollow,
                           {.header_bytes = options_.limits.header_bytes,
                            .path_bytes = options_.limits.path_bytes,
                            .xattr_bytes = options_.limits.xattr_bytes,
                            .entries = options_.limits.entries},
                           &rebuilt);
    std::size_t at = 0;
    for (archive::TarHeader header; tar.next(header); ++at) {
      if (header.sparse)
        throw Error(Errc::unsupported, "sparse file \"" + header.name + "\" in a zstd:chunked stream");
      if (at == files_.size() || !same_entry(header, files_[at].entry.header))
        throw Error(Errc::corrupt_archive,
                    "table of contents and tar-split disagree, entry \"" + header.name + '"');
      add(header, files_[at], &rebuilt);
    }
    if (at != files_.size())
      throw Error(Errc::corrupt_archive, "table of contents has entries that the tar-split has not");
    auto const sum = rebuilt.finish();
    ::unlink(received.c_str());
    if (core_.flush() == Flush::full) sys::sync_file(fd.get(), tar_split);
    if (!options_.diff_digest.empty() && Digest::parse(options_.diff_digest) != sum.digest)
      throw Error(Errc::digest_mismatch,
                  "archive, wanted " + options_.diff_digest + ", got " + sum.digest.str());
    record.diff_digest = sum.digest.str();
    record.diff_size = sum.size;
  }

  static bool same_entry(archive::TarHeader const& a, archive::TarHeader const& b) {
    // Go writes its zero time for a missing one; in a tar header that is 1970.
    auto const time = [](archive::FileTime t) {
      return t.seconds == Timestamp().seconds ? archive::FileTime{} : t;
    };
    return a.type == b.type && a.name == b.name && a.link_name == b.link_name && a.mode == b.mode &&
           a.uid == b.uid && a.gid == b.gid && a.size == b.size && time(a.mtime) == time(b.mtime) &&
           a.dev_major == b.dev_major && a.dev_minor == b.dev_minor && a.xattrs == b.xattrs;
  }

  Core& core_;
  Staged& staged_;
  Ranges& stream_;
  PullOptions const& options_;
  Control control_;
  std::vector<FilePlan> files_ = {};
  std::unordered_set<std::string> linked_ = {};  ///< targets of hard links in the archive
  std::string tar_split_digest_ = {};
  LocalContent local_ = {};
  RangeFetcher* fetcher_ = nullptr;
  OwnerSet uids_ = {};
  OwnerSet gids_ = {};
  PullReport report_ = {};
  std::uint64_t done_ = 0;
  ProgressMeter meter_{options_.progress, Phase::import_layer};
};

}  // namespace detail

/// Fills a staged layer from a zstd:chunked stream, fetching only what the store lacks.
///
/// Contents that any layer of the store has, by digest, are copied from there, by shared blocks where the
/// file system can. The stream is untrusted: the table of contents must match the digest in the annotations,
/// files the digests in the table, and headers of the tar-split those of the table. The digest of the whole
/// tar is computed and recorded. The layer is then identified by the digest of its table of contents, and
/// serves later pulls. Reads and hashes all files once, reused ones twice. Memory: the table of contents and
/// some 400 bytes per file.
/// @param staged  `layers.stage(…)`, still empty
/// @param stream  read by a thread of this call; not used after it returns
/// @throws as `Layers::import`; `Errc::digest_mismatch`; `Errc::unsupported` if the stream must be imported
///   whole; `Errc::changed_meanwhile` if a reused layer was removed or changed: call again with another
///   staged layer, as this one can then only be destroyed
template <class Staged>
PullReport pull_chunked(Staged& staged, Ranges stream, PullOptions const& options) {
  PullReport report;
  std::string table;
  staged.fill_by([&](auto& core, auto& tree, fs::path const& tar_split, LayerRecord& record) {
    detail::Pull pull(core, tree, stream, options);
    table = pull.run(tar_split, record, report);
  });
  auto const digest = archive::find_annotation(options.annotations, archive::toc_digest_annotation);
  staged.complete_by([&] { detail::add_table(staged, std::string(*digest), table); });
  return report;
}

}  // namespace strata

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/chunked/partial_pull.ipp>
#endif
