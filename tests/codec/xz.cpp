#include <strata/codec/xz.hpp>

#include "tools.hpp"

using namespace strata;
using codec::Xz;

TEST_CASE("codec::Xz reads what xz writes", "[codec][xz]") {
  tools::check_reading<Xz>("xz -c");
  tools::check_reading<Xz>("xz -0 --check=sha256 -c");
}

TEST_CASE("codec::Xz takes the padding that streams may have", "[codec][xz]") {
  auto const packed = tools::filter("xz -c", "body");
  CHECK(tools::unpack<Xz>(packed + std::string(8, '\0') + packed, 3) == "bodybody");
  CHECK(tools::error_of([&] { tools::unpack<Xz>(packed + std::string(3, '\0')); }) == Errc::corrupt_archive);
}

TEST_CASE("codec::Xz limits the memory that an input can ask for", "[codec][xz]") {
  CHECK(tools::unpack<Xz>(tools::filter("xz -9 -c", "body")) == "body");
  auto const huge = tools::filter("xz --lzma2=dict=768MiB -c", "body");
  CHECK(tools::error_of([&] { tools::unpack<Xz>(huge); }) == Errc::over_budget);
}
