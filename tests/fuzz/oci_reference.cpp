// Invariant: a text is refused, by both calls that parse, or is a reference whose full and short names are parsed to the same one.

#include <strata/oci/reference.hpp>

#include "fuzz.hpp"
#include <string>

using namespace strata;
using namespace strata::oci;

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  fuzz::Input input(data, size);
  auto const text = input.text();
  std::error_code error;
  auto const found = Reference::parse(text, error);
  auto const thrown = fuzz::outcome({Errc::invalid_reference}, [&] { Reference::parse(text); });
  fuzz::require(error == thrown && found.has_value() == !error, "both calls say the same");
  if (!found) return 0;
  fuzz::require(Reference::parse(found->str()) == *found, "the full name is that of the same");
  fuzz::require(Reference::parse(found->familiar()) == *found, "so is the short one");
  fuzz::require(found->str().ends_with(found->familiar()), "which is the end of the full one");
  fuzz::require(found->name().size() <= 255 && found->tag().size() <= 128, "lengths");
  fuzz::require(!found->tag().empty() || found->digest(), "a tag or a digest");
  fuzz::require(found->with_tag("t").with_tag("latest").name() == found->name(), "one repository");
  return 0;
}
