#pragma once

#include <strata/codec/codec.hpp>
#include <strata/concepts/bytes.hpp>
#include <strata/durability.hpp>
#include <strata/fs.hpp>
#include <strata/fwd.hpp>
#include <strata/oci/image_source.hpp>
#include <strata/separate.hpp>
#include <strata/stream/compressing_writer.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace strata::oci {

/// How an archive of images is written.
struct ArchiveWriterOptions {
  Compression compression = Compression::none;
  std::int64_t time =
      0;  ///< of every entry, in seconds since 1970-01-01T00:00:00Z: equal images give equal archives
  Flush flush = Flush::full;  ///< `full`: a file is on stable storage after `finish()`
};

/// Writes a tar of files in the order in which they come. A file of the file system appears, or takes the place of
/// one, in `finish()`, and a process that is killed before leaves nothing (`sys::NewFile`); what is no regular file, such as a
/// pipe or a device, is written at once. Memory: some 100 KiB, and what a codec
/// needs. Movable. Not safe for concurrent use.
class ArchiveWriter {
 public:
  /// @tparam Codecs  a `codec::List`, one of which must produce `options.compression`; the default needs codec/all.hpp
  /// @throws `errno`, "open <path>"; `Errc::unsupported_compression`
  template <class Codecs = codec::All>
  explicit ArchiveWriter(fs::path const& path, ArchiveWriterOptions const& options = {}, Codecs const& = {})
      : ArchiveWriter(path, options, compressing<Codecs>(options)) {}

  /// @param name  for errors' subjects
  template <class Codecs = codec::All>
  ArchiveWriter(Sink out, std::string name, ArchiveWriterOptions const& options = {}, Codecs const& = {})
      : ArchiveWriter(std::move(out), std::move(name), options, compressing<Codecs>(options)) {}

  ArchiveWriter(ArchiveWriter&&) noexcept;
  ArchiveWriter& operator=(ArchiveWriter&&) noexcept;
  ~ArchiveWriter();

  std::string const& name() const noexcept;

  void directory(std::string_view name);
  void link(std::string_view name, std::string_view target);
  /// @param size  of the file in bytes
  /// @throws what the source throws; `Errc::corrupt_archive` for another size. Then the archive cannot be finished
  void file(std::string_view name, unsigned mode, std::uint64_t size, Source in);
  void file(std::string_view name, unsigned mode, std::string_view text);

  /// Writes the end, and puts the file into its place. Call once.
  /// @throws `Errc::corrupt_archive` if an entry could not be written
  void finish();

 private:
  using Compressing = std::unique_ptr<archive::CompressingWriter> (*)(Sink out, Compression compression);
  struct State;

  template <class Codecs>
  static Compressing compressing(ArchiveWriterOptions const& options) {
    if (options.compression == Compression::none) return nullptr;
    return [](Sink out, Compression compression) {
      return std::make_unique<archive::CompressingWriter>(std::move(out), compression, Codecs{});
    };
  }

  ArchiveWriter(fs::path const& path, ArchiveWriterOptions const& options, Compressing compress);
  ArchiveWriter(Sink out, std::string name, ArchiveWriterOptions const& options, Compressing compress);

  std::unique_ptr<State> state_;
};

}  // namespace strata::oci

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/oci/archive_writer.ipp>
#endif
