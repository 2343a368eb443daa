#include "../../examples/oci-storage/id_maps.hpp"

#include <catch2/catch.hpp>

#include <stdexcept>
#include <string>

using oci_storage::id_maps;

namespace {

oci_storage::Options with(std::string_view key, std::string value) {
  oci_storage::Options options;
  options.add(key, std::move(value));
  return options;
}

std::string refusal(std::string_view key, std::string value) {
  try {
    id_maps(with(key, std::move(value)));
  } catch (std::runtime_error const& error) {
    return error.what();
  }
  return "taken";
}

}  // namespace

TEST_CASE("oci-storage: maps that are none are refused in the original's words", "[oci-storage]") {
  CHECK(id_maps(with("uidmap", "0:1:2:3:4:5")).uids == strata::IdMap{{0, 1, 2}, {3, 4, 5}});
  CHECK(id_maps(with("gidmap", "")).gids.empty());
  auto const said = [](std::string const& which, std::string const& quoted) {
    return "initializing ID mappings: " + which +
           " setting is malformed expected [\"uint32:uint32:uint32\"]: [" + quoted + "]";
  };
  CHECK(refusal("uidmap", "0:1:2:") == said("uid", R"("0:1:2:")"));
  CHECK(refusal("gidmap", "0:1:2,3:4:5") == said("gid", R"("0:1:2,3:4:5")"));
  CHECK(refusal("uidmap", "\t0:1:2") == said("uid", R"("\t0:1:2")"));
  CHECK(refusal("uidmap", "0:1:\"2\"\n") == said("uid", R"("0:1:\"2\"\n")"));
  CHECK(refusal("gidmap", "0:4294967296:1") == said("gid", R"("0:4294967296:1")"));
}
