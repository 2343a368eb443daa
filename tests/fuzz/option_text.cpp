// Invariant: sizes, words for yes and no, durations and options in any text are values in their range or an error with a
// text; an option's value is what stands behind its first "=".

#include <strata/drivers/option_text.hpp>

#include "../../examples/oci-storage/go_duration.hpp"
#include "fuzz.hpp"

using namespace strata;

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  fuzz::Input input(data, size);
  auto const way = input.choice(4);
  std::string const text(input.text());
  fuzz::outcome({Errc::driver_option}, [&] {
    if (way == 0) {
      auto const bytes = drivers::parse_size(text);
      fuzz::require(bytes < std::uint64_t{1} << 63, "a size below 8 EiB");
      fuzz::require(drivers::parse_size(std::to_string(bytes)) <= bytes + (bytes >> 52),
                    "its digits are that size");
      fuzz::require(!drivers::human_size(bytes).empty(), "and it can be shown");
    } else if (way == 1) {
      static_cast<void>(drivers::parse_bool(text));
    } else if (way == 2) {
      auto const option = drivers::own_option(text, {"overlay.", "overlay2."});
      if (!option) return;
      fuzz::require(text.find('=') != std::string::npos, "an option has a value");
      fuzz::require(option->value == drivers::trim(std::string_view(text).substr(text.find('=') + 1)),
                    "its value");
      fuzz::require(option->key.size() <= option->given.size(), "its key, perhaps without a prefix");
    }
  });
  if (way != 3) return 0;
  try {
    auto const duration = oci_storage::go_duration(text);
    fuzz::require(!text.starts_with('-') || duration.count() <= 0, "a sign counts");
  } catch (std::runtime_error const& error) {
    fuzz::require(std::string_view(error.what()).starts_with("time: "), "in Go's words");
  }
  return 0;
}
