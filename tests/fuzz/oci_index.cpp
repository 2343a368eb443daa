// Invariant: the index of a layout is refused or read, and one that is read can be added to: the new image is found under its
// name, every other reference still is, with the same entry, and what was written reads back the same.

#include <strata/concepts/bytes.hpp>
#include <strata/digest.hpp>
#include <strata/oci/layout_index.hpp>

#include "fuzz.hpp"
#include <algorithm>

using namespace strata;

namespace {

std::string found(oci::LayoutIndex const& index, std::string const& reference) {
  std::string out;
  auto const error =
      fuzz::outcome({Errc::corrupt_document, Errc::digest_invalid_format, Errc::digest_invalid_length,
                     Errc::digest_unsupported, Errc::digest_mismatch},
                    [&] { out = oci::document_text(oci::descriptor_json(index.get(reference))); });
  return error ? error.message() : out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  fuzz::Input input(data, size);
  bool const named = input.flag();
  fuzz::outcome({Errc::corrupt_document, Errc::over_budget}, [&] {
    oci::LayoutIndex index(input.text(), "layout");
    auto const before = index.references();
    oci::Descriptor const image{.media_type = "application/vnd.oci.image.manifest.v1+json",
                                .digest = Digest::of(as_bytes("new")),
                                .size = 3};
    std::error_code no_digest;
    bool const takes = named && !before.empty() && !Digest::parse(before.front(), no_digest);
    std::string const name = takes ? before.front() : "name";
    auto more = index;
    more.add(name, image);
    fuzz::require(more.get(name).digest == image.digest, "a name is the image's that was added last");
    oci::LayoutIndex const again(more.text(), "layout");
    fuzz::require(again.text() == more.text(), "what was written reads back the same");
    auto const after = again.references();
    for (auto const& reference : before) {
      if (reference == name) continue;
      fuzz::require(std::ranges::find(after, reference) != after.end(), "a reference stays");
      fuzz::require(found(again, reference) == found(index, reference), "an entry stays");
    }
  });
  return 0;
}
