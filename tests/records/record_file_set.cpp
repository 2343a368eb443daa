#include <strata/error.hpp>
#include <strata/records/record_file_set.hpp>
#include <strata/testing/temp_dir.hpp>

#include <catch2/catch.hpp>

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

using namespace strata;

namespace record_file_set_tests {

using Files = std::vector<std::pair<RecordPlace, std::string>>;

Files files_of(RecordFileSet const& set) {
  Files out;
  for (auto const& [place, path] : set.files()) out.emplace_back(place, path.native());
  return out;
}

std::vector<std::size_t> order_of(TouchedFiles const& touched) { return {touched.begin(), touched.end()}; }

}  // namespace record_file_set_tests

using record_file_set_tests::files_of;
using record_file_set_tests::order_of;

TEST_CASE("the files of a kind are where the store's places say", "[records][record_file_set]") {
  using Place = RecordPlace;
  RecordFileSet const one({.main = "/g"}, "images", "json", 1);
  CHECK(files_of(one) == record_file_set_tests::Files{{Place::main, "/g/images.json"}});
  RecordFileSet const plain({.main = "/g"}, "layers", "json", 3);
  CHECK(files_of(plain) == record_file_set_tests::Files{{Place::main, "/g/layers.json"},
                                                        {Place::volatile_file, "/g/volatile-layers.json"}});
  RecordFileSet const all({.main = "/g", .image_store = "/i", .volatiles = "/r"}, "layers", "json", 3);
  CHECK(files_of(all) == record_file_set_tests::Files{{Place::main, "/g/layers.json"},
                                                      {Place::image_store, "/i/layers.json"},
                                                      {Place::volatile_file, "/r/volatile-layers.json"}});
  CHECK(all.path().native() == "/g/layers.json");
}

TEST_CASE("a change is seen by the token, by a file, or because nothing was read yet",
          "[records][record_file_set]") {
  testing::TempDir const dir;
  RecordFileSet set({.main = dir.path().native()}, "layers", "json", 3);
  auto const changed = [&](std::string const& token) { return set.look(token).changed; };
  CHECK(changed("1"));
  set.loaded(set.look("1"), "1");
  CHECK_FALSE(changed("1"));
  CHECK(changed("2"));
  sys::replace_file(dir.path().native() + "/volatile-layers.json", "[]");  // by someone who ignores the lock
  CHECK(changed("1"));
  set.loaded(set.look("1"), "1");
  CHECK_FALSE(changed("1"));
  RecordFileSet::write(set[0], "[1]", Flush::none);  // our own write is no change
  CHECK_FALSE(changed("1"));
  CHECK(sys::read_file(set.path().native()) == "[1]");
  set.forget();
  CHECK(changed("1"));
}

TEST_CASE("files that were not read are not written", "[records][record_file_set]") {
  RecordFileSet set({.main = "/g"}, "layers", "json", 3);
  try {
    set.check_loaded();
    FAIL("no error");
  } catch (Error const& error) {
    CHECK(error.code() == Errc::corrupt_record);
  }
  set.saved("1");
  set.check_loaded();
}

TEST_CASE("one file with elements that are no records makes the kind unreadable",
          "[records][record_file_set]") {
  RecordFileSet set({.main = "/g"}, "layers", "json", 3);
  CHECK(set.all_readable());
  set.at(RecordPlace::volatile_file).unreadable.emplace_back("7");
  CHECK_FALSE(set.all_readable());
}

TEST_CASE("files are written in the order of what touched them, the main one last of all",
          "[records][record_file_set]") {
  TouchedFiles touched;
  CHECK(order_of(touched).empty());
  touched.touch(1);
  touched.touch(0);
  touched.touch(1);
  CHECK(order_of(touched) == std::vector<std::size_t>{1, 0});
  touched.touch_all(3);
  CHECK(order_of(touched) == std::vector<std::size_t>{1, 0, 2});
  TouchedFiles all;
  all.touch_all(3);
  CHECK(order_of(all) == std::vector<std::size_t>{2, 1, 0});
}
