#include <strata/oci/index.hpp>

#include <catch2/catch.hpp>

#include "documents.hpp"
#include <string>
#include <vector>

using namespace strata;
using namespace strata::oci;
using documents::golden;
using documents::refusal;

namespace {

Descriptor entry(char digit, char const* platform = nullptr) {
  Descriptor out{.media_type = std::string(media_type::oci_manifest),
                 .digest = Digest::parse(documents::digest(digit)),
                 .size = 1};
  if (platform != nullptr) out.platform = Platform::parse(platform);
  return out;
}

oci::Index of_entries(std::vector<Descriptor> entries) {
  return oci::Index::make({.manifests = std::move(entries)});
}

/// The last digit of what is chosen; 0 if nothing is.
char chosen(oci::Index const& index, char const* platform) {
  auto const found = index.candidates(Platform::parse(platform));
  if (found.empty()) return '0';
  CHECK(index.choose(Platform::parse(platform)) == found.front());
  return found.front().digest.str().back();
}

}  // namespace

TEST_CASE("indexes of buildah, skopeo and umoci are read and written to the byte", "[oci][index]") {
  for (auto const* name : {"buildah.index.json", "buildah-docker.index.json", "layout.index.json"}) {
    CAPTURE(name);
    auto const bytes = golden(name);
    auto const index = oci::Index::parse(bytes);
    CHECK(index.bytes() == bytes);
    CHECK(index.digest() == Digest::of(as_bytes(bytes)));
    CHECK(oci::Index::make(index.parts(), index.format()).bytes() == bytes);
    CHECK(index.descriptor().size == bytes.size());
  }
  auto const oci = oci::Index::parse(golden("buildah.index.json"));
  CHECK(oci.format() == Format::oci);
  REQUIRE(oci.manifests().size() == 2);
  CHECK(oci.choose(Platform::parse("linux/amd64")) == oci.manifests()[0]);
  CHECK(oci.choose(Platform::parse("linux/arm64")) == oci.manifests()[1]);
  CHECK(oci::Index::parse(golden("buildah-docker.index.json")).format() == Format::docker);
  auto const layout = oci::Index::parse(golden("layout.index.json"));
  CHECK_FALSE(layout.parts().states_type);
  CHECK(layout.manifests().at(0).annotations.at("org.opencontainers.image.ref.name") == "l");
  CHECK(layout.manifests().at(0).digest == oci.digest());
  CHECK(is_index(layout.manifests().at(0).media_type));
  CHECK(oci::Index::parse(golden("umoci.index.json")).manifests().size() == 1);
}

TEST_CASE("an index that BuildKit made has attestations, which are chosen for no platform", "[oci][index]") {
  auto attestation = entry('2', "unknown/unknown");
  attestation.annotations = {{"vnd.docker.reference.digest", documents::digest('1')},
                             {"vnd.docker.reference.type", "attestation-manifest"}};
  auto const index = of_entries({attestation, entry('1', "linux/amd64")});
  CHECK(chosen(index, "linux/amd64") == '1');
  CHECK(chosen(index, "linux/arm64") == '0');
  CHECK(index.candidates(Platform::parse("linux/amd64")).size() == 1);
}

TEST_CASE("the most suitable entry is chosen, among equals the first, one without a platform last",
          "[oci][index]") {
  auto const index =
      of_entries({entry('9'), entry('1', "linux/arm/v5"), entry('2', "linux/arm/v7"), entry('3', "linux/arm"),
                  entry('4', "linux/arm/v7"), entry('5', "linux/arm64/v8"), entry('6', "windows/amd64")});
  CHECK(chosen(index, "linux/arm/v7") == '2');
  CHECK(chosen(index, "linux/arm/v6") == '1');
  CHECK(chosen(index, "linux/arm/v8") == '2');
  CHECK(chosen(index, "linux/arm") == '3');
  CHECK(chosen(index, "linux/arm64") == '5');
  CHECK(chosen(index, "windows/amd64") == '6');
  CHECK(chosen(index, "linux/s390x") == '9');
  std::string order;
  for (auto const& candidate : index.candidates(Platform::parse("linux/arm/v7")))
    order += candidate.digest.str().back();
  CHECK(order == "24139");
}

TEST_CASE("an index without the platform is refused with a list of what it has", "[oci][index]") {
  auto const index = of_entries({entry('1', "linux/amd64"), entry('2', "linux/arm64/v8"),
                                 entry('3', "linux/amd64"), entry('4', "unknown/unknown")});
  auto const outcome = refusal([&] { index.choose(Platform::parse("linux/s390x")); });
  CHECK(outcome.code == Errc::platform_unknown);
  CHECK(outcome.code == std::errc::no_such_file_or_directory);
  CHECK(outcome.text == "index " + index.digest().str() +
                            ": wanted linux/s390x, there is linux/amd64, linux/arm64/v8, unknown/unknown");
  auto const empty = refusal([] { of_entries({}).choose(Platform::parse("linux/amd64")); });
  CHECK(empty.text.ends_with("there is nothing"));
  std::vector<Descriptor> many;
  for (int i = 0; i < 50; ++i) many.push_back(entry('1', ("os" + std::to_string(i) + "/a").c_str()));
  auto const long_list = refusal([&] { of_entries(many).choose(Platform::parse("linux/amd64")); });
  CHECK(long_list.text.ends_with(", os39/a and 10 others"));
}

TEST_CASE("an index is laid out in the order of the specification, with all that it had", "[oci][index]") {
  IndexParts parts{.manifests = {entry('1', "linux/amd64")}};
  parts.annotations = {{"b", "1"}, {"a", "2"}};
  parts.subject = entry('2');
  parts.artifact_type = "text/x";
  parts.unknown = {{"own", true}};
  auto const index = oci::Index::make(parts);
  auto const base = [](char digit) {
    return R"({"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":")" +
           documents::digest(digit) + R"(","size":1)";
  };
  CHECK(index.bytes() ==
        R"({"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","artifactType":"text/x",)"
        R"("manifests":[)" +
            base('1') + R"(,"platform":{"architecture":"amd64","os":"linux"}}],"subject":)" + base('2') +
            R"(},"annotations":{"a":"2","b":"1"},"own":true})");
  CHECK(oci::Index::make(index.parts()).bytes() == index.bytes());
  CHECK(refusal([&] { oci::Index::make(parts, Format::docker); }).code == Errc::unsupported);
  // Docker's platforms have members of their own.
  auto const docker = documents::with(golden("buildah-docker.index.json"), "manifests/0/platform/features",
                                      boost::json::array(1, boost::json::value("sse4")));
  auto const read = oci::Index::parse(docker);
  CHECK(oci::Index::make(read.parts(), Format::docker).bytes().find(R"("features":["sse4"])") !=
        std::string::npos);
}

TEST_CASE("an index with members missing or of wrong types is refused", "[oci][index]") {
  IndexParts parts{.manifests = {entry('1', "linux/arm/v7")}};
  parts.annotations = {{"a", "b"}};
  parts.subject = entry('2');
  parts.artifact_type = "x";
  auto const bytes = oci::Index::make(parts).bytes();
  for (auto const* path :
       {"manifests", "manifests/0", "manifests/0/mediaType", "manifests/0/digest", "manifests/0/size",
        "manifests/0/platform", "manifests/0/platform/os", "manifests/0/platform/variant", "annotations",
        "annotations/a", "subject", "subject/digest", "artifactType"})
    documents::refuses_other_types(bytes, path, [](std::string const& text) { oci::Index::parse(text); });
  CHECK(refusal([&] { oci::Index::parse(golden("umoci.manifest.json")); }).code == Errc::corrupt_document);
  CHECK(refusal([&] {
          oci::Index::parse(documents::with(bytes, "manifests/0/platform/OS", "windows"));
        }).code == Errc::corrupt_document);
  CHECK(oci::Index::parse(documents::without(bytes, "manifests")).manifests().empty());
}
