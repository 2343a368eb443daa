#include <strata/store/crash_notes.hpp>
#include <strata/testing/temp_dir.hpp>

#include <catch2/catch.hpp>

#include <filesystem>
#include <string>

using namespace strata;

namespace {
struct Place {
  std::filesystem::path path;
  std::filesystem::path layer_trash() const { return path; }
  static Flush flush() { return Flush::full; }
  void collect_again() noexcept { again = true; }
  bool again = false;
};
}  // namespace

TEST_CASE("notes are read as they were written", "[store][crash_notes]") {
  testing::TempDir directory;
  Place place{directory / "tmp"};
  auto const aside = note_change(place, {{Leftover::layer_files, "a"},
                                         {Leftover::spare_layer, "layer-b"},
                                         {Leftover::image_files, std::string(200, 'c')},
                                         {Leftover::container_files, "image-d"},
                                         {Leftover::image_data, std::string(255, 'e')}});
  std::string found;
  for (auto const& text : aside.notes()) {
    auto const note = parse_note(text);
    REQUIRE(note);
    if (note->what == Leftover::layer_files) CHECK(note->id == "a");
    if (note->what == Leftover::spare_layer) CHECK(note->id == "layer-b");
    if (note->what == Leftover::image_files) CHECK(note->id == std::string(200, 'c'));
    if (note->what == Leftover::container_files) CHECK(note->id == "image-d");
    if (note->what == Leftover::image_data) CHECK(note->id == std::string(255, 'e'));
    found += std::to_string(static_cast<int>(note->what));
  }
  CHECK(found.size() == 5);
  CHECK_FALSE(parse_note("something else"));
  LayerRecord layer;
  layer.id = "e";
  layer.names = {"one", "two"};
  auto const named = note_change(place, {spare_note(layer)}).notes();
  REQUIRE(named.size() == 1);
  REQUIRE(parse_note(named.front()));
  CHECK(parse_note(named.front())->what == Leftover::named_layer);
  CHECK(parse_note(named.front())->id == "e");
  CHECK(parse_note(named.front())->names == mark_of_names({"one", "two"}));
  CHECK(mark_of_names({"one", "two"}) != mark_of_names({"two", "one"}));
  CHECK_FALSE(parse_note("named-e"));
  CHECK_FALSE(parse_note(""));
}

TEST_CASE("work that fails leaves its notes to the next; work that ends takes them along",
          "[store][crash_notes]") {
  testing::TempDir directory;
  Place place{directory / "tmp"};
  {
    auto aside = note_change(place, {{Leftover::layer_files, "done"}});
    with_notes(place, aside, [] {});
    CHECK_FALSE(place.again);
  }
  CHECK(std::filesystem::is_empty(place.path));
  {
    auto aside = note_change(place, {{Leftover::layer_files, "failed"}});
    CHECK_THROWS_AS(with_notes(place, aside, []() -> void { throw Error(Errc::stopped, "test"); }), Error);
    CHECK(place.again);
  }
  std::vector<std::string> left;
  sys::TempDir::recover(place.path, [&](sys::TempDir const& dead) {
    left = dead.notes();
    return true;
  });
  REQUIRE(left.size() == 1);
  CHECK(parse_note(left[0])->id == "failed");
  CHECK(std::filesystem::is_empty(place.path));
}
