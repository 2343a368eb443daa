#include <strata/archive/gzip_lines.hpp>

#include <catch2/catch.hpp>

#include "tar_tools.hpp"
#include <string>
#include <vector>

using namespace strata;
using namespace strata::archive;
using tar_tools::Chunks;
using tar_tools::code_of;
using tar_tools::Text;

namespace {
std::string packed(std::string_view text) {
  Text out;
  GzipTextWriter writer(out);
  writer.append(text);
  writer.finish();
  return out.text;
}
std::vector<std::string> lines_of(std::string const& gz, std::size_t chunk = 100'000,
                                  std::size_t limit = 1U << 30U) {
  Chunks in(gz, chunk);
  GzipLineReader reader(in, limit);
  std::vector<std::string> lines;
  while (auto const line = reader.next()) lines.emplace_back(*line);
  CHECK_FALSE(reader.next());
  return lines;
}
std::string long_text() {
  std::string text;
  for (int i = 0; i < 4000; ++i)
    text += std::string(static_cast<std::size_t>(i % 700), static_cast<char>('a' + i % 26)) +
            std::to_string(i * i) + '\n';
  return text + std::string(3'000'000, 'z') + "\n\nlast\n";
}
}  // namespace

TEST_CASE("text comes back line by line, however its gzip is cut", "[archive][gzip_lines]") {
  auto const text = long_text();
  auto const gz = packed(text);
  for (std::size_t const chunk : {std::size_t{1}, std::size_t{7}, std::size_t{4096}, gz.size()}) {
    std::string joined;
    for (auto const& line : lines_of(gz, chunk)) joined += line + '\n';
    CHECK(joined == text);
  }
  CHECK(lines_of(packed("")).empty());
  CHECK(lines_of(packed("\n")) == std::vector<std::string>{""});
  CHECK(lines_of(packed("a\nb")) == std::vector<std::string>{"a", "b"});
}

TEST_CASE("other programs read what is written, and the other way round", "[archive][gzip_lines]") {
  tar_tools::Directory dir;
  auto const text = long_text();
  dir.put("ours.gz", packed(text));
  dir.put("plain", text);
  dir.run("gzip -dc ours.gz | cmp - plain");
  dir.run(
      "gzip -9c plain > theirs.gz && (head -c 1000 plain | gzip -nc; tail -c +1001 plain | gzip -1c) > "
      "members.gz");
  dir.run("echo x > named && gzip -kN named");
  for (std::size_t const chunk : {std::size_t{1}, std::size_t{65536}}) {
    CHECK(lines_of(dir.get("theirs.gz"), chunk) == lines_of(packed(text)));
    CHECK(lines_of(dir.get("members.gz"), chunk) == lines_of(packed(text)));
    CHECK(lines_of(dir.get("named.gz"), chunk) == std::vector<std::string>{"x"});
  }
}

TEST_CASE("empty, cut off, changed and extended gzip data is damage", "[archive][gzip_lines]") {
  std::string text;
  for (int i = 0; i < 300; ++i) text += std::to_string(i * 7919) + '\n';
  auto const gz = packed(text);
  for (std::size_t size = 0; size < gz.size(); ++size)
    for (std::size_t const chunk : {std::size_t{1}, gz.size()})
      REQUIRE(code_of([&] { lines_of(gz.substr(0, size), chunk); }) == Errc::corrupt_tar_split);
  for (std::size_t at = 10; at < gz.size(); ++at) {
    auto changed = gz;
    changed[at] = static_cast<char>(changed[at] ^ 4);
    REQUIRE(code_of([&] { lines_of(changed); }) == Errc::corrupt_tar_split);
  }
  CHECK(code_of([&] { lines_of(gz + "x"); }) == Errc::corrupt_tar_split);
  CHECK(code_of([&] { lines_of(gz + gz.substr(0, 15)); }) == Errc::corrupt_tar_split);
  CHECK(code_of([&] { lines_of(text); }) == Errc::corrupt_tar_split);
  CHECK(lines_of(gz + gz).size() == 600);
}

TEST_CASE("a line without end does not take all memory", "[archive][gzip_lines]") {
  CHECK(code_of([&] { lines_of(packed(std::string(8'000'000, 'x')), 100'000, 1'000'000); }) ==
        Errc::corrupt_tar_split);
}
