#include <strata/oci/descriptor.hpp>

#include <boost/json/parse.hpp>
#include <catch2/catch.hpp>

#include "documents.hpp"
#include <string>

using namespace strata;
using namespace strata::oci;
using documents::refusal;

namespace {

Descriptor descriptor_of(std::string const& json) {
  return read_descriptor(boost::json::parse(json), "manifest: layers[3]");
}

documents::Refusal descriptor_refusal(std::string const& json) {
  return refusal([&] { descriptor_of(json); });
}

std::string const hello = "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
// In the order of specification 1.1.
std::string const full_descriptor =
    R"({"mediaType":"text/plain","digest":")" + hello +
    R"(","size":5,"urls":["https://a/b"],"annotations":{"a":"<b>","c":"d"},"data":"aGVsbG8=",)"
    R"("platform":{"architecture":"arm","os":"linux","os.version":"1","os.features":["f"],"variant":"v7","features":["sse4"]},)"
    R"("artifactType":"text/x","own":{"deep":[1]}})";

}  // namespace

TEST_CASE("a descriptor is read and written with all that it has", "[oci][descriptor]") {
  auto const descriptor = descriptor_of(full_descriptor);
  CHECK(descriptor.media_type == "text/plain");
  CHECK(descriptor.digest.str() == hello);
  CHECK(descriptor.size == 5);
  CHECK(descriptor.urls == std::vector<std::string>{"https://a/b"});
  CHECK(descriptor.annotations.at("a") == "<b>");
  CHECK(descriptor.data == "hello");
  REQUIRE(descriptor.platform);
  CHECK(*descriptor.platform ==
        Platform{
            .os = "linux", .architecture = "arm", .variant = "v7", .os_version = "1", .os_features = {"f"}});
  CHECK(descriptor.artifact_type == "text/x");
  CHECK(descriptor.unknown.contains("own"));
  CHECK(boost::json::serialize(descriptor_json(descriptor)) == full_descriptor);
  CHECK(descriptor_of(boost::json::serialize(descriptor_json(descriptor))) == descriptor);
}

TEST_CASE("a descriptor of Docker's has the size before the digest", "[oci][descriptor]") {
  Descriptor const descriptor{.media_type = "m", .digest = Digest::parse(hello), .size = 1};
  CHECK(document_text(descriptor_json(descriptor, Format::docker)) ==
        R"({"mediaType":"m","size":1,"digest":")" + hello + "\"}");
  CHECK(document_text(descriptor_json(descriptor)) ==
        R"({"mediaType":"m","digest":")" + hello + R"(","size":1})");
}

TEST_CASE("a descriptor without type, digest or size is refused, and one of wrong types",
          "[oci][descriptor]") {
  for (auto const* member : {"mediaType", "digest", "size"}) {
    auto const outcome = descriptor_refusal(documents::without(full_descriptor, member));
    CHECK(outcome.code == Errc::corrupt_document);
    CHECK(outcome.text == "manifest: layers[3]." + std::string(member) + ": missing");
  }
  for (auto const* member : {"mediaType", "digest", "size", "urls", "annotations", "data", "platform",
                             "artifactType", "platform/os", "platform/architecture", "platform/variant",
                             "platform/os.version", "platform/os.features", "urls/0", "annotations/a"})
    documents::refuses_other_types(full_descriptor, member,
                                   [](std::string const& json) { descriptor_of(json); });
  CHECK(descriptor_refusal("[]").text == "manifest: layers[3]: not an object");
}

TEST_CASE("a size is 0 to 2^63 - 1 bytes", "[oci][descriptor]") {
  auto const of_size = [](std::string const& size) {
    return R"({"mediaType":"m","digest":")" + hello + R"(","size":)" + size + "}";
  };
  CHECK(descriptor_of(of_size("0")).size == 0);
  CHECK(descriptor_of(of_size("9223372036854775807")).size == 9223372036854775807U);
  for (auto const* size : {"-1", "9223372036854775808", "18446744073709551615", "18446744073709551616",
                           "1e400", "1.5", "5.0", "1e2", "\"5\"", "null", "true"}) {
    CAPTURE(size);
    auto const outcome = descriptor_refusal(of_size(size));
    CHECK(outcome.code == Errc::corrupt_document);
    CHECK(outcome.text.starts_with("manifest: layers[3].size: "));
  }
}

TEST_CASE("a digest that is none, or of another algorithm, is refused", "[oci][descriptor]") {
  auto const of_digest = [](std::string const& text) {
    return descriptor_refusal(R"({"mediaType":"m","size":1,"digest":")" + text + "\"}");
  };
  CHECK(of_digest("").code == Errc::corrupt_document);
  CHECK(of_digest("x").code == Errc::digest_invalid_format);
  CHECK(of_digest("sha256:../../etc/passwd").code == Errc::digest_invalid_format);
  CHECK(of_digest(hello.substr(0, 70)).code == Errc::digest_invalid_length);
  CHECK(of_digest("md5:d41d8cd98f00b204e9800998ecf8427e").code == Errc::digest_unsupported);
  CHECK(of_digest("sha512:" + std::string(128, 'a')).code == std::error_code());
  CHECK(of_digest("md5:d41d8cd98f00b204e9800998ecf8427e").text ==
        "manifest: layers[3].digest: \"md5:d41d8cd98f00b204e9800998ecf8427e\"");
}

TEST_CASE("a blob within a descriptor is the one that is described", "[oci][descriptor]") {
  auto const with_data = [](char const* data) {
    return descriptor_refusal(documents::with(full_descriptor, "data", boost::json::string(data)));
  };
  CHECK(with_data("aGVsbG8=").code == std::error_code());
  CHECK(with_data("aGVsbG9v").code == Errc::corrupt_document);  // a byte more
  CHECK(with_data("aGVsbA==").code == Errc::corrupt_document);  // a byte less
  CHECK(with_data("aGVsbG8").code == Errc::corrupt_document);   // no padding
  CHECK(with_data("????????").code == Errc::corrupt_document);
  CHECK(with_data("SEVMTE8=").code == Errc::digest_mismatch);  // another text of that size
}
