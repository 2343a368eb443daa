#include <strata/error.hpp>
#include <strata/idmap/range.hpp>

#include <catch2/catch.hpp>

#include <cstdint>
#include <limits>
#include <string>

using namespace strata;

namespace {

std::string refusal(IdMaps const& maps) {
  try {
    idmap::check(maps);
  } catch (Error const& error) {
    CHECK(error.code() == Errc::invalid_mappings);
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("ids go from the container to the host and back, by whichever range has them", "[idmap]") {
  IdMap const map{{0, 100000, 1000}, {1000, 7, 1}, {2000, 300000, 10}};
  CHECK(idmap::to_host(map, 0) == 100000);
  CHECK(idmap::to_host(map, 999) == 100999);
  CHECK(idmap::to_host(map, 1000) == 7);
  CHECK(idmap::to_host(map, 1001) == std::nullopt);
  CHECK(idmap::to_host(map, 2009) == 300009);
  CHECK(idmap::to_host(map, 2010) == std::nullopt);
  CHECK(idmap::to_container(map, 7) == 1000);
  CHECK(idmap::to_container(map, 8) == std::nullopt);
  CHECK(idmap::to_container(map, 100999) == 999);
  CHECK(idmap::to_container(map, 0) == std::nullopt);
  for (auto const& range : map)
    for (auto const id : {range.container_id, range.container_id + range.size - 1})
      CHECK(idmap::to_container(map, *idmap::to_host(map, id)) == id);
}

TEST_CASE("without a map ids are the host's", "[idmap]") {
  CHECK(idmap::to_host({}, 12) == 12);
  CHECK(idmap::to_container({}, 12) == 12);
  CHECK(idmap::root_of({}) == idmap::Owner{0, 0});
}

TEST_CASE("maps from a damaged record lead to no id that cannot be", "[idmap]") {
  auto const least = std::numeric_limits<std::int64_t>::min();
  auto const most = std::numeric_limits<std::int64_t>::max();
  for (IdRange const& range : {IdRange{least, 0, most}, IdRange{0, most, most}, IdRange{0, least, most},
                               IdRange{0, -1, 5}, IdRange{0, 5, -1}, IdRange{0, 0xffffffff, 2}}) {
    CHECK(idmap::to_host({range}, 0).value_or(1) >= 0);
    CHECK(idmap::to_host({range}, 0).value_or(1) < idmap::id_limit);
    CHECK(idmap::to_container({range}, 5).value_or(1) >= 0);
  }
}

TEST_CASE("an id that a map lacks is told", "[idmap]") {
  IdMap const map{{0, 100000, 3}};
  CHECK(idmap::host_id(map, 2) == 100002);
  CHECK_THROWS_WITH(idmap::host_id(map, 5),
                    "container ID 5 cannot be mapped to a host ID: invalid mappings specified");
  CHECK_THROWS_WITH(idmap::container_id(map, 5),
                    "host ID 5 cannot be mapped to a container ID: invalid mappings specified");
}

TEST_CASE("root of a container is who stands for 0, or the only one", "[idmap]") {
  CHECK(idmap::root_of({.uids = {{0, 1000, 10}}, .gids = {{5, 7, 1}}}) == idmap::Owner{1000, 7});
  CHECK_THROWS_AS(idmap::root_of({.uids = {{1, 1000, 10}}}), Error);
}

TEST_CASE("maps are contiguous if they are one offset", "[idmap]") {
  CHECK(idmap::is_contiguous({}));
  CHECK(idmap::is_contiguous({{5, 100, 10}}));
  CHECK(idmap::is_contiguous({{0, 100, 10}, {10, 110, 5}}));
  CHECK_FALSE(idmap::is_contiguous({{0, 100, 10}, {10, 111, 5}}));
  CHECK_FALSE(idmap::is_contiguous({{0, 100, 10}, {11, 110, 5}}));
  auto const most = std::numeric_limits<std::int64_t>::max();  // from a damaged record
  CHECK_FALSE(
      idmap::is_contiguous({{most, 100, 10}, {std::numeric_limits<std::int64_t>::min() + 9, 110, 5}}));
  CHECK_FALSE(idmap::is_contiguous({{0, most, 10}, {10, 0, 5}}));
}

TEST_CASE("overlaps on either side are refused in the words of containers/storage", "[idmap]") {
  CHECK(refusal({}).empty());
  CHECK(refusal({.uids = {{0, 100000, 1000}, {1000, 200000, 1000}}, .gids = {{0, 0, 1}}}).empty());
  CHECK(refusal({.uids = {{0, 100000, 1000}, {500, 200000, 1000}}}) ==
        "the specified UID and/or GID mapping 500:200000:1000 conflicts with other mappings: invalid "
        "mappings specified");
  CHECK(refusal({.gids = {{0, 100000, 1000}, {1000, 100500, 1000}, {0, 1, 1}}}) ==
        "the specified UID and/or GID mappings 1000:100500:1000, 0:1:1 conflict with other mappings: "
        "invalid mappings specified");
}

TEST_CASE("ranges that hold no ids, or ids that cannot be, are refused", "[idmap]") {
  auto const most = std::numeric_limits<std::int64_t>::max();
  for (IdRange const& range :
       {IdRange{0, 0, 0}, IdRange{0, 0, -1}, IdRange{-1, 0, 1}, IdRange{0, -1, 1}, IdRange{0, 0xffffffff, 1},
        IdRange{0xffffffff, 0, 1}, IdRange{0, 1, most}, IdRange{most, 0, most}, IdRange{0, 1, 0xffffffff}})
    CHECK(refusal({.uids = {range}}).find("is not a range of IDs") != std::string::npos);
  CHECK(refusal({.uids = {{0, 0, 0xffffffff}}}).empty());  // the identity of the first namespace
}
