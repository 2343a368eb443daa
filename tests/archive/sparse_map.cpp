#include <strata/archive/sparse_map.hpp>
#include <strata/archive/tar_reader.hpp>

#include <catch2/catch.hpp>

#include "tar_tools.hpp"
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

using namespace strata;
using archive::SparseMap;
using archive::SparseRecords;
using archive::TarBudgets;
using archive::TarHeader;
using archive::TarReader;
using tar_tools::code_of;
using tar_tools::end_of_tar;
using tar_tools::extension;
using tar_tools::padded;
using tar_tools::raw_header;
using tar_tools::record;

namespace {

using Regions = std::vector<std::pair<std::int64_t, std::int64_t>>;
constexpr auto most = std::numeric_limits<std::int64_t>::max();

/// The parts of a file with that map, "." a byte of a hole and "#" one of data.
std::string picture(Regions const& regions, std::int64_t size) {
  SparseMap map(100);
  for (auto const& [offset, length] : regions) map.add(offset, length);
  map.start(size);
  std::string out;
  while (map.hole() != 0 || map.data() != 0) {
    CHECK((map.hole() == 0 || map.data() == 0));
    out += map.hole() != 0 ? '.' : '#';
    map.pass(1);
  }
  return out;
}

std::string pax(std::string const& version, std::string const& stored, std::string const& records = {}) {
  return extension('x', record("GNU.sparse.major", version.substr(0, 1)) +
                            record("GNU.sparse.minor", version.substr(2)) + records) +
         raw_header("GNUSparseFile.0/f", '0', tar_tools::octal(stored.size())) + padded(stored);
}

std::string gnu(Regions const& regions, std::int64_t size, std::string const& stored) {
  auto const number = [](std::int64_t value) {
    return tar_tools::octal(static_cast<std::size_t>(value)) + '\0';
  };
  auto block = raw_header("f", 'S', tar_tools::octal(stored.size()));
  block.replace(257, 8, std::string("ustar  \0", 8));
  block.replace(483, 12, number(size));
  std::string more;
  std::size_t n = 0;
  for (auto const& [offset, length] : regions) {
    auto const pair = number(offset) + number(length);
    if (n < 4) {
      block.replace(386 + 24 * n, 24, pair);
    } else {
      if ((n - 4) % 21 == 0) more.append(512, '\0');
      more.replace((n - 4) / 21 * 512 + (n - 4) % 21 * 24, 24, pair);
    }
    ++n;
  }
  if (n > 4) block[482] = 1;
  for (std::size_t at = 512; at < more.size(); at += 512) more[at - 8] = 1;
  tar_tools::seal(block);
  return block + more + padded(stored);
}

std::error_code code_of_tar(std::string const& tar, TarBudgets budgets = {}) {
  return code_of([&] {
    tar_tools::Chunks in(tar + end_of_tar, 700);
    TarReader reader(in, budgets);
    for (TarHeader header; reader.next(header);) do
        static_cast<void>(reader.pass_hole());
      while (!reader.next().empty());
  });
}

}  // namespace

TEST_CASE("a map is gone through hole by hole", "[archive][sparse_map]") {
  CHECK(picture({}, 0).empty());
  CHECK(picture({}, 3) == "...");
  CHECK(picture({{0, 3}}, 3) == "###");
  CHECK(picture({{1, 2}, {5, 1}}, 8) == ".##..#..");
  CHECK(picture({{1, 2}, {3, 2}, {6, 0}, {6, 1}, {8, 0}}, 8) == ".####.#.");
}

TEST_CASE("a map that is not in order, overlaps or leaves the file is damage", "[archive][sparse_map]") {
  auto const code = [](Regions const& regions, std::int64_t size) {
    return code_of([&] { picture(regions, size); });
  };
  CHECK(code({{0, 4}, {4, 4}}, 8) == std::error_code{});
  for (auto const& regions :
       {Regions{{4, 4}, {0, 4}}, Regions{{0, 5}, {4, 4}}, Regions{{-1, 2}}, Regions{{0, -1}},
        Regions{{most, 1}}, Regions{{1, most}}, Regions{{0, 9}}, Regions{{9, 0}}})
    CHECK(code(regions, 8) == Errc::corrupt_archive);
  CHECK(code({}, -1) == Errc::corrupt_archive);
}

TEST_CASE("which version a file's records tell of", "[archive][sparse_map]") {
  auto const where = [](std::vector<std::pair<std::string, std::string>> const& given) {
    SparseRecords records;
    for (auto const& [key, value] : given) records.take("GNU.sparse." + key, value);
    return records.where();
  };
  using enum SparseRecords::Map;
  CHECK(where({}) == none);
  CHECK(where({{"size", "7"}}) == none);
  CHECK(where({{"map", "0,1"}}) == in_header);
  CHECK(where({{"offset", "0"}, {"numbytes", "1"}}) == in_header);
  CHECK(where({{"major", "0"}, {"minor", "0"}}) == in_header);
  CHECK(where({{"major", "0"}, {"minor", "1"}}) == in_header);
  CHECK(where({{"major", "1"}, {"minor", "0"}}) == in_data);
  CHECK(where({{"major", "2"}, {"minor", "0"}, {"map", "0,1"}}) == none);
  CHECK(where({{"minor", "0"}, {"map", "0,1"}}) == none);
}

TEST_CASE("a version that nobody knows is a file like any other", "[archive][sparse_map]") {
  auto const entries = tar_tools::read_tar(pax("1.1", "0\n", record("GNU.sparse.name", "n")) + end_of_tar);
  REQUIRE(entries.size() == 1);
  CHECK(entries[0].header.name == "GNUSparseFile.0/f");
  CHECK(entries[0].content == "0\n");
  CHECK_FALSE(entries[0].header.sparse);
}

TEST_CASE("hostile maps end in an error, soon and in little memory", "[archive][sparse_map]") {
  auto const data = [](std::string const& map) { return padded(map) + "xxxx"; };
  auto const size = record("GNU.sparse.realsize", "1000");
  CHECK(code_of_tar(pax("1.0", data("1\n0\n4\n"), size)) == std::error_code{});
  for (auto const& map : {"1\n4\n", "1\n998\n4\n", "2\n8\n2\n4\n2\n", "2\n8\n2\n9\n2\n", "-1\n", "1\n-4\n4\n",
                          "9223372036854775807\n", "4611686018427387905\n0\n4\n", "x\n", "\n0\n4\n",
                          "1000000000000000000000000000000\n", "1\n0\n5\n", "1\n0\n3\n", "0\n"})
    CHECK(code_of_tar(pax("1.0", data(map), size)) == Errc::corrupt_archive);
  CHECK(code_of_tar(pax("1.0", "", size)) == Errc::corrupt_archive);
  CHECK(code_of_tar(pax("1.0", std::string(512, '0'), size)) == Errc::corrupt_archive);
  CHECK(code_of_tar(pax("1.0", data("1\n0\n4\n"), record("GNU.sparse.realsize", "-1"))) ==
        Errc::corrupt_archive);
  CHECK(code_of_tar(pax("1.0", data("1\n0\n4\n"), record("GNU.sparse.realsize", "big"))) ==
        Errc::corrupt_archive);
  for (auto const& records :
       {record("GNU.sparse.map", "0,4,"), record("GNU.sparse.map", "0"), record("GNU.sparse.map", "0,4,5,0"),
        record("GNU.sparse.map", ""), record("GNU.sparse.offset", "0"), record("GNU.sparse.numbytes", "4"),
        record("GNU.sparse.offset", "0") + record("GNU.sparse.offset", "0"),
        record("GNU.sparse.offset", "0,4") + record("GNU.sparse.numbytes", "4")})
    CHECK(code_of_tar(pax("0.1", "xxxx", size + record("GNU.sparse.numblocks", "1") + records)) ==
          Errc::corrupt_archive);
  CHECK(code_of_tar(pax("0.1", "xxxx", size + record("GNU.sparse.map", "0,4"))) == Errc::corrupt_archive);
  CHECK(code_of_tar(gnu({{4, 4}, {0, 4}}, 100, "xxxxyyyy")) == Errc::corrupt_archive);
  CHECK(code_of_tar(gnu({{0, 4}}, 3, "xxxx")) == Errc::corrupt_archive);
  CHECK(code_of_tar(gnu({{0, 3}}, 100, "xxxx")) == Errc::corrupt_archive);
  CHECK(code_of_tar(gnu({{0, 5}}, 100, "xxxx")) == Errc::corrupt_archive);
  CHECK(code_of_tar(raw_header("f", 'S')) == Errc::corrupt_archive);
  auto directory = extension('x', record("GNU.sparse.major", "0") + record("GNU.sparse.minor", "1") +
                                      record("GNU.sparse.numblocks", "0") + record("GNU.sparse.map", ""));
  CHECK(code_of_tar(directory + raw_header("f", '0')) == std::error_code{});
  CHECK(code_of_tar(directory + raw_header("d", '5')) == Errc::corrupt_archive);
}

TEST_CASE("sizes that no archive stores count against a budget of their own", "[archive][sparse_map]") {
  auto const huge = [](std::string const& size) {
    return pax("1.0", padded("0\n"), record("GNU.sparse.size", size));
  };
  CHECK(code_of_tar(huge("9223372036854775807")) == Errc::over_budget);
  CHECK(code_of_tar(huge("9223372036854775807"), {.sparse_bytes = most}) == std::error_code{});
  CHECK(code_of_tar(huge("600") + huge("400"), {.sparse_bytes = 1000}) == std::error_code{});
  CHECK(code_of_tar(huge("600") + huge("401"), {.sparse_bytes = 1000}) == Errc::over_budget);
  Regions many;
  std::string stored;
  for (std::int64_t i = 0; i < 100; ++i, stored += 'x') many.emplace_back(2 * i, 1);
  CHECK(code_of_tar(gnu(many, 200, stored), {.sparse_regions = 100}) == std::error_code{});
  CHECK(code_of_tar(gnu(many, 200, stored), {.sparse_regions = 99}) == Errc::over_budget);
}

TEST_CASE("GNU's maps go on in further blocks", "[archive][sparse_map]") {
  for (std::int64_t const count : {0, 1, 4, 5, 25, 26, 46, 47, 100}) {
    Regions regions;
    std::string whole, stored;
    for (std::int64_t i = 0; i < count; ++i) {
      regions.emplace_back(3 * i + 1, 2);
      whole += std::string("\0ab", 3);
      stored += "ab";
    }
    whole += std::string(5, '\0');
    auto const tar = gnu(regions, 3 * count + 5, stored) + raw_header("next", '0') + end_of_tar;
    for (std::size_t const chunk : {100U, 512U, 100000U}) {
      auto const entries = tar_tools::read_tar(tar, chunk);
      REQUIRE(entries.size() == 2);
      CHECK(entries[0].content == whole);
      CHECK(entries[0].header.sparse);
      CHECK_FALSE(entries[1].header.sparse);
    }
  }
}
