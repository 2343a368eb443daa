#include <strata/oci/image_config.hpp>

#include <catch2/catch.hpp>

#include "documents.hpp"
#include <string>
#include <vector>

using namespace strata;
using namespace strata::oci;
using documents::golden;
using documents::refusal;

namespace {

using Texts = std::vector<std::string>;

documents::Refusal config_refusal(std::string const& bytes, DocumentLimits const& limits = {}) {
  return refusal([&] { ImageConfig::parse(bytes, limits); });
}

std::string const least_config =
    R"({"architecture":"amd64","os":"linux","config":{},"rootfs":{"type":"layers","diff_ids":[]}})";

}  // namespace

TEST_CASE("a configuration of buildah's is read with all that it says", "[oci][image_config]") {
  for (auto const* name : {"buildah-oci.config.json", "buildah-docker.config.json"}) {
    CAPTURE(name);
    auto const bytes = golden(name);
    auto const config = ImageConfig::parse(bytes);
    CHECK(config.bytes() == bytes);
    CHECK(config.digest() == Digest::of(as_bytes(bytes)));
    CHECK(config.created()->str() == "2023-11-14T22:13:20Z");
    CHECK(config.author() == "me <me@x>");
    CHECK(config.platform() == Platform::parse("linux/amd64"));
    auto const& run = config.config();
    CHECK(run.user == "1:2");
    CHECK(run.exposed_ports == Texts{"53/udp", "80/tcp"});
    CHECK(run.env == Texts{"A=b", "C=d e"});
    CHECK(run.entrypoint == Texts{"/t/f", "<x>"});
    CHECK(run.cmd == Texts{"a", "b"});
    CHECK(run.volumes == Texts{"/a", "/data"});
    CHECK(run.working_dir == "/w");
    CHECK(run.labels.at("a") == "<&>\u00e9");
    CHECK(run.labels.at("k") == "v");
    CHECK(run.stop_signal == "9");
    CHECK(config.diff_ids().size() == 1);
    REQUIRE(config.history().size() == 1);
    CHECK(config.history()[0].created_by == "step");
    CHECK(config.history()[0].comment == "com");
    CHECK(config.history()[0].author == "me <me@x>");
    CHECK(config.history()[0].created == config.created());
    CHECK_FALSE(config.history()[0].empty_layer);
  }
  auto const docker = ImageConfig::parse(golden("buildah-docker.config.json"));
  CHECK(docker.config().unknown.at("Healthcheck").at("Interval") == 5'000'000'000);
  CHECK(docker.config().unknown.contains("OnBuild"));
  CHECK(docker.parts().unknown.contains("container_config"));
  CHECK(ImageConfig::parse(golden("umoci.config.json")).history().at(0).empty_layer);
  CHECK(ImageConfig::parse(golden("buildah-arm.config.json")).platform() ==
        Platform::parse("linux/arm64/v8"));
}

TEST_CASE("a configuration is laid out as buildah and Podman do", "[oci][image_config]") {
  for (auto const* name : {"buildah-oci", "buildah-arm", "podman-oci", "skopeo-zstd"}) {
    CAPTURE(name);
    auto const bytes = golden(std::string(name) + ".config.json");
    CHECK(ImageConfig::make(ImageConfig::parse(bytes).parts()).bytes() == bytes);
  }
  CHECK(ImageConfig::make({.platform = Platform::parse("linux/amd64")}).bytes() == least_config);
}

TEST_CASE("an edit of a configuration keeps the order and what is not known", "[oci][image_config]") {
  for (auto const* name : {"buildah-docker", "podman-docker", "umoci"}) {
    CAPTURE(name);
    auto const config = ImageConfig::parse(golden(std::string(name) + ".config.json"));
    CHECK(config.edited(config.parts()).bytes() == config.bytes());
    auto parts = config.parts();
    parts.config.cmd = {"/bin/sh", "-c"};
    parts.config.labels["new"] = "<1>";
    parts.history.push_back({.created_by = "edit", .empty_layer = true});
    auto const edited = config.edited(parts);
    CHECK(edited.config() == parts.config);
    CHECK(edited.history() == parts.history);
    CHECK(edited.diff_ids() == config.diff_ids());
    // Undone, it is the same again, but for the newline that umoci writes behind it.
    auto const undone = edited.edited(config.parts());
    CHECK(config.bytes().starts_with(undone.bytes()));
    CHECK(undone.bytes().size() + 1 >= config.bytes().size());
  }
  auto const twisted = ImageConfig::parse(
      R"({ "own" : {"deep": [1.5]}, "rootfs":{"diff_ids":null,"base":"x","type":"layers"},"os":"linux",)"
      R"("config":{"Cmd":null,"Zeta":1,"User":""},"created":"2020-01-01T00:00:00.100+00:00","architecture":"amd64",)"
      R"("history":[{"created_by":"a","own":1,"empty_layer":false}]})");
  auto parts = twisted.parts();
  parts.config.cmd = {"x"};
  parts.diff_ids = {Digest::parse(documents::digest('1'))};
  parts.history.push_back({.created_by = "b"});
  CHECK(twisted.edited(parts).bytes() ==
        R"({"own":{"deep":[1.5]},"rootfs":{"diff_ids":[")" + documents::digest('1') +
            R"("],"base":"x","type":"layers"},"os":"linux","config":{"Cmd":["x"],"Zeta":1,"User":""},)"
            R"("created":"2020-01-01T00:00:00.100+00:00","architecture":"amd64",)"
            R"("history":[{"created_by":"a","own":1,"empty_layer":false},{"created_by":"b"}]})");
  parts = twisted.parts();
  parts.unknown.erase("own");
  parts.history.clear();
  CHECK(twisted.edited(parts).bytes().starts_with(R"({"rootfs":)"));
  CHECK(twisted.edited(parts).history().empty());
}

TEST_CASE("the configuration of another artifact is told apart", "[oci][image_config]") {
  CHECK(config_refusal("{}").code == Errc::not_an_image);
  CHECK(config_refusal(R"({"name":"chart","version":"1"})").code == Errc::not_an_image);
  CHECK(config_refusal(R"({"name":"chart"})").text.starts_with("configuration sha256:"));
  CHECK(config_refusal(R"({"rootfs":{"type":"vm","diff_ids":[]}})").code == Errc::unsupported);
  CHECK(config_refusal(R"({"rootfs":{}})").code == std::error_code());
}

TEST_CASE("a configuration with members of wrong types is refused", "[oci][image_config]") {
  auto const full =
      R"({"created":"2020-01-01T00:00:00Z","author":"a","architecture":"amd64","variant":"v1","os":"linux",)"
      R"("os.version":"1","os.features":["f"],"config":{"User":"u","ExposedPorts":{"1/tcp":{}},"Env":["A=b"],)"
      R"("Entrypoint":["e"],"Cmd":["c"],"Volumes":{"/v":{}},"WorkingDir":"/w","Labels":{"a":"b"},"StopSignal":"9"},)"
      R"("rootfs":{"type":"layers","diff_ids":[")" +
      documents::digest('1') +
      R"("]},"history":[{"created":"2020-01-01T00:00:00Z","created_by":"c","author":"a","comment":"m","empty_layer":true}]})";
  CHECK(ImageConfig::make(ImageConfig::parse(full).parts()).bytes() == full);
  for (auto const* path : {"created",
                           "author",
                           "architecture",
                           "variant",
                           "os",
                           "os.version",
                           "os.features",
                           "config",
                           "config/User",
                           "config/ExposedPorts",
                           "config/Env",
                           "config/Env/0",
                           "config/Entrypoint",
                           "config/Cmd",
                           "config/Volumes",
                           "config/WorkingDir",
                           "config/Labels",
                           "config/Labels/a",
                           "config/StopSignal",
                           "rootfs",
                           "rootfs/type",
                           "rootfs/diff_ids",
                           "history",
                           "history/0/created",
                           "history/0/created_by",
                           "history/0/author",
                           "history/0/comment",
                           "history/0/empty_layer"})
    documents::refuses_other_types(full, path, [](std::string const& text) { ImageConfig::parse(text); });
  CHECK(config_refusal(documents::with(full, "rootfs/diff_ids/0", "sha256:00")).code ==
        Errc::digest_invalid_length);
  CHECK(config_refusal(documents::with(full, "rootfs/diff_ids/0", "md5:00")).text.find("diff_ids[0]") !=
        std::string::npos);
  CHECK(config_refusal(documents::with(full, "created", "yesterday")).code == Errc::corrupt_document);
  CHECK(config_refusal(documents::with(full, "history/0", 1)).text.find("history[0]") != std::string::npos);
  CHECK(config_refusal(documents::with(full, "Config", 1)).code == Errc::corrupt_document);
  CHECK(config_refusal(documents::with(full, "rootfs/Diff_IDs", 1)).code == Errc::corrupt_document);
  CHECK(config_refusal(documents::with(full, "config/cmd", 1)).code == Errc::corrupt_document);
  CHECK(config_refusal("null").code == Errc::corrupt_document);
}

TEST_CASE("a configuration is refused beyond the limits", "[oci][image_config]") {
  ImageConfigParts parts{.platform = Platform::parse("linux/amd64")};
  parts.diff_ids.assign(4096, Digest::parse(documents::digest('1')));
  auto const config = ImageConfig::make(parts);
  CHECK(config.diff_ids().size() == 4096);
  CHECK(config_refusal(config.bytes(), {.layers = 4095}).code == Errc::over_budget);
  parts.diff_ids.push_back(parts.diff_ids.front());
  CHECK(refusal([&] { ImageConfig::make(parts); }).text.ends_with("diff_ids: 4097 of them, more than 4096"));
  CHECK(config_refusal(std::string(5'000'000, ' ')).code == Errc::over_budget);
}
