#include <strata/drivers/overlay/layer_stores.hpp>
#include <strata/error.hpp>
#include <strata/sys/file.hpp>
#include <strata/testing/temp_dir.hpp>

#include <catch2/catch.hpp>

#include <string>
#include <vector>

using namespace strata;
using drivers::overlay::LayerStore;

namespace layer_stores_tests {

std::string refused(std::string const& text) {
  try {
    LayerStore::parse(text);
  } catch (Error const& error) {
    return error.code() == Errc::driver_option ? error.subject() : "another code";
  }
  return "nothing";
}

void make_layer(std::string const& path) {
  sys::make_directories(path + "/diff", 0700);
  sys::replace_file(path + "/info", "");
  sys::replace_file(path + "/blob", "");
}

}  // namespace layer_stores_tests

using layer_stores_tests::refused;

TEST_CASE("the option of an additional layer store has a path and at most one word",
          "[overlay][layer_stores]") {
  testing::TempDir const dir;
  auto const path = dir.path().native();
  CHECK(LayerStore::parse(path).path.native() == path);
  CHECK_FALSE(LayerStore::parse(path).with_reference);
  CHECK(LayerStore::parse(path + ":ref").with_reference);
  CHECK(LayerStore::parse(path + "/../" + path.substr(path.rfind('/') + 1)).path.native() == path);
  CHECK(refused("relative").find("\"relative\" is not absolute") != std::string::npos);
  CHECK(refused(path + "/none").find("no such file or directory") != std::string::npos);
  CHECK(refused(path + ":other").find("unknown option \"other\"") != std::string::npos);
  CHECK(refused(path + ":ref:ref").find("\"ref\" option twice") != std::string::npos);
  CHECK(refused(path + ":").find("unknown option \"\"") != std::string::npos);
}

TEST_CASE("a layer is looked for by its digest, below the reference if the store wants one",
          "[overlay][layer_stores]") {
  LayerStore const plain{.path = "/store"}, with_reference{.path = "/store", .with_reference = true};
  CHECK(plain.place_of("sha256:ab", "docker.io/x").native() == "/store/sha256:ab");
  CHECK(with_reference.place_of("sha256:ab", "a/b:1").native() == "/store/YS9iOjE=/sha256:ab");
}

TEST_CASE("the first store that has the whole layer gives it", "[overlay][layer_stores]") {
  testing::TempDir const one, other;
  auto const first = one.path().native(), second = other.path().native();
  std::vector<LayerStore> const stores{LayerStore::parse(first), LayerStore::parse(second)};
  auto const found = [&]() -> std::string {
    auto const tree = drivers::overlay::find_additional(stores, "sha256:ab", "");
    return tree ? tree->path().native() : "none";
  };
  CHECK(found() == "none");
  layer_stores_tests::make_layer(second + "/sha256:ab");
  CHECK(found() == second + "/sha256:ab");
  sys::make_directories(first + "/sha256:ab/diff", 0700);  // not whole
  CHECK(found() == second + "/sha256:ab");
  layer_stores_tests::make_layer(first + "/sha256:ab");
  CHECK(found() == first + "/sha256:ab");
}
