#include <strata/codec/all.hpp>
#include <strata/fs.hpp>
#include <strata/oci/directory.hpp>
#include <strata/oci/docker_archive.hpp>
#include <strata/oci/docker_archive_writer.hpp>
#include <strata/oci/oci_archive.hpp>
#include <strata/oci/oci_layout.hpp>
#include <strata/sys/file.hpp>
#include <strata/testing/image_source_suite.hpp>

#include <boost/filesystem/fstream.hpp>
#include <catch2/catch.hpp>

#include "../archive/tar_tools.hpp"
#include "../oci/oci_tools.hpp"
#include <map>
#include <sstream>
#include <string>

// Images as podman, skopeo, buildah and umoci write them: data/README.md.

namespace {

using namespace strata;
using oci::DockerArchive;
using oci::OciArchive;
using oci::OciLayout;

fs::path stored(std::string const& name) {
  return fs::path(STRATA_HEADERS) / "../../tests/data/images" / (name + ".tar.zst");
}

/// Unpacks a directory that was kept as an archive.
fs::path unpacked(tar_tools::Directory const& place, std::string const& name) {
  if (!fs::exists(place.path / name))
    place.run("mkdir " + name + " && tar --zstd -C " + name + " -xf '" + stored(name).native() + "'");
  return place.path / name;
}

/// An archive as the program wrote it.
std::string bytes_of(std::string const& name) {
  return testing::read_all(codec::Zstd::decompress(file_source(stored(name))));
}

template <class S>
void check_found(S const& source, std::string const& reference, std::string const& digest) {
  auto const raw = source.manifest(reference);
  CHECK(Digest::of(as_bytes(raw.bytes)).str() == digest);
  if (oci::is_index(oci::manifest_type(raw.bytes, raw.media_type))) {
    auto const index = oci::Index::parse(raw.bytes, raw.media_type);
    for (auto const& child : index.manifests()) testing::image_source_suite(source, child.digest.str());
  } else {
    testing::image_source_suite(source, reference);
  }
}

}  // namespace

TEST_CASE("each image of other programs is found as skopeo finds it", "[data][golden_images]") {
  tar_tools::Directory const place;
  fs::ifstream manifests(stored("manifests").parent_path() / "manifests");
  std::size_t lines = 0;
  for (std::string line; std::getline(manifests, line); ++lines) {
    INFO(line);
    std::istringstream words(line);
    std::string name, kind, reference, digest;
    words >> name >> kind >> reference >> digest;
    if (reference == "-") reference.clear();
    if (kind == "docker-archive")
      check_found(DockerArchive(stored(name)), reference, digest);
    else if (kind == "oci-archive")
      check_found(OciArchive(stored(name)), reference, digest);
    else if (kind == "oci")
      check_found(OciLayout(unpacked(place, name)), reference, digest);
    else
      check_found(oci::Directory(unpacked(place, name)), reference, digest);
  }
  CHECK(lines == 18);
}

TEST_CASE("a docker-archive is written with the bytes that podman and skopeo write",
          "[data][golden_images]") {
  std::string const name =
      GENERATE("podman-docker-archive", "podman-docker-archives", "skopeo-docker-archive");
  auto const theirs = bytes_of(name);
  DockerArchive const source(memory_source(theirs), name);
  std::string ours;
  oci::DockerArchiveWriter writer(string_sink(ours), name);
  for (auto const& reference : source.references())
    oci_tools::copy(source, reference, writer, reference.starts_with('@') ? "" : reference);
  writer.finish();
  CHECK((ours == theirs));
}

TEST_CASE("layouts and directories get the files that podman and skopeo write", "[data][golden_images]") {
  tar_tools::Directory const place;
  auto const same = [&](std::string const& theirs) {
    place.run("diff -r '" + unpacked(place, theirs).native() + "' ours && rm -r ours");
  };
  OciLayout layout(place.path / "ours", Flush::none);
  oci_tools::copy(OciLayout(unpacked(place, "podman-oci-dir")), "", layout, "localhost/two:1");
  layout.finish();
  same("podman-oci-dir");

  // One name goes from one image to another.
  OciLayout const theirs(unpacked(place, "skopeo-oci"));
  auto const first = theirs.references().front();
  REQUIRE(first.starts_with("sha256:"));
  for (auto const& [reference, name] :
       {std::pair<std::string, std::string>{first, "first"}, {"second", "second"}, {"first", "first"}}) {
    oci_tools::copy(theirs, reference, layout, name);
    layout.finish();
  }
  same("skopeo-oci");

  oci_tools::copy(OciLayout(unpacked(place, "buildah-list")), "all", layout, "all");
  layout.finish();
  same("buildah-list");

  for (std::string const name : {"podman-docker-dir", "skopeo-dir", "skopeo-list-dir"}) {
    oci::Directory directory(place.path / "ours", Flush::none);
    oci_tools::copy(oci::Directory(unpacked(place, name)), "", directory, "");
    directory.finish();
    same(name);
  }
}
