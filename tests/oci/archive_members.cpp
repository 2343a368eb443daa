#include <strata/codec/all.hpp>
#include <strata/oci/archive_members.hpp>
#include <strata/sys/file.hpp>
#include <strata/sys/stream.hpp>

#include <catch2/catch.hpp>

#include "../archive/tar_tools.hpp"
#include "oci_tools.hpp"
#include <sys/stat.h>
#include <thread>

using namespace strata;

namespace archive_members_tests {  // several files of tests are compiled as one

using oci::ArchiveMembers;
using oci_tools::system;
using tar_tools::Directory;
using tar_tools::Entry;

namespace {

Entry link_to(std::string name, std::string target, archive::EntryType type = archive::EntryType::symlink) {
  return {.header = {.name = std::move(name), .link_name = std::move(target), .type = type, .mode = 0777}};
}
Entry hard_link_to(std::string name, std::string target) {
  return link_to(std::move(name), std::move(target), archive::EntryType::hard_link);
}

ArchiveMembers members_of(std::vector<Entry> const& entries) {
  return ArchiveMembers(memory_source(tar_tools::write_tar(entries)), "test.tar");
}

std::error_code error_of(std::function<void()> const& call) {
  try {
    call();
  } catch (Error const& error) {
    INFO(error.what());
    CHECK(error.path().ends_with(".tar"));  // each error names the archive
    CHECK(error.subject().find(".tar") != std::string::npos);
    return error.code();
  }
  return {};
}

std::string const large(3'000'000, 'x');

}  // namespace

TEST_CASE("members of an archive are read in any order and in parts", "[oci][archive_members]") {
  Directory const place;
  place.put("a.tar",
            tar_tools::write_tar({tar_tools::file("./one", "first"), tar_tools::file("/d/two", large),
                                  tar_tools::file("three", ""), tar_tools::file("one", "second"),
                                  tar_tools::file(std::string(150, 'n'), "long name")}));
  ArchiveMembers const members(place.path / "a.tar");
  CHECK(members.name() == (place.path / "a.tar").native());
  CHECK(members.read(std::string(150, 'n'), 100) == "long name");
  CHECK(members.read("d/two", large.size()) == large);
  CHECK(members.read("one", 100) == "second");  // of two members the last one counts
  CHECK(members.read("./one", 100) == "second");
  CHECK(members.read("three", 0).empty());
  CHECK(members.size("/d/two") == large.size());
  CHECK(members.contains("three"));
  CHECK_FALSE(members.contains("two"));
  CHECK_FALSE(members.contains("d"));
  auto part = members.open("one", {2, 3});
  CHECK(as_text(part.next()) == "con");
  CHECK(part.next().empty());
  CHECK(error_of([&] { members.open("one", {4, 3}); }) == Errc::corrupt_archive);
  CHECK(error_of([&] { members.open("two"); }) == system(ENOENT));
  CHECK(error_of([&] { members.read("one", 5); }) == Errc::over_budget);
}

TEST_CASE("an archive is unpacked if it is compressed or comes from a pipe", "[oci][archive_members]") {
  Directory const place;
  place.put("a.tar", tar_tools::write_tar({tar_tools::file("one", "1"), tar_tools::file("two", large)}));
  std::string const command = GENERATE("gzip", "zstd -q", "xz -0", "bzip2");
  place.run(command + " -k a.tar && rm -f a.tar.raw && mv a.tar.* packed.tar");
  auto const check = [&](ArchiveMembers const& members) {
    CHECK(members.read("two", large.size()) == large);
    CHECK(members.read("one", 1) == "1");
  };
  check(ArchiveMembers(place.path / "packed.tar"));
  check(ArchiveMembers(file_source(place.path / "packed.tar"), "stdin"));
  check(ArchiveMembers(file_source(place.path / "a.tar"), "stdin"));
  place.run("mkfifo fifo.tar");
  std::thread writer([&] { place.run("cat packed.tar > fifo.tar"); });
  check(ArchiveMembers(place.path / "fifo.tar"));
  writer.join();
  CHECK(error_of([&] { ArchiveMembers(place.path / "packed.tar", {.plain_bytes = 100'000}); }) ==
        Errc::over_budget);
  CHECK(error_of([&] { ArchiveMembers(place.path / "packed.tar", {}, codec::List<>()); }) ==
        Errc::unsupported_compression);
  auto const packed = place.get("packed.tar");
  place.put("cut.tar", packed.substr(0, packed.size() / 2));
  CHECK(error_of([&] { ArchiveMembers(place.path / "cut.tar"); }) == Errc::corrupt_archive);
}

TEST_CASE("an archive is unpacked where the options say", "[oci][archive_members]") {
  auto const tar = tar_tools::write_tar({tar_tools::file("one", "1")});
  auto const missing = [&] {
    ArchiveMembers(memory_source(tar), "test.tar", {.scratch = "/nowhere/at/all"});
  };
  CHECK(tar_tools::code_of(missing) == system(ENOENT));
}

TEST_CASE("links are followed within an archive", "[oci][archive_members]") {
  auto const members = members_of({
      tar_tools::file("base/layer.tar", "layer"),
      link_to("top/layer.tar", "../base/layer.tar"),
      link_to("early", "late"),
      tar_tools::file("late", "late"),
      link_to("renamed", "base"),
      link_to("deep/down", "../renamed"),
      tar_tools::file("first", "old"),
      hard_link_to("second", "./first"),
      tar_tools::file("first", "new"),
      hard_link_to("to link", "early"),
      hard_link_to("before", "/behind"),
      tar_tools::file("behind", "behind"),
      link_to("dot", "./base/../base/./layer.tar"),
  });
  CHECK(members.read("top/layer.tar", 10) == "layer");
  CHECK(members.read("early", 10) == "late");
  CHECK(members.read("renamed/layer.tar", 10) == "layer");
  CHECK(members.read("deep/down/layer.tar", 10) == "layer");
  CHECK(members.read("second", 10) == "old");
  CHECK(members.read("first", 10) == "new");
  CHECK(members.read("to link", 10) == "late");
  CHECK(members.read("before", 10) == "behind");
  CHECK(members.read("dot", 10) == "layer");
  CHECK(members.size("top/layer.tar") == 5);
}

TEST_CASE("links in a circle, to nothing, and out of an archive are errors", "[oci][archive_members]") {
  auto const members = members_of({
      link_to("self", "self"),
      link_to("one", "two"),
      link_to("two", "d/three"),
      link_to("d/three", "../one"),
      link_to("grows", "grows/more"),
      hard_link_to("hard", "hard"),
      link_to("nothing", "missing"),
      hard_link_to("hard nothing", "missing"),
      link_to("absolute", "/etc/passwd"),
      link_to("out", "../../etc/passwd"),
      hard_link_to("hard out", "../etc/passwd"),
      link_to("d/up", "../.."),
      tar_tools::file("etc/passwd", "not asked for"),
      {.header = {.name = "fifo", .type = archive::EntryType::fifo}},
  });
  for (auto const* const circle : {"self", "one", "two", "d/three", "grows", "hard"})
    CHECK(error_of([&] { members.open(circle); }) == system(ELOOP));
  for (auto const* const nothing : {"nothing", "hard nothing", "nothing/below"})
    CHECK(error_of([&] { members.open(nothing); }) == system(ENOENT));
  for (auto const* const outside : {"absolute", "out", "hard out", "d/up", "d/up/etc/passwd", "../x"})
    CHECK(error_of([&] { members.contains(outside); }) == Errc::unsafe_path);
  CHECK(error_of([&] { members.size("fifo"); }) == Errc::unsupported);
}

TEST_CASE("an archive whose names lead out of it is refused", "[oci][archive_members]") {
  for (auto const* const name : {"../evil", "a/../../evil", "./..", "/../evil/.."}) {
    INFO(name);
    CHECK(error_of([&] {
            members_of({tar_tools::file("good", "x"), tar_tools::file(name, "x")});
          }) == Errc::unsafe_path);
  }
}

TEST_CASE("a damaged or endless archive is an error that names it", "[oci][archive_members]") {
  auto const tar = tar_tools::write_tar({tar_tools::file("one", large), tar_tools::file("two", "x")});
  Directory const place;
  auto const open = [&](std::string const& bytes, oci::ArchiveOptions const& options = {}) {
    place.put("bad.tar", bytes);
    return error_of([&] { ArchiveMembers(place.path / "bad.tar", options); });
  };
  CHECK(open(tar.substr(0, 1000)) == Errc::corrupt_archive);               // within data
  CHECK(open(tar.substr(0, tar.size() - 2000)) == Errc::corrupt_archive);  // within a header
  CHECK(open("neither a tar nor anything else, but long enough for a block" + std::string(1000, '.')) ==
        Errc::corrupt_archive);
  CHECK(open(tar, {.entries = 1}) == Errc::over_budget);
  CHECK(open(tar, {.name_bytes = 5}) == Errc::over_budget);
  auto lying = tar;
  lying.replace(124, 11, "77777777777");  // 8 GiB
  tar_tools::seal(lying);
  CHECK(open(lying) == Errc::corrupt_archive);
  CHECK_FALSE(open(tar));
  CHECK_FALSE(open(""));
}

TEST_CASE("a sparse member is read whole", "[oci][archive_members]") {
  Directory const place;
  std::string const format = GENERATE("gnu", "posix");
  place.run(
      "truncate -s 1M holes && printf data >> holes && truncate -s 2M holes && echo after > plain && tar "
      "--format=" +
      format + " -cSf a.tar plain holes plain");
  ArchiveMembers const members(place.path / "a.tar");
  CHECK(members.size("holes") == 2U << 20U);
  CHECK(members.read("holes", 2U << 20U) == place.get("holes"));
  CHECK(members.read("plain", 10) == "after\n");
  CHECK(error_of([&] { members.open("holes", {0, 5}); }) == Errc::unsupported);
}

TEST_CASE("the index of an archive reads no data", "[oci][archive_members]") {
  Directory const place;
  // A member of 512 GiB, which is a hole of the archive: reading it would take minutes.
  place.put("a.tar", tar_tools::raw_header("huge", '0', std::string("\x80\0\0\0\0\0\0\x80\0\0\0\0", 12)));
  std::uint64_t const size = std::uint64_t{512} << 30U;
  fs::resize_file(place.path / "a.tar", 512 + size);
  fs::ofstream(place.path / "a.tar", std::ios::app | std::ios::binary)
      << tar_tools::write_tar({tar_tools::file("behind", "it")});
  ArchiveMembers const members(place.path / "a.tar");
  CHECK(members.size("huge") == size);
  CHECK(members.read("behind", 2) == "it");
}

}  // namespace archive_members_tests
