#include "../../examples/oci-storage/log.hpp"

#include <catch2/catch.hpp>

TEST_CASE("oci-storage: messages are quoted as Go quotes", "[oci-storage]") {
  CHECK(oci_storage::detail::go_quoted("a \"b\" \\ c\n") == R"("a \"b\" \\ c\n")");
}
