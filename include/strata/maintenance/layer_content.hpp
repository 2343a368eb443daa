#pragma once

#include <strata/archive/tar_reader.hpp>
#include <strata/archive/tar_split.hpp>
#include <strata/archive/tar_writer.hpp>
#include <strata/archive/zero_filled_tar.hpp>
#include <strata/concepts/driver.hpp>
#include <strata/digest.hpp>
#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/problem.hpp>
#include <strata/records/layer.hpp>
#include <strata/separate.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/file.hpp>
#include <strata/sys/lookup.hpp>
#include <strata/sys/stream.hpp>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <fcntl.h>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

/// Compares the files of an imported layer with its record. Takes no lock and reads no table.
namespace strata {

/// Digest and length of a tar.
struct TarSum {
  Digest digest;
  std::int64_t size = 0;
};

/// Hashes and counts the bytes written to it.
class SummingWriter final : public Writer {
 public:
  void write(Bytes bytes) override;
  TarSum finish() { return {.digest = hasher_.finish(), .size = size_}; }

 private:
  Hasher hasher_;
  std::int64_t size_ = 0;
};

/// Headers of a layer's tar, from its tar-split.
/// @throws `Errc::corrupt_tar_split`, `Errc::corrupt_archive`
std::vector<archive::TarHeader> kept_headers(fs::path const& tar_split);

/// Problems of a layer's contents, and their actual digests.
struct LayerContent {
  std::vector<Problem> problems = {};
  std::optional<TarSum> sum = {};                               ///< unset if the tar could not be rebuilt
  std::optional<std::vector<archive::TarHeader>> headers = {};  ///< unset if the tar-split cannot be read
};

namespace detail {

Problem content_finding(LayerRecord const& layer, ProblemKind kind, std::string const& text,
                        RepairAction action);

/// Compares the bytes written to it with those of a reader.
class ComparingWriter final : public Writer {
 public:
  explicit ComparingWriter(Reader& wanted) : from_(wanted) {}

  void write(Bytes bytes) override;
  /// True if both streams were equal. Call once, at the end.
  bool same() { return same_ && wanted_.empty() && from_.next().empty(); }

 private:
  Reader& from_;
  Bytes wanted_ = {};
  bool same_ = true;
};

/// Finds the first sparse file that differs from what was imported. Rebuilding the tar does not read these:
/// the tar-split holds their data as the tar stores it.
/// @throws  what the driver throws for a missing file, whose name is then in `file`
template <class Core>
std::optional<std::string> changed_sparse_file(Core& core, LayerId const& id, fs::path const& tar_split,
                                               std::string& file, Control const& control) {
  auto kept = stored_source(tar_split);
  archive::ZeroFilledTar hollow(kept);
  archive::TarReader tar(hollow, archive::no_budgets, &hollow);
  for (archive::TarHeader header; tar.next(header);) {
    if (!header.sparse) continue;
    control.check();
    file = header.name;
    ComparingWriter compared(tar);
    core.driver().copy_file(id, header.name, compared);
    if (!compared.same()) return header.name;
  }
  return std::nullopt;
}

}  // namespace detail

/// True if the layer was imported from a complete tar, which must be reproducible. Partially pulled layers
/// are identified by the digest of their table of contents; release 1.43 records the digest of the compressed
/// stream as that of the tar, and keeps the table.
bool has_whole_archive(LayerRecord const& layer);

/// Rebuilds the tar of a layer and compares it with the record. Reads all files of the layer.
/// @param path  tar-split of the layer
/// @throws `Errc::stopped`, `errno`
template <class Core>
LayerContent check_layer_content(Core& core, LayerRecord const& layer, fs::path const& path,
                                 Control const& control) {
  LayerContent out;
  auto const tell = [&](ProblemKind kind, std::string const& text, RepairAction action) {
    out.problems.push_back(detail::content_finding(layer, kind, text, action));
  };
  if (auto const kept = sys::find_status(path); !kept.is_unknown() && !kept) {
    if (has_whole_archive(layer))
      tell(ProblemKind::archive_missing, "layer content incorrect digest: its tar-split is missing",
           RepairAction::repair);
    return out;
  }
  try {
    out.headers = kept_headers(path);
  } catch (Error const& error) {
    if (error.code() == Errc::stopped) throw;
    if (sys::is_transient(error)) {
      tell(ProblemKind::unreadable, std::string("tar-split: ") + error.what(), RepairAction::none);
      return out;
    }
    tell(ProblemKind::archive_damaged, "tar-split is damaged: " + error.subject(), RepairAction::repair);
    return out;
  }
  std::string file;
  try {
    auto split = stored_source(path);
    SummingWriter sum;
    LayerId const id(layer.id);
    archive::assemble(
        split,
        [&](std::string const& name, Writer& to) {
          file = name;
          core.driver().copy_file(id, name, to);
        },
        sum, control);
    out.sum = sum.finish();
    bool const any = std::ranges::any_of(*out.headers, [](auto const& header) { return header.sparse; });
    if (auto const changed = any ? detail::changed_sparse_file(core, id, path, file, control) : std::nullopt)
      tell(ProblemKind::content_modified, "file integrity checksum failed for \"" + *changed + '"',
           layer.uidmap.empty() && layer.gidmap.empty() ? RepairAction::repair : RepairAction::none);
  } catch (Error const& error) {
    bool const gone = error.code().category() == std::system_category() && !sys::is_transient(error);
    if (!gone && error.code() != Errc::file_changed && error.code() != Errc::corrupt_tar_split &&
        error.code() != Errc::data_unknown && error.code() != Errc::layer_unknown &&
        error.code() != Errc::parent_unknown)
      throw;
    tell(ProblemKind::content_checksum, "file integrity checksum failed for \"" + file + '"',
         RepairAction::none);
    return out;
  }
  if (layer.diff_digest.empty()) return out;
  if (layer.diff_digest.starts_with("sha256:") && out.sum->digest.str() != layer.diff_digest)
    tell(ProblemKind::content_digest, "layer content incorrect digest", RepairAction::repair);
  if (layer.diff_size >= 0 && out.sum->size != layer.diff_size)
    tell(ProblemKind::content_size,
         "read " + std::to_string(out.sum->size) + " bytes instead of " + std::to_string(layer.diff_size) +
             " bytes: layer content incorrect size",
         RepairAction::repair);
  return out;
}

/// Records digest, size and owners of an uncompressed tar.
void record_plain_archive(LayerRecord& record, TarSum const& sum,
                          std::vector<archive::TarHeader> const& headers);

/// A tar made from a layer's files, and its tar-split.
struct RemadeArchive {
  TarSum sum;
  std::vector<archive::TarHeader> headers = {};
};

/// Makes a tar of a layer's changes and writes its tar-split.
/// @param tar_split  file to create
template <class Core>
RemadeArchive remake_archive(Core& core, LayerRecord const& layer, fs::path const& tar_split,
                             Control const& control) requires DiffDriver<typename Core::Driver> {
  std::optional<LayerId> const parent =
      layer.parent.empty() ? std::optional<LayerId>{} : LayerId(layer.parent);
  // The reader pulls and the driver pushes, so the tar passes through a temporary file of its size.
  auto const tar_path = fs::path(tar_split).concat(".tar");
  {
    auto out = file_sink(tar_path);
    archive::TarWriter tar(out);
    core.driver().diff({.layer = LayerId(layer.id), .parent = parent, .control = control}, tar);
    tar.finish();
  }
  sys::Fd const fd = sys::open_at(AT_FDCWD, tar_split, O_WRONLY | O_CREAT | O_EXCL, 0600);
  Sink kept = fd_sink(fd.get());
  archive::TarSplitWriter split(kept);
  auto source = file_source(tar_path);
  struct Summed final : Reader {
    explicit Summed(Reader& in) : from(in) {}
    Bytes next() override {
      auto const bytes = from.next();
      sum.write(bytes);
      return bytes;
    }
    Reader& from;
    SummingWriter sum;
  } summed(source);
  archive::TarReader tar(summed, archive::no_budgets, &split);
  std::vector<archive::TarHeader> headers;
  for (archive::TarHeader header; tar.next(header);) {
    control.check();
    headers.push_back(header);
  }
  split.finish();
  sys::remove_file(tar_path);
  if (core.flush() == Flush::full) sys::sync_file(fd.get(), tar_split);
  return {.sum = summed.sum.finish(), .headers = std::move(headers)};
}

}  // namespace strata

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/maintenance/layer_content.ipp>
#endif
