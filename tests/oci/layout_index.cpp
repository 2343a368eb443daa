#include <strata/oci/layout_index.hpp>

#include <catch2/catch.hpp>

#include "oci_tools.hpp"

using namespace strata;

namespace layout_index_tests {  // several files of tests are compiled as one

using oci::LayoutIndex;
using oci_tools::error_of;

namespace {

oci::Descriptor image(std::string const& text) {
  return {.media_type = "application/vnd.oci.image.manifest.v1+json",
          .digest = Digest::of(as_bytes(text)),
          .size = text.size()};
}

}  // namespace

TEST_CASE("an index of a layout starts empty and gets entries in order", "[oci][layout_index]") {
  LayoutIndex index("here");
  CHECK(index.text() == R"({"schemaVersion":2,"manifests":[]})");
  CHECK(error_of([&] { index.get(""); }, "here") == Errc::image_unknown);
  auto const one = image("one");
  auto const two = image("two");
  index.add("a", one);
  CHECK(index.get("").digest == one.digest);
  index.add("b", one);  // another name of the same image
  CHECK(index.get("").digest == one.digest);
  index.add("", two);
  CHECK(index.references() == std::vector<std::string>{"a", "b", two.digest.str()});
  CHECK(error_of([&] { index.get(""); }, "a, b, sha256:") == Errc::image_unknown);
  CHECK(index.get("b").annotations.at("org.opencontainers.image.ref.name") == "b");
  CHECK(index.get(two.digest.str()).annotations.empty());
  CHECK(index.find(one.digest)->size == 3);
  CHECK_FALSE(index.find(image("three").digest));
  index.add("c", two);  // the entry without a name gets it
  CHECK(index.references() == std::vector<std::string>{"a", "b", "c"});
  CHECK(LayoutIndex(index.text(), "here").text() == index.text());
}

TEST_CASE("an entry that loses its name keeps its other annotations", "[oci][layout_index]") {
  LayoutIndex index("here");
  auto one = image("one");
  one.annotations["x"] = "y";
  index.add("a", one);
  index.add("a", image("two"));
  CHECK(index.find(one.digest)->annotations == std::map<std::string, std::string>{{"x", "y"}});
}

TEST_CASE("no image is found by another one's digest, even if that is its name", "[oci][layout_index]") {
  auto const one = image("one");
  auto const two = image("two");
  LayoutIndex made("here");
  made.add("a", one);
  auto text = made.text();
  text.replace(text.find("\"a\""), 3, '"' + two.digest.str() + '"');
  LayoutIndex index(text, "here");
  CHECK(error_of([&] { index.get(two.digest.str()); }, "it has " + one.digest.str()) == Errc::image_unknown);
  CHECK(index.references() == std::vector<std::string>{one.digest.str()});
  index.add("", two);
  CHECK(index.get(two.digest.str()).digest == two.digest);
  CHECK(error_of([&] { index.add(one.digest.str(), two); }) == Errc::invalid_reference);
  index.add(two.digest.str(), two);
  CHECK(index.references() == std::vector<std::string>{one.digest.str(), two.digest.str()});
}

TEST_CASE("the marker of a layout states version 1", "[oci][layout_index]") {
  CHECK_FALSE(error_of([] { oci::layout::check_marker(oci::layout::marker_text, "m"); }));
  CHECK_FALSE(error_of([] { oci::layout::check_marker(R"({"imageLayoutVersion":"1.1.0"})", "m"); }));
  CHECK(error_of([] { oci::layout::check_marker(R"({"imageLayoutVersion":"2"})", "m"); }, "m: version") ==
        Errc::unsupported);
  CHECK(error_of([] { oci::layout::check_marker("{}", "m"); }, "m") == Errc::corrupt_document);
}

}  // namespace layout_index_tests
