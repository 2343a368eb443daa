#include <strata/codec/all.hpp>
#include <strata/error.hpp>
#include <strata/oci/oci_archive.hpp>
#include <strata/sys/directory.hpp>
#include <strata/sys/file.hpp>
#include <strata/testing/image_destination_suite.hpp>
#include <strata/testing/image_source_suite.hpp>
#include <strata/testing/temp_dir.hpp>

#include <catch2/catch.hpp>

#include "../archive/tar_tools.hpp"
#include "oci_tools.hpp"
#include <algorithm>
#include <csignal>
#include <random>
#include <sys/mount.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace strata;

namespace oci_archive_tests {  // several files of tests are compiled as one

using oci::OciArchive;
using oci::OciArchiveWriter;
using oci_tools::error_of;
using oci_tools::system;
using testing::sample_image;
using testing::SampleImage;
using testing::TempDir;

namespace {

template <class... Arguments>
SampleImage save(std::string const& name, Arguments&&... arguments) {
  auto image = sample_image(name);
  OciArchiveWriter archive(std::forward<Arguments>(arguments)...);
  testing::detail::put_blobs(archive, image);
  archive.put_manifest(name, image.manifest);
  archive.finish();
  return image;
}

}  // namespace

TEST_CASE("OciArchive keeps the contracts of image sources and destinations", "[oci][oci_archive]") {
  auto const compression = GENERATE(Compression::none, Compression::zstd);
  testing::image_destination_suite<OciArchiveWriter, OciArchive>(
      [&](fs::path const& path) {
        return OciArchiveWriter(path, {.compression = compression, .flush = Flush::none});
      },
      [](fs::path const& path) { return OciArchive(path); });
}

TEST_CASE("an archive of a layout has the members of one, and the same bytes each time",
          "[oci][oci_archive]") {
  TempDir const place;
  auto const image = save("one", place / "a.tar");
  auto const bytes = sys::read_file(place / "a.tar");
  auto const entries = tar_tools::read_tar(bytes);
  std::vector<std::string> names;
  for (auto const& entry : entries) {
    names.push_back(entry.header.name);
    CHECK(entry.header.mtime.seconds == 0);
    CHECK(entry.header.mode == (entry.header.name.ends_with('/') ? 0755U : 0644U));
  }
  auto const blobs = image.blobs();
  auto const name_of = [](Digest const& digest) { return "blobs/sha256/" + std::string(digest.hex()); };
  CHECK(names == std::vector<std::string>{"blobs/", "blobs/sha256/", name_of(blobs[2].digest),
                                          name_of(blobs[1].digest), name_of(blobs[0].digest),
                                          name_of(image.parsed().digest()), "index.json", "oci-layout"});
  save("one", place / "b.tar");
  CHECK((sys::read_file(place / "b.tar") == bytes));
  CHECK((fs::status(place / "a.tar").permissions() & fs::perms_mask) == 0644);
  save("one", place / "dated.tar", oci::ArchiveWriterOptions{.time = 1'000'000'000});
  CHECK(tar_tools::read_tar(sys::read_file(place / "dated.tar"))[3].header.mtime.seconds == 1'000'000'000);
}

TEST_CASE("an archive is written to a stream, a pipe and through a link", "[oci][oci_archive]") {
  TempDir const place;
  std::string bytes;
  save("one", string_sink(bytes), "stdout");
  OciArchive(memory_source(bytes), "stdin").manifest("one");
  REQUIRE(::mkfifo((place / "fifo").c_str(), 0600) == 0);
  std::thread writer([&] { save("one", place / "fifo"); });
  CHECK(OciArchive(place / "fifo").references() == std::vector<std::string>{"one"});
  writer.join();
  CHECK(fs::status(place / "fifo").type() == fs::fifo_file);  // still there, and not replaced
  sys::replace_file(place / "file", "old");
  fs::create_symlink("file", place / "link");
  save("one", place / "link");
  CHECK(fs::is_symlink(fs::symlink_status(place / "link")));
  CHECK((sys::read_file(place / "file") == bytes));
}

TEST_CASE("an archive that is not finished leaves the one before", "[oci][oci_archive]") {
  TempDir const place;
  save("old", place / "a.tar");
  auto const before = sys::read_file(place / "a.tar");
  auto const image = sample_image("new");
  {
    OciArchiveWriter archive(place / "a.tar");
    testing::detail::put_blobs(archive, image);
  }
  {
    OciArchiveWriter archive(place / "a.tar");
    auto const blob = image.blobs().back();
    auto swapped = image.layers.back();
    swapped[0] ^= 1;
    CHECK(error_of([&] { archive.put_blob(blob, memory_source(swapped)); }, "a.tar") ==
          Errc::digest_mismatch);
    CHECK(error_of([&] { archive.finish(); }, "a.tar") == Errc::corrupt_archive);
  }
  CHECK((sys::read_file(place / "a.tar") == before));
  CHECK(sys::entries_of(place.path()) == std::vector{place / "a.tar"});
  CHECK(error_of([&] { OciArchiveWriter(place / "missing/a.tar"); }, "missing") == system(ENOENT));
}

TEST_CASE("neither a killed writer nor a full disk leaves a part of an archive", "[oci][oci_archive]") {
  if (::geteuid() != 0) return;
  TempDir const place;
  auto const disk = place / "disk";
  fs::create_directory(disk);
  REQUIRE(::mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=1m") == 0);
  save("old", disk / "a.tar");
  auto const before = sys::read_file(disk / "a.tar");
  auto const large = sample_image("large", 2, oci::Format::oci, 2'000'000);
  auto const compression = GENERATE(Compression::none, Compression::zstd);
  pid_t const child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    OciArchiveWriter archive(disk / "a.tar");
    archive.put_blob(large.blobs()[0], memory_source(large.config));
    ::raise(SIGKILL);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(WIFSIGNALED(status));
  std::string bytes(2'000'000, '\0');  // not those of a file: what they compress to must not fit
  std::ranges::generate(
      bytes, [random = std::minstd_rand()]() mutable { return static_cast<char>(random() >> 8U); });
  auto const noise = testing::sample_layer("noise", bytes);
  oci::Descriptor const blob{.media_type = "x", .digest = Digest::of(as_bytes(noise)), .size = noise.size()};
  CHECK(error_of(
            [&] {
              OciArchiveWriter archive(disk / "a.tar", {.compression = compression});
              archive.put_blob(blob, memory_source(noise));
              archive.finish();
            },
            "a.tar") == system(ENOSPC));
  CHECK((sys::read_file(disk / "a.tar") == before));
  CHECK(sys::entries_of(disk) == std::vector{disk / "a.tar"});
  CHECK(::umount2(disk.c_str(), MNT_DETACH) == 0);
}

TEST_CASE("an archive that is no layout is an error that names it", "[oci][oci_archive]") {
  auto const open = [](std::vector<tar_tools::Entry> const& entries) {
    return OciArchive(memory_source(tar_tools::write_tar(entries)), "x.tar");
  };
  CHECK(error_of([&] { open({}).manifest(""); }, "index.json in x.tar") == system(ENOENT));
  CHECK(error_of([&] { open({tar_tools::file("index.json", "{}")}).references(); }, "x.tar") ==
        Errc::corrupt_document);
  auto const image = sample_image("one");
  std::string bytes;
  save("one", string_sink(bytes), "x.tar");
  auto entries = tar_tools::read_tar(bytes);
  entries[2].header.name = "elsewhere";
  CHECK(error_of([&] { open(entries).blob(image.blobs()[2]); }, "x.tar") == system(ENOENT));
  entries[2].header.name = "../" + entries[2].header.name;
  CHECK(error_of([&] { open(entries); }, "x.tar") == Errc::unsafe_path);
}

}  // namespace oci_archive_tests
