// Files with holes through a whole store: what went in comes out, and is checked.
#include <strata/fs.hpp>
#include <strata/maintenance/check.hpp>
#include <strata/maintenance/repair.hpp>
#include <strata/sys/file.hpp>
#include <strata/sys/stream.hpp>

#include <boost/filesystem/fstream.hpp>
#include <catch2/catch.hpp>

#include "../archive/tar_tools.hpp"
#include "stores.hpp"
#include "tools/kept_time.hpp"
#include <string>
#include <sys/stat.h>
#include <vector>

using namespace strata;
namespace fs = boost::filesystem;

namespace {

constexpr auto formats = {"--format=gnu", "--format=pax --sparse-version=0.0",
                          "--format=pax --sparse-version=0.1", "--format=pax --sparse-version=1.0"};

/// A directory with a file of 3 MB and few bytes, one of 2 MB and none, and two others.
void make_files(tar_tools::Directory const& dir) {
  dir.run(
      "truncate -s 3M mixed; truncate -s 2M holes; printf abc >plain; mkdir d; ln mixed d/link; "
      "for at in 70000 1048576 3000001; do printf 'data at %s' $at | "
      "dd of=mixed bs=1 seek=$at conv=notrunc status=none; done");
}

/// Paths of a store's files of that name.
std::vector<fs::path> all_named(fs::path const& top, std::string const& name) {
  std::vector<fs::path> found;
  for (auto const& at : fs::recursive_directory_iterator(top))
    if (at.path().filename() == name) found.push_back(at.path());
  return found;
}

}  // namespace

TEMPLATE_TEST_CASE("a layer with sparse files is exported byte for byte", "[store][sparse]", stores::Vfs,
                   stores::Overlay, stores::Journal) {
  tar_tools::Directory dir;
  make_files(dir);
  for (auto const* const format : formats) {
    INFO(format);
    stores::Fixture<TestType> fixture;
    dir.run(std::string("tar -S ") + format + " -cf s.tar mixed holes plain d");
    auto const tar = dir.get("s.tar");
    auto const layer = fixture.store.layers().import(memory_source(tar));
    CHECK(stores::diff_of(layer) == tar);
    fixture.store.layers().import(memory_source(stores::tar_of({{"new", "n"}})), {.parent = layer.id()});
    auto const report = repair(fixture.store);
    CHECK(report.before.clean());
    CHECK(report.actions.empty());
    for (std::string const name : {"mixed", "holes", "plain"})
      for (auto const& path : all_named(fixture.graph(), name)) {
        CHECK(sys::read_file(path) == dir.get(name));
        struct stat status {};
        REQUIRE(::stat(path.c_str(), &status) == 0);
        CHECK(status.st_blocks * 512 < 200'000);
      }
  }
}

TEMPLATE_TEST_CASE("a changed sparse file is detected and restored from the tar-split", "[store][sparse]",
                   stores::Vfs, stores::Overlay) {
  tar_tools::Directory dir;
  make_files(dir);
  dir.run("tar -S -cf s.tar mixed holes plain d");
  stores::Fixture<TestType> fixture;
  auto const layer = fixture.store.layers().import(memory_source(dir.get("s.tar")));
  auto const path = all_named(fixture.graph(), "holes").at(0);
  {
    tools::KeptTime const kept(path);
    fs::fstream(path, std::ios::in | std::ios::out | std::ios::binary).seekp(1'000'000) << 'x';
  }
  CHECK_FALSE(check(fixture.store).clean());
  CHECK(stores::diff_of(layer) == dir.get("s.tar"));
  CHECK(repair(fixture.store).after.clean());
  CHECK(sys::read_file(all_named(fixture.graph(), "holes").at(0)) == dir.get("holes"));
}

TEST_CASE("a tiny archive of huge sparse files does not exhaust memory", "[store][sparse]") {
  auto const tar = [](std::string const& size) {
    return tar_tools::extension('x', tar_tools::record("GNU.sparse.major", "1") +
                                         tar_tools::record("GNU.sparse.minor", "0") +
                                         tar_tools::record("GNU.sparse.realsize", size)) +
           tar_tools::raw_header("f", '0', tar_tools::octal(512)) + tar_tools::padded("0\n") +
           tar_tools::end_of_tar;
  };
  auto const code = [&]<class S>(std::string const& size, ImportLimits limits = {}) {
    stores::Fixture<S> fixture;
    return stores::code_of(
        [&] { fixture.store.layers().import(memory_source(tar(size)), {.limits = limits}); });
  };
  for (std::string const huge : {"9223372036854775807", "1000000000000"}) {
    CHECK(code.template operator()<stores::Vfs>(huge) == Errc::over_budget);
    CHECK(code.template operator()<stores::Journal>(huge) == Errc::over_budget);
  }
  CHECK(code.template operator()<stores::Vfs>("2000000000") == std::error_code{});
  CHECK(code.template operator()<stores::Vfs>("2000000000", {.plain_bytes = 1'000'000'000}) ==
        Errc::over_budget);
  CHECK(code.template operator()<stores::Journal>("2000000000") == Errc::over_budget);
}
