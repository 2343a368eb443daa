#pragma once

#include <strata/archive/tar_writer.hpp>
#include <strata/error.hpp>
#include <strata/oci/archive_writer.hpp>
#include <strata/sys/file.hpp>
#include <strata/sys/new_file.hpp>
#include <strata/sys/stream.hpp>

#include <fcntl.h>
#include <optional>
#include <sys/stat.h>

namespace strata::oci {
namespace detail {

struct ToNewFile {
  sys::NewFile* file;
  void write(Bytes bytes) { file->write(bytes); }
};

/// The regular file to replace; none if the path is another kind of file, which is opened instead.
inline std::optional<fs::path> replaceable(fs::path const& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return path;
  if (!S_ISREG(status.st_mode)) return std::nullopt;
  boost::system::error_code error;
  auto target = fs::canonical(path, error);  // a link stays
  sys::throw_if(error, "open", path);
  return target;
}

}  // namespace detail

struct ArchiveWriter::State {
  std::string name = {};
  ArchiveWriterOptions options = {};
  sys::Fd directory = {};  // of the file
  std::optional<sys::NewFile> file = {};
  // Each is destroyed before what it writes to; the compression takes the sink, and writes to it from other threads.
  Sink out = {};
  std::unique_ptr<archive::CompressingWriter> compressed = {};
  std::optional<archive::TarWriter> tar = {};
  bool broken = false;  // within an entry

  /// Begins an entry, or the end.
  archive::TarWriter& next() {
    if (broken) throw Error(Errc::corrupt_archive, name + ": an entry is incomplete").at(name);
    return *tar;
  }
  void start(Compressing compress) {
    if (compress != nullptr) compressed = compress(std::move(out), options.compression);
    Writer& to = compressed ? static_cast<Writer&>(*compressed) : out;
    tar.emplace(to);
  }
};

STRATA_INLINE ArchiveWriter::ArchiveWriter(fs::path const& path, ArchiveWriterOptions const& options,
                                           Compressing compress)
    : state_(std::make_unique<State>()) {
  state_->name = path.native();
  state_->options = options;
  if (auto const target = detail::replaceable(path)) {
    state_->directory = sys::open_at(AT_FDCWD, sys::directory_of(*target), O_RDONLY | O_DIRECTORY);
    state_->file.emplace(state_->directory.get(), base_name(*target), *target,
                         sys::NewFile::Options{.flush = options.flush});
    state_->out = detail::ToNewFile{&*state_->file};
  } else {
    state_->out = file_sink(path);
  }
  state_->start(compress);
}

STRATA_INLINE ArchiveWriter::ArchiveWriter(Sink out, std::string name, ArchiveWriterOptions const& options,
                                           Compressing compress)
    : state_(std::make_unique<State>()) {
  state_->name = std::move(name);
  state_->options = options;
  state_->out = std::move(out);
  state_->start(compress);
}

STRATA_INLINE ArchiveWriter::ArchiveWriter(ArchiveWriter&&) noexcept = default;
STRATA_INLINE ArchiveWriter& ArchiveWriter::operator=(ArchiveWriter&&) noexcept = default;
STRATA_INLINE ArchiveWriter::~ArchiveWriter() = default;

STRATA_INLINE std::string const& ArchiveWriter::name() const noexcept { return state_->name; }

STRATA_INLINE void ArchiveWriter::directory(std::string_view name) {
  state_->next().add({.name = std::string(name) + '/',
                      .type = archive::EntryType::directory,
                      .mode = 0755,
                      .mtime = {.seconds = state_->options.time}});
}

STRATA_INLINE void ArchiveWriter::link(std::string_view name, std::string_view target) {
  state_->next().add({.name = std::string(name),
                      .link_name = std::string(target),
                      .type = archive::EntryType::symlink,
                      .mtime = {.seconds = state_->options.time}});
}

STRATA_INLINE void ArchiveWriter::file(std::string_view name, unsigned mode, std::uint64_t size, Source in) {
  auto& tar = state_->next();
  state_->broken = true;
  tar.add({.name = std::string(name),
           .mode = mode,
           .size = static_cast<std::int64_t>(size),
           .mtime = {.seconds = state_->options.time}},
          &in);
  state_->broken = false;
}

STRATA_INLINE void ArchiveWriter::file(std::string_view name, unsigned mode, std::string_view text) {
  file(name, mode, text.size(), memory_source(std::string(text)));
}

STRATA_INLINE void ArchiveWriter::finish() {
  state_->next().finish();
  if (state_->compressed) state_->compressed->finish();
  if (state_->file) state_->file->commit();
}

}  // namespace strata::oci
