#include "../../examples/oci-storage/quote.hpp"

#include <catch2/catch.hpp>

#include <string>

using oci_storage::go_quoted;

TEST_CASE("oci-storage: paths are quoted as Go's %q does", "[oci-storage]") {
  CHECK(go_quoted("/etc/n\tew \"größe\" \\") == R"("/etc/n\tew \"größe\" \\")");
  CHECK(go_quoted("\a\b\t\n\v\f\r") == R"("\a\b\t\n\v\f\r")");
  CHECK(go_quoted(std::string("\0\x1b\x7f", 3)) == R"("\x00\x1b\x7f")");
  CHECK(go_quoted("a\xff") == R"("a\xff")");
  CHECK(go_quoted("\u00a0\u200b\u2028\ufeff") ==
        R"("\u00a0\u200b\u2028\ufeff")");  // spaces, format characters
  CHECK(go_quoted("日本語 €") == "\"日本語 €\"");
  CHECK(go_quoted("\U0001f600\U000e0001") == "\"\U0001f600\\U000e0001\"");
}
