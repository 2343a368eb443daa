// Invariant: an image's configuration from a stranger is refused with an error or read; what is read keeps its bytes, says the
// same when it is laid out anew, and after an edit says what was edited and keeps what was not.

#include <strata/oci/image_config.hpp>

#include "fuzz.hpp"
#include <string>

using namespace strata;
using namespace strata::oci;

namespace {

void require_same(ImageConfigParts const& left, ImageConfigParts const& right, std::string_view what) {
  fuzz::require(left.created == right.created && left.author == right.author &&
                    left.platform == right.platform && left.config == right.config &&
                    left.diff_ids == right.diff_ids && left.history == right.history &&
                    left.unknown == right.unknown,
                what);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  fuzz::Input input(data, size);
  auto const text = input.text();
  constexpr DocumentLimits limits{.bytes = 2048, .values = 256, .depth = 12, .layers = 8};
  fuzz::outcome({Errc::corrupt_document, Errc::over_budget, Errc::unsupported, Errc::not_an_image,
                 Errc::digest_invalid_format, Errc::digest_invalid_length, Errc::digest_unsupported},
                [&] {
                  auto const config = ImageConfig::parse(std::string(text), limits);
                  fuzz::require(config.bytes() == text, "the bytes are kept");
                  fuzz::require(config.digest() == Digest::of(as_bytes(text)),
                                "the digest is that of the bytes");
                  fuzz::require(config.diff_ids().size() <= limits.layers, "no more layers than the limit");
                  require_same(ImageConfig::make(config.parts()).parts(), config.parts(), "the same anew");
                  fuzz::require(config.edited(config.parts()).bytes() == text, "no edit changes nothing");
                  auto parts = config.parts();
                  parts.config.cmd.emplace_back("new");
                  parts.author.clear();
                  parts.history.push_back({.created_by = "new"});
                  auto const edited = config.edited(parts);
                  require_same(edited.parts(), parts, "what was edited, and what was not");
                  require_same(edited.edited(config.parts()).parts(), config.parts(), "undone");
                });
  return 0;
}
