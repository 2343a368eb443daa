#include <strata/codec/bzip2.hpp>

#include "tools.hpp"

using namespace strata;
using codec::Bzip2;

TEST_CASE("codec::Bzip2 reads what bzip2 writes", "[codec][bzip2]") {
  tools::check_reading<Bzip2>("bzip2 -c");
  tools::check_reading<Bzip2>("bzip2 -1 -c");
}
