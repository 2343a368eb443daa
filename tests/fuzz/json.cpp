// Invariant: any bytes are records or an error that says so; what was read and written is, read again, the same and is
// written as the same bytes, unknown keys, flags and unreadable elements included; and looking for records in damaged
// bytes never fails.

#include <strata/records/container.hpp>
#include <strata/records/image.hpp>
#include <strata/records/layer.hpp>
#include <strata/serializers/json.hpp>

#include "fuzz.hpp"
#include "records.hpp"

using namespace strata;
using serializers::Json;

namespace {

template <class Record>
void check(std::string_view bytes) {
  auto const found = Json::salvage<Record>(bytes);
  fuzz::outcome({Errc::corrupt_record}, [&] {
    auto const read = Json::decode<Record>(bytes);
    auto const written = fuzz::written<Json>(read);
    auto const again = Json::decode<Record>(written);
    fuzz::require(fuzz::text_of(again) == fuzz::text_of(read), "records come back as they were");
    fuzz::require(fuzz::written<Json>(again) == written, "written again, they are the same bytes");
    fuzz::require(found.size() <= bytes.size(), "no more records than bytes");
  });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  fuzz::Input input(data, size);
  switch (input.choice(5)) {
    case 0:
      check<LayerRecord>(input.text());
      break;
    case 1:
      check<ImageRecord>(input.text());
      break;
    case 2:
      check<ContainerRecord>(input.text());
      break;
    case 3:
      check<MountRecord>(input.text());
      break;
    default:
      Json::layer_digests(input.text());
  }
  return 0;
}
