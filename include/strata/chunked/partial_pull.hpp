#pragma once

#include <strata/archive/tar_reader.hpp>
#include <strata/archive/tar_split.hpp>
#include <strata/archive/whiteout.hpp>
#include <strata/archive/zero_filled_tar.hpp>
#include <strata/bodies.hpp>
#include <strata/chunked/add_table.hpp>
#include <strata/chunked/chunked_stream.hpp>
#include <strata/chunked/pull_options.hpp>
#include <strata/chunked/pull_plan.hpp>
#include <strata/chunked/pulled_file.hpp>
#include <strata/chunked/range_fetcher.hpp>
#include <strata/codec/gzip.hpp>
#include <strata/codec/zstd.hpp>
#include <strata/concepts/bytes.hpp>
#include <strata/concepts/ranges.hpp>
#include <strata/digest.hpp>
#include <strata/durability.hpp>
#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/maintenance/layer_content.hpp>
#include <strata/progress.hpp>
#include <strata/records/layer.hpp>
#include <strata/separate.hpp>
#include <strata/store/import.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/file.hpp>
#include <strata/sys/staging_directory.hpp>
#include <strata/sys/stream.hpp>

#include <cstddef>
#include <cstdint>
#include <fcntl.h>
#include <string>
#include <string_view>
#include <utility>

/// Partial pulls: only those parts of a layer are fetched that the store lacks, as containers/storage pulls
/// zstd:chunked streams (PrepareStagedLayer, ApplyDiffWithDiffer).
namespace strata {
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

/// Fills a staged layer as its plan says.
template <class Staged>
class PulledLayer {
 public:
  /// @param plan, options  must outlive this object
  /// @param flush          of the tar-split
  PulledLayer(Staged& staged, PullPlan const& plan, RangeFetcher& fetcher, PullOptions const& options,
              Flush flush)
      : staged_(staged), plan_(plan), fetcher_(fetcher), options_(options), flush_(flush) {}

  /// Entries as the table of contents has them; the size of their tar is not known.
  void add_by_toc(LayerRecord& record) {
    for (auto const& file : plan_.files()) add(file.entry.header, file, nullptr);
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
    auto const& files = plan_.files();
    std::size_t at = 0;
    for (archive::TarHeader header; tar.next(header); ++at) {
      if (header.sparse)
        throw Error(Errc::unsupported, "sparse file \"" + header.name + "\" in a zstd:chunked stream");
      if (at == files.size() || !same_entry(header, files[at].entry.header))
        throw Error(Errc::corrupt_archive,
                    "table of contents and tar-split disagree, entry \"" + header.name + '"');
      add(header, files[at], &rebuilt);
    }
    if (at != files.size())
      throw Error(Errc::corrupt_archive, "table of contents has entries that the tar-split has not");
    auto const sum = rebuilt.finish();
    sys::remove_file(received);
    if (flush_ == Flush::full) sys::sync_file(fd.get(), tar_split);
    if (!options_.diff_digest.empty() && Digest::parse(options_.diff_digest) != sum.digest)
      throw Error(Errc::digest_mismatch,
                  "archive, wanted " + options_.diff_digest + ", got " + sum.digest.str());
    record.diff_digest = sum.digest.str();
    record.diff_size = sum.size;
  }

  /// Ends the layer, and records whose its files are.
  void finish(LayerRecord& record) {
    staged_.finish();
    record.uidset = uids_.take();
    record.gidset = gids_.take();
    meter_.end(plan_.report().bytes);
  }

 private:
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
      bool const may_link = options_.use_hard_links && !plan_.is_linked(header.name);
      WholeBody body(*std::move(opened), file.entry, observer, may_link);
      staged_.add(header, body);
    } else {
      PiecesBody body(file, fetcher_, observer);
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

  static bool same_entry(archive::TarHeader const& a, archive::TarHeader const& b) {
    // Go writes its zero time for a missing one; in a tar header that is 1970.
    auto const time = [](archive::FileTime t) {
      return t.seconds == Timestamp().seconds ? archive::FileTime{} : t;
    };
    return a.type == b.type && a.name == b.name && a.link_name == b.link_name && a.mode == b.mode &&
           a.uid == b.uid && a.gid == b.gid && a.size == b.size && time(a.mtime) == time(b.mtime) &&
           a.dev_major == b.dev_major && a.dev_minor == b.dev_minor && a.xattrs == b.xattrs;
  }

  Staged& staged_;
  PullPlan const& plan_;
  RangeFetcher& fetcher_;
  PullOptions const& options_;
  Flush flush_;
  Control control_{{}, options_.stop};
  OwnerSet uids_ = {};
  OwnerSet gids_ = {};
  std::uint64_t done_ = 0;
  ProgressMeter meter_{options_.progress, Phase::import_layer};
};

/// @return  the table of contents
template <class Core, class Staged>
std::string pull_layer(Core& core, Staged& staged, Ranges& stream, PullOptions const& options,
                       fs::path const& tar_split, LayerRecord& record, PullReport& report) {
  auto const digest = archive::find_annotation(options.annotations, archive::toc_digest_annotation);
  if (!digest) throw Error(Errc::unsupported, "a partial pull without the digest of a table of contents");
  auto const toc_digest = Digest::parse(*digest);
  auto const places = archive::find_chunked_places(stream, options.annotations);
  auto tables = archive::read_chunked_tables(stream, places, toc_digest, options.table_bytes);
  PullPlan plan(tables, stream.size(), options);
  plan.choose(core);
  RangeFetcher fetcher(stream, plan.wanted(),
                       {.gap = options.merge_gap, .in_request = options.ranges_in_request});
  report = plan.report();
  report.fetched_bytes = tables.places.toc.size + tables.tar_split.size();
  for (auto const& range : fetcher.asked()) report.fetched_bytes += range.size;
  report.requested_ranges = fetcher.asked().size();
  PulledLayer layer(staged, plan, fetcher, options, core.flush());
  if (plan.has_tar_split())
    layer.add_by_tar_split(std::move(tables.tar_split), places.tar_split->plain_size, tar_split, record);
  else
    layer.add_by_toc(record);
  layer.finish(record);
  return std::move(tables.toc);
}

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
    table = detail::pull_layer(core, tree, stream, options, tar_split, record, report);
  });
  auto const digest = archive::find_annotation(options.annotations, archive::toc_digest_annotation);
  staged.complete_by([&] { detail::add_table(staged, std::string(*digest), table); });
  return report;
}

}  // namespace strata

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/chunked/partial_pull.ipp>
#endif
