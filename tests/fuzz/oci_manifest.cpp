// Invariant: a manifest or an index from a stranger is refused with an error or read; what is read has digests, sizes and
// counts that can be, keeps its bytes, and is the same when it is laid out anew and read again, which gives the same bytes
// each time.

#include <strata/oci/index.hpp>
#include <strata/oci/manifest.hpp>
#include <strata/oci/manifest_type.hpp>

#include "fuzz.hpp"
#include <algorithm>
#include <string>

using namespace strata;
using namespace strata::oci;

namespace {

constexpr DocumentLimits limits{.bytes = 2048, .values = 256, .depth = 12, .layers = 8};

void look_at(Descriptor const& descriptor) {
  fuzz::require(!descriptor.media_type.empty(), "a media type");
  fuzz::require(descriptor.size <= std::uint64_t{1} << 63, "a size that can be");
  std::error_code error;
  fuzz::require(Digest::parse(descriptor.digest.str(), error).has_value(), "a digest");
  if (descriptor.data) fuzz::require(descriptor.data->size() == descriptor.size, "a blob of its size");
}

template <class Document>
void look_at(Document const& document, std::string_view bytes) {
  fuzz::require(document.bytes() == bytes, "the bytes are kept");
  fuzz::require(document.digest() == Digest::of(as_bytes(bytes)), "the digest is that of the bytes");
  try {
    auto const again = Document::make(document.parts(), document.format());
    fuzz::require(Document::make(again.parts(), again.format()).bytes() == again.bytes(), "the same bytes");
    fuzz::require(again.media_type() == document.media_type(), "the same media type");
  } catch (Error const& error) {
    fuzz::require(document.format() == Format::docker && error.code() == Errc::unsupported,
                  "only Docker's format lacks members");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  fuzz::Input input(data, size);
  static constexpr std::string_view stated[] = {"", media_type::oci_manifest, media_type::docker_index,
                                                "text/plain"};
  auto const said = stated[input.choice(std::size(stated))];
  auto const text = input.text();
  fuzz::outcome({Errc::corrupt_document, Errc::over_budget, Errc::unsupported, Errc::not_an_image,
                 Errc::digest_mismatch, Errc::digest_invalid_format, Errc::digest_invalid_length,
                 Errc::digest_unsupported},
                [&] {
                  auto const type = manifest_type(text, said, limits);
                  fuzz::require(is_manifest(type) != is_index(type), "one of both");
                  fuzz::require(text.size() <= limits.bytes, "no more bytes than the limit");
                  if (is_index(type)) {
                    auto const index = Index::parse(std::string(text), said, limits);
                    std::ranges::for_each(index.manifests(), [](Descriptor const& entry) { look_at(entry); });
                    fuzz::require(index.candidates(host_platform()).size() <= index.manifests().size(),
                                  "of the entries");
                    look_at(index, text);
                  } else {
                    auto const manifest = Manifest::parse(std::string(text), said, limits);
                    look_at(manifest.config());
                    std::ranges::for_each(manifest.layers(), [](Descriptor const& layer) { look_at(layer); });
                    fuzz::require(manifest.layers().size() <= limits.layers, "no more layers than the limit");
                    look_at(manifest, text);
                  }
                });
  return 0;
}
