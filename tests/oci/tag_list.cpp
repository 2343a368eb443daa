#include <strata/oci/tag_list.hpp>

#include <catch2/catch.hpp>

#include <optional>
#include <string>
#include <utility>

namespace oci = strata::oci;

TEST_CASE("where the next page of tags is", "[oci][tag_list]") {
  auto const next = [](std::string value) {
    oci::HttpHeaders headers;
    headers.add("Link", std::move(value));
    return oci::next_page(headers);
  };
  CHECK(next("</v2/x/tags/list?n=2&last=b>; rel=\"next\"") == "/v2/x/tags/list?n=2&last=b");
  CHECK(next("<a>; rel=\"first\", <b>; title=x; rel=next") == "b");
  for (auto const* const value :
       {"", "<", ">", "<a", "a>; rel=\"next\"", "<a>; rel=\"last\"", ">a<; rel=next"}) {
    INFO(value);
    CHECK(!next(value));
  }
  CHECK(!oci::next_page({}));
}
