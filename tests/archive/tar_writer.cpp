#include <strata/archive/tar_writer.hpp>

#include <catch2/catch.hpp>

#include "tar_tools.hpp"
#include <string>

using namespace strata;
using namespace strata::archive;
using tar_tools::Entry;
using tar_tools::file;
using tar_tools::read_tar;
using tar_tools::write_tar;

namespace {

std::string field(std::string const& tar, std::size_t block, std::size_t at, std::size_t size) {
  return tar.substr(block * 512 + at, size);
}
std::string text(std::string const& tar, std::size_t block, std::size_t at) {
  return tar.substr(block * 512 + at).c_str();
}

std::vector<Entry> all_kinds() {
  std::vector<Entry> entries;
  entries.push_back(file("plain", "hello"));
  entries.back().header.mode = 06755;
  entries.back().header.mtime = {981173106, 0};
  entries.push_back({.header = {.name = "dir/", .type = EntryType::directory, .mode = 01777}});
  entries.push_back(file("dir/" + std::string(512 * 200, 'x').substr(0, 80), std::string(200'000, 'y')));
  entries.push_back(file("dir/block", std::string(512, 'b')));
  entries.push_back(
      {.header = {.name = "sym", .link_name = "plain", .type = EntryType::symlink, .mode = 0777}});
  entries.push_back(
      {.header = {.name = "hard", .link_name = "plain", .type = EntryType::hard_link, .mode = 0644}});
  entries.push_back({.header = {.name = "fifo", .type = EntryType::fifo, .mode = 0600}});
  entries.push_back(
      {.header = {
           .name = "chr", .type = EntryType::char_device, .mode = 0620, .dev_major = 4, .dev_minor = 64}});
  entries.push_back({.header = {.name = "blk",
                                .type = EntryType::block_device,
                                .mode = 0660,
                                .dev_major = 259,
                                .dev_minor = 1048575}});
  entries.push_back(file(std::string(60, 'd') + '/' + std::string(100, 'e'), "split"));
  entries.push_back(file(std::string(101, 'n'), "pax"));
  entries.push_back(file("ünï/" + std::string(150, 'x') + "/çode", "utf-8"));
  entries.push_back(file("b\xe9", "latin"));
  entries.push_back(file("ids"));
  entries.back().header.uid = 2097152;
  entries.back().header.gid = 4'000'000'000;
  entries.push_back(file("negative"));
  entries.back().header.mtime = {-5, 0};
  entries.push_back(file("future"));
  entries.back().header.mtime = {8589934592, 0};
  entries.push_back(file("xattrs", "x"));
  entries.back().header.xattrs = {
      {"security.capability", std::string("\1\0\0\2=\n", 6)}, {"user.a", ""}, {"user.b", "v"}};
  entries.push_back(
      {.header = {
           .name = "link", .link_name = std::string(101, 't'), .type = EntryType::symlink, .mode = 0777}});
  entries.push_back(
      {.header = {.name = "utf-8 link", .link_name = "ü", .type = EntryType::symlink, .mode = 0777}});
  entries.push_back(file("names"));
  entries.back().header.user_name = "user";
  entries.back().header.group_name = std::string(33, 'g');
  return entries;
}

}  // namespace

TEST_CASE("what is written is read back the same", "[archive][tar_writer]") {
  auto const entries = all_kinds();
  auto const tar = write_tar(entries);
  CHECK(tar.size() % 512 == 0);
  auto const back = read_tar(tar, 1000);
  REQUIRE(back.size() == entries.size());
  for (std::size_t i = 0; i < entries.size(); ++i) {
    INFO(entries[i].header.name);
    CHECK(back[i] == entries[i]);
  }
}

TEST_CASE("GNU tar reads what is written", "[archive][tar_writer]") {
  tar_tools::Directory dir;
  dir.put("t.tar", write_tar(all_kinds()));
  dir.run(
      "mkdir out && tar --no-same-owner -C out -xf t.tar --exclude=chr --exclude=blk 2>err && ! grep -v "
      "'time stamp' err");
  CHECK(dir.get("out/plain") == "hello");
  CHECK(dir.get("out/hard") == "hello");
  CHECK(dir.get("out/dir/" + std::string(80, 'x')) == std::string(200'000, 'y'));
  CHECK(dir.get("out/" + std::string(60, 'd') + '/' + std::string(100, 'e')) == "split");
  CHECK(dir.get("out/" + std::string(101, 'n')) == "pax");
  CHECK(dir.get("out/ünï/" + std::string(150, 'x') + "/çode") == "utf-8");
}

TEST_CASE("a header that ustar can hold has the bytes of Go's archive/tar", "[archive][tar_writer]") {
  auto entry = file("a/b", "hi");
  entry.header.mode = 04755;
  entry.header.uid = 2097151;
  entry.header.mtime = {8589934591, 999};
  entry.header.atime = FileTime{5, 5};
  auto const tar = write_tar({entry});
  CHECK(tar.size() == 512 + 512 + 1024);
  CHECK(field(tar, 0, 0, 4) == std::string("a/b\0", 4));
  CHECK(field(tar, 0, 100, 48) == std::string("0004755\0"
                                              "7777777\0"
                                              "0000000\0"
                                              "00000000002\0"
                                              "77777777777\0",
                                              48));
  CHECK(field(tar, 0, 154, 3) == std::string("\0 0", 3));
  CHECK(field(tar, 0, 257, 8) == std::string("ustar\00000", 8));
  CHECK(field(tar, 0, 265, 64) == std::string(64, '\0'));
  CHECK(field(tar, 0, 329, 16) == std::string("0000000\0"
                                              "0000000\0",
                                              16));
  CHECK(tar.substr(1024) == std::string(1024, '\0'));
}

TEST_CASE("long names are split at the last slash that fits, else recorded", "[archive][tar_writer]") {
  struct {
    std::string name, prefix, rest;
  } const cases[] = {
      {std::string(100, 'a'), "", std::string(100, 'a')},
      {"p/" + std::string(100, 'a'), "p", std::string(100, 'a')},
      {std::string(155, 'p') + '/' + std::string(100, 'a'), std::string(155, 'p'), std::string(100, 'a')},
      {std::string(99, 'p') + "/a/", std::string(99, 'p'), "a/"},
  };
  for (auto const& [name, prefix, rest] : cases) {
    auto const tar = write_tar({file(name)});
    CHECK(tar.size() == 512 + 1024);
    CHECK(text(tar, 0, 345) == prefix);
    CHECK(field(tar, 0, 0, 100).substr(0, rest.size()) == rest);
  }
  for (auto const& name : {std::string(101, 'a'), std::string(156, 'p') + "/a",
                           std::string(10, 'p') + '/' + std::string(101, 'a'), '/' + std::string(100, 'a'),
                           std::string(100, 'a') + '/'}) {
    auto const tar = write_tar({file(name)});
    CHECK(tar[156] == 'x');
    CHECK(text(tar, 2, 345).empty());
    CHECK(read_tar(tar).at(0).header.name == name);
  }
}

TEST_CASE("PAX headers are called and filled as Go's archive/tar does", "[archive][tar_writer]") {
  auto entry = file("dir/" + std::string(60, 'd') + "/ü" + std::string(60, 'f'));
  entry.header.uid = 3000000;
  entry.header.xattrs = {{"user.b", "2"}, {"user.a", "1"}};
  auto const tar = write_tar({entry});
  CHECK(tar[156] == 'x');
  CHECK(field(tar, 0, 0, 100) ==
        ("dir/" + std::string(60, 'd') + "/PaxHeaders.0/" + std::string(60, 'f')).substr(0, 100));
  CHECK(field(tar, 0, 100, 24) == std::string("0000000\0"
                                              "0000000\0"
                                              "0000000\0",
                                              24));
  CHECK(field(tar, 0, 329, 16) == std::string(16, '\0'));
  auto const want = tar_tools::record("SCHILY.xattr.user.a", "1") +
                    tar_tools::record("SCHILY.xattr.user.b", "2") +
                    tar_tools::record("path", entry.header.name) + tar_tools::record("uid", "3000000");
  CHECK(text(tar, 1, 0) == want);
  CHECK(field(tar, 2, 0, 100) == ("dir/" + std::string(60, 'd') + "/" + std::string(60, 'f')).substr(0, 100));
  CHECK(field(tar, 2, 108, 8) == std::string("0000000\0", 8));
  struct {
    std::string name, pax;
  } const names[] = {{"f\xc3\xbc", "PaxHeaders.0/f"},
                     {"d\xc3\xbc/", "d/PaxHeaders.0"},
                     {"/\xc3\xbcx", "/PaxHeaders.0/x"},
                     {"./a/../\xc3\xbc"
                      "b",
                      "PaxHeaders.0/b"}};
  for (auto const& [name, pax] : names) CHECK(text(write_tar({file(name)}), 0, 0) == pax);
}

TEST_CASE("a record's length counts its own digits", "[archive][tar_writer]") {
  for (std::size_t size = 1; size < 1200; ++size) {
    auto entry = file("f");
    entry.header.xattrs = {{"user.k", std::string(size, 'v')}};
    REQUIRE(read_tar(write_tar({entry})).at(0) == entry);
  }
}

TEST_CASE("payload must be as long as its header says", "[archive][tar_writer]") {
  tar_tools::Text out;
  auto const entry = file("culprit", "12345");
  for (auto const* content : {"1234", "123456", ""}) {
    TarWriter writer(out);
    tar_tools::Chunks body(content, 2);
    CHECK(tar_tools::code_of([&] { writer.add(entry.header, &body); }) == Errc::corrupt_archive);
  }
  TarWriter writer(out);
  writer.add(entry.header);
  writer.write(as_bytes("12"));
  CHECK(tar_tools::code_of([&] { writer.finish(); }) == Errc::corrupt_archive);
  CHECK(tar_tools::code_of([&] { writer.add(entry.header); }) == Errc::corrupt_archive);
  CHECK(tar_tools::code_of([&] { writer.write(as_bytes("3456")); }) == Errc::corrupt_archive);
}

TEST_CASE("what no tar can hold is refused", "[archive][tar_writer]") {
  tar_tools::Text out;
  TarWriter writer(out);
  auto const add = [&](TarHeader const& header) { return tar_tools::code_of([&] { writer.add(header); }); };
  CHECK(add({.name = std::string("a\0b", 3)}) == Errc::unsupported);
  CHECK(add({.name = "d", .type = EntryType::char_device, .dev_major = 2097152}) == Errc::unsupported);
  CHECK(add({.name = "x", .xattrs = {{"user.a=b", "c"}}}) == Errc::unsupported);
  CHECK(add({.name = "x", .xattrs = {{"", "c"}}}) == Errc::unsupported);
}
