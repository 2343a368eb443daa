#include <strata/paths.hpp>

#include <catch2/catch.hpp>

#include <string>

namespace paths = strata::paths;

TEST_CASE("the directory of a kind is named after the driver and the kind", "[paths]") {
  CHECK(paths::kind_directory("/graph", "overlay", "layers").native() == "/graph/overlay-layers");
  CHECK(paths::kind_directory("", "vfs", "images").native() == "vfs-images");
}

TEST_CASE("a temporary file has more than the prefix in its name", "[paths]") {
  CHECK(paths::is_temporary(".tmp-images.json"));
  CHECK_FALSE(paths::is_temporary(".tmp-"));  // a key of big data may be that
  CHECK_FALSE(paths::is_temporary("x.tmp-1"));
  CHECK_FALSE(paths::is_temporary(""));
}

TEST_CASE("names that no item's data directory can have are reserved", "[paths]") {
  auto const reserved = [](std::string const& name) { return paths::is_reserved(name, "layers", "json"); };
  for (auto const* name : {"layers.json", "volatile-layers.json", "tmp", "layers.lock", "any.lock",
                           "0123.tar-split.gz", ".tmp-", ".tmp-layers.json", "layers.json.damaged-1"}) {
    INFO(name);
    CHECK(reserved(name));
  }
  for (auto const* name : {"0123", "images.json", "layers", "layers.json2", "tmp2", "lock", "tar-split.gz"}) {
    INFO(name);
    CHECK_FALSE(reserved(name));
  }
  CHECK(paths::is_reserved("layers.log", "layers", "log"));
  CHECK_FALSE(reserved("layers.log"));
}

TEST_CASE("diff directories of before are counted from the latest", "[paths]") {
  CHECK(paths::overlay::older_diff(1) == "diff1");
  CHECK(paths::overlay::older_diff(12) == "diff12");
}
