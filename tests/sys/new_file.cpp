#include <strata/error.hpp>
#include <strata/sys/directory.hpp>
#include <strata/sys/file.hpp>
#include <strata/sys/new_file.hpp>
#include <strata/testing/temp_dir.hpp>

#include <catch2/catch.hpp>

#include <string>
#include <sys/stat.h>

using namespace strata;

TEST_CASE("a new file appears in its directory when it is complete", "[sys][new_file]") {
  testing::TempDir const place;
  auto const flush = GENERATE(Flush::none, Flush::full);
  auto const directory = sys::open_at(AT_FDCWD, place.path(), O_RDONLY | O_DIRECTORY);
  sys::NewFile::Options const options{.mode = 0640, .flush = flush};
  std::string const large(20'000'000, 'x');
  {
    sys::NewFile file(directory.get(), "name", place / "name", options);
    file.write(as_bytes("part of it"));
    CHECK(sys::entries_of(place.path()).empty());  // nothing to clean up if the process dies here
  }
  {
    sys::NewFile file(directory.get(), "name", place / "name", options);
    file.write(as_bytes("one"));
    file.write(as_bytes(large));
    file.commit();
    CHECK(sys::read_file(place / "name") == "one" + large);
  }
  sys::NewFile file(directory.get(), "name", place / "name", options);
  file.write(as_bytes("two"));
  file.commit();
  CHECK(sys::read_file(place / "name") == "two");
  CHECK(sys::entries_of(place.path()) == std::vector{place / "name"});
  CHECK((fs::status(place / "name").permissions() & fs::perms_mask) == 0640);
}

TEST_CASE("a new file that cannot take its name leaves nothing", "[sys][new_file]") {
  testing::TempDir const place;
  auto const directory = sys::open_at(AT_FDCWD, place.path(), O_RDONLY | O_DIRECTORY);
  fs::create_directory(place / "name");
  {
    sys::NewFile file(directory.get(), "name", place / "name", {});
    try {
      file.commit();
      FAIL("a directory was replaced");
    } catch (Error const& error) {
      CHECK(error.code() == std::error_code(EISDIR, std::system_category()));
      CHECK(error.path() == (place / "name").native());
    }
  }
  CHECK(sys::entries_of(place.path()) == std::vector{place / "name"});
}

TEST_CASE("a new file with a fixed temporary name replaces the remains of a crash", "[sys][new_file]") {
  testing::TempDir const place;
  auto const directory = sys::open_at(AT_FDCWD, place.path(), O_RDONLY | O_DIRECTORY);
  sys::replace_file(place / "name", "old");
  sys::replace_file(place / ".tmp-name", "half");
  sys::NewFile file(directory.get(), "name", place / "name", {.temporary_name = sys::TemporaryName::fixed});
  file.write(as_bytes("new"));
  file.commit();
  CHECK(sys::read_file(place / "name") == "new");
  CHECK(sys::entries_of(place.path()) == std::vector{place / "name"});
}
