#include <strata/tree/override_stat.hpp>

#include <catch2/catch.hpp>

#include <string>

using namespace strata::archive;

namespace {
TarHeader header(EntryType type, unsigned mode) {
  return {
      .name = "x", .type = type, .mode = mode, .uid = 7, .gid = 8, .size = 5, .dev_major = 5, .dev_minor = 1};
}
TarHeader read(std::string const& text) {
  auto out = header(EntryType::regular, 0755);
  INFO(text);
  CHECK(apply_override_stat(text, out));
  return out;
}
}  // namespace

TEST_CASE("what a file really is, is written as containers/storage 1.55 does", "[archive][override]") {
  CHECK(override_stat_text(header(EntryType::regular, 04755)) == "7:8:4755:file");
  CHECK(override_stat_text(header(EntryType::directory, 01777)) == "7:8:1777:dir");
  CHECK(override_stat_text(header(EntryType::symlink, 0777)) == "7:8:0777:symlink");
  CHECK(override_stat_text(header(EntryType::fifo, 0600)) == "7:8:0600:pipe");
  CHECK(override_stat_text(header(EntryType::char_device, 0600)) == "7:8:0600:char-5-1");
  CHECK(override_stat_text(header(EntryType::block_device, 0)) == "7:8:0000:block-5-1");
}

TEST_CASE("it is read with three fields, four, or more", "[archive][override]") {
  for (auto const* text : {"1:2:0644", "1:2:644:file", "1:2:100644:file:more"}) {
    auto const got = read(text);
    CHECK(got.type == EntryType::regular);
    CHECK(got.uid == 1);
    CHECK(got.gid == 2);
    CHECK(got.mode == 0644);
    CHECK(got.size == 5);
  }
  CHECK(read("0:0:4755:file").mode == 04755);
  CHECK(read("0:0:0600:pipe").type == EntryType::fifo);
  CHECK(read("0:0:0600:pipe").size == 0);
  auto const device = read("0:0:0600:block-8-17-9:1");  // what follows the minor number is passed over
  CHECK(device.type == EntryType::block_device);
  CHECK(device.dev_minor == 17);
}

TEST_CASE("a device is one again", "[archive][override]") {
  auto const device = read("0:0:0600:block-8-17");
  CHECK(device.type == EntryType::block_device);
  CHECK(device.dev_major == 8);
  CHECK(device.dev_minor == 17);
  auto directory = header(EntryType::directory, 0755);
  CHECK(apply_override_stat("0:0:1777:pipe", directory));
  CHECK(directory.type == EntryType::directory);
}

TEST_CASE("what cannot be read changes nothing", "[archive][override]") {
  for (auto const* text : {"", "1", "1:2", "1:2:", "a:2:0644", "1:2:9", "-1:2:0644", "1:2:0644:char-x-1"}) {
    auto out = header(EntryType::regular, 0755);
    INFO(text);
    CHECK_FALSE(apply_override_stat(text, out));
    CHECK(out.mode == 0755);
    CHECK(out.uid == 7);
    CHECK(out.type == EntryType::regular);
  }
}
