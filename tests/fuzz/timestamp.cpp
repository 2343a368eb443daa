// Invariant: a text is a time or an error; a time in the range that RFC 3339 can write has a text that is read as the same
// time, and the times of two texts are in the order of their seconds.

#include <strata/timestamp.hpp>

#include "fuzz.hpp"

using strata::Errc;
using strata::Timestamp;

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  fuzz::Input input(data, size);
  fuzz::outcome({Errc::corrupt_record}, [&] {
    auto const time = Timestamp::parse(input.text());
    fuzz::require(time.nanoseconds >= 0 && time.nanoseconds < 1'000'000'000, "nanoseconds below a second");
    auto const text = time.str();
    fuzz::require(Timestamp::parse(text) == time, "its text is that time");
    fuzz::require(Timestamp::parse(text).str() == text, "and comes back");
    fuzz::require(text.size() >= 20 && text.back() == 'Z', "in UTC");
  });
  if (size < 12) return 0;
  std::uint64_t seconds = 0;
  std::uint32_t nanoseconds = 0;
  std::memcpy(&seconds, data, sizeof seconds);
  std::memcpy(&nanoseconds, data + sizeof seconds, sizeof nanoseconds);
  Timestamp const time{.seconds = static_cast<std::int64_t>(seconds % 315'537'897'600) - 62'135'596'800,
                       .nanoseconds = static_cast<std::int32_t>(nanoseconds % 1'000'000'000)};
  fuzz::require(Timestamp::parse(time.str()) == time, "every time has a text");
  return 0;
}
