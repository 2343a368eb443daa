#include <strata/sys/mount_entry.hpp>

#include <catch2/catch.hpp>

#include <string>
#include <vector>

using namespace strata;

TEST_CASE("mountinfo lines are taken apart", "[sys][mount_entry]") {
  auto const entry = sys::parse_mount_line(
      "36 35 98:0 /mnt1 /mnt\\0402\\011\\012\\134x rw,noatime master:1 shared:7 - ext3 /dev/root "
      "rw,errors=continue");
  REQUIRE(entry);
  CHECK(entry->id == 36);
  CHECK(entry->parent == 35);
  CHECK(entry->device == makedev(98, 0));
  CHECK(entry->root == "/mnt1");
  CHECK(entry->point == "/mnt 2\t\n\\x");
  CHECK(entry->options == "rw,noatime");
  CHECK(entry->propagation == "master:1 shared:7");
  CHECK(entry->type == "ext3");
  CHECK(entry->source == "/dev/root");
  CHECK(entry->super_options == "rw,errors=continue");
  auto const plain = sys::parse_mount_line("1 2 0:3 / / rw - tmpfs  rw");  // an empty source
  REQUIRE(plain);
  CHECK(plain->propagation.empty());
  CHECK(plain->source.empty());
  CHECK(plain->super_options == "rw");
  for (auto const* line :
       {"", "1 2 3", "36 35 98:0 / /mnt rw shared:1 ext3 /dev/root rw", "1 2 0:3 / / rw x x -",
        "99999999999 2 0:3 / / rw - tmpfs x rw", "1 -2 0:3 / / rw - tmpfs x rw",
        "1 2 0:4294967296 / / rw - tmpfs x rw", "1 2 3 / / rw - tmpfs x rw", "x 2 0:3 / / rw - tmpfs x rw"})
    CHECK_FALSE(sys::parse_mount_line(line));
  CHECK(sys::unescape_mount_field("a\\04") == "a\\04");
  CHECK(sys::unescape_mount_field("\\040") == " ");
  CHECK(sys::unescape_mount_field("\\") == "\\");
}

TEST_CASE("of a mountinfo text the lines that can be read are used, in their order", "[sys][mount_entry]") {
  auto const points = [](std::string const& text) {
    std::vector<std::string> out;
    sys::for_each_mount(text, [&](sys::MountEntry const& entry) { out.push_back(entry.point.native()); });
    return out;
  };
  CHECK(points("").empty());
  CHECK(points("\n\n").empty());
  std::string const one = "1 2 0:3 / /one rw - tmpfs x rw", two = "4 1 0:3 / /two rw - tmpfs x rw";
  CHECK(points(one + "\n" + two + "\n") == std::vector<std::string>{"/one", "/two"});
  CHECK(points(one + "\nno line of that kind\n" + two) == std::vector<std::string>{"/one", "/two"});
}

TEST_CASE("this process sees its root mounted", "[sys][mount_entry]") {
  auto const all = sys::mounts();
  REQUIRE_FALSE(all.empty());
  bool has_root = false, has_proc = false;
  for (auto const& entry : all) {
    has_root = has_root || entry.point.native() == "/";
    has_proc = has_proc || (entry.point.native() == "/proc" && entry.type == "proc");
  }
  CHECK(has_root);
  CHECK(has_proc);
}
