// Invariant: an archive of images is refused or read, whatever its links, names and documents are; a manifest has the digest by
// which it is found, and a blob that is opened has as many bytes as were asked for, or reading it fails.

#include <strata/archive/tar_writer.hpp>
#include <strata/codec/gzip.hpp>
#include <strata/concepts/bytes.hpp>
#include <strata/oci/docker_archive.hpp>
#include <strata/oci/manifest.hpp>
#include <strata/oci/oci_archive.hpp>
#include <strata/sys/stream.hpp>

#include "fuzz.hpp"
#include <cerrno>

using namespace strata;

namespace {

using Codecs = codec::List<codec::Gzip>;  // others may take the memory of their windows

/// Entries behind each other, separated by 0x1f: a type, 'f', 'l' or 'h', a name, 0x1e, and content or target.
std::string built(std::string_view text) {
  fuzz::Text out;
  archive::TarWriter tar(out);
  while (!text.empty()) {
    auto entry = text.substr(0, text.find('\x1f'));
    text.remove_prefix(std::min(text.size(), entry.size() + 1));
    if (entry.size() < 2) continue;
    auto const middle = std::min(entry.find('\x1e'), entry.size());
    auto const name = entry.substr(1, middle - 1);
    auto const rest = entry.substr(std::min(middle + 1, entry.size()));
    if (name.find('\0') != std::string_view::npos || rest.find('\0') != std::string_view::npos) continue;
    archive::TarHeader header{.name = std::string(name), .mode = 0644};
    if (entry[0] == 'l' || entry[0] == 'h') {
      header.type = entry[0] == 'l' ? archive::EntryType::symlink : archive::EntryType::hard_link;
      header.link_name = std::string(rest);
      tar.add(header);
    } else {
      header.size = static_cast<std::int64_t>(rest.size());
      fuzz::Chunks body(rest, 1U << 20U);
      tar.add(header, &body);
    }
  }
  tar.finish();
  return std::move(out.text);
}

/// Runs what may fail as reading what strangers wrote may.
template <class Call>
void attempt(Call&& call) {
  try {
    fuzz::outcome({Errc::corrupt_archive, Errc::corrupt_document, Errc::over_budget, Errc::unsupported,
                   Errc::unsupported_compression, Errc::unsafe_path, Errc::not_an_image, Errc::image_unknown,
                   Errc::digest_mismatch, Errc::digest_invalid_format, Errc::digest_invalid_length,
                   Errc::digest_unsupported, Errc::platform_unknown},
                  [&] {
                    try {
                      call();
                    } catch (Error const& error) {
                      if (error.code() == std::errc::no_such_file_or_directory ||
                          error.code() == std::errc::too_many_symbolic_link_levels)
                        return;
                      throw;
                    }
                  });
  } catch (std::bad_alloc const&) {
    fuzz::require(false, "memory for what an archive states only");
  }
}

template <class S>
void read_all(S const& source) {
  for (auto const& reference : source.references())
    attempt([&] {
      auto const raw = source.manifest(reference);
      auto const manifest = oci::Manifest::parse(raw.bytes, raw.media_type);
      if (reference.starts_with("sha256:"))
        fuzz::require(manifest.digest().str() == reference, "a manifest has its digest");
      auto blobs = manifest.layers();
      blobs.push_back(manifest.config());
      for (auto const& blob : blobs)
        attempt([&] {
          auto in = source.blob(blob);
          std::uint64_t size = 0;
          for (auto part = in.next(); !part.empty(); part = in.next()) size += part.size();
          fuzz::require(size == blob.size, "a blob has its size");
        });
    });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  fuzz::Input input(data, size);
  bool const docker = input.flag();
  auto const tar = input.flag() ? std::string(input.text()) : built(input.text());
  oci::ArchiveOptions const options{.entries = 1000, .plain_bytes = 1U << 20U, .scratch = "/tmp"};
  attempt([&] {
    if (docker)
      read_all(oci::DockerArchive(memory_source(tar), "archive", options, Codecs{}));
    else
      read_all(oci::OciArchive(memory_source(tar), "archive", options, Codecs{}));
  });
  return 0;
}
