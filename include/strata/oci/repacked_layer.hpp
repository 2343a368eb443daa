#pragma once

#include <strata/codec/codec.hpp>
#include <strata/concepts/bytes.hpp>
#include <strata/fs.hpp>
#include <strata/oci/archive_members.hpp>
#include <strata/oci/checked_layer.hpp>
#include <strata/oci/descriptor.hpp>
#include <strata/oci/image_plan.hpp>
#include <strata/oci/media_type.hpp>
#include <strata/progress.hpp>
#include <strata/stream/compressing_writer.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/range_source.hpp>
#include <strata/sys/scratch_file.hpp>
#include <strata/sys/stream.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

namespace strata::oci {

/// A layer in another compression, in an unnamed file: its digest and size must be known before a place takes it.
struct RepackedLayer {
  Descriptor blob;
  sys::Fd file;

  /// Its bytes. Call once.
  Source bytes() && {
    return range_source(std::make_shared<sys::Fd const>(std::move(file)), {0, blob.size}, "layer");
  }
};

/// How layers are repacked.
struct RepackOptions {
  Compression compression = Compression::none;
  codec::EncodeOptions encode = {};
  std::uint64_t plain_bytes = std::uint64_t{256} << 30U;  ///< limit on what a layer unpacks to
  fs::path scratch = {};  ///< directory of the unnamed file; empty: `$TMPDIR`, or /var/tmp
  Control control = {};   ///< progress has the bytes of the layer once unpacked
};

/// Unpacks a layer, checks it, and compresses it anew.
/// @param format  of the manifest that is to name it
/// @throws `Errc::digest_mismatch` unless it unpacks to what the configuration says; `Errc::unsupported` if the format has no
///   media type for the compression; as `DecompressingReader` and `CompressingWriter`
template <class Codecs>
RepackedLayer repack_layer(Source blob, PlannedLayer const& layer, Format format, Codecs codecs,
                           RepackOptions const& options) {
  auto const type = layer_media_type(format, options.compression);
  if (!type) throw Error(Errc::unsupported, "layers of this compression in the manifest's format");
  auto file = sys::scratch_file(sys::scratch_directory(options.scratch));
  archive::CompressingWriter out(
      fd_sink(file.get()), options.compression, codecs,
      {.encode = options.encode, .hash_plain = true, .hash_output = true, .control = options.control});
  auto plain = Unpacking::with<Codecs>().open(std::move(blob), options.plain_bytes);
  Progress now{.phase = Phase::copy};
  Pace pace;
  for (Bytes part = plain.next(); !part.empty(); part = plain.next()) {
    out.write(part);
    now.bytes += part.size();
    if (options.control.progress && pace.is_due()) options.control.progress(now);
  }
  auto const result = out.finish();
  check_diff_id(layer, *result.plain_digest);
  return {.blob = {.media_type = std::string(*type),
                   .digest = options.compression == Compression::none ? *result.plain_digest
                                                                      : *result.output_digest,
                   .size = options.compression == Compression::none ? result.plain_size : result.output_size},
          .file = std::move(file)};
}

}  // namespace strata::oci
