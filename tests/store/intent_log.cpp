#include <strata/fs.hpp>
#include <strata/store/intent_log.hpp>
#include <strata/testing/temp_dir.hpp>

#include <catch2/catch.hpp>

#include <string>

using namespace strata;

namespace {
struct Place {
  struct Options {
    fs::path image_store = {};
  };
  fs::path path;
  Options all = {};
  Options const& options() const { return all; }
  fs::path layer_trash() const { return path; }
  static Flush flush() { return Flush::full; }
  void collect_again() noexcept { again = true; }
  bool again = false;
};
}  // namespace

TEST_CASE("intent records are read as they were written", "[store][intent_log]") {
  testing::TempDir directory;
  Place place{directory / "tmp"};
  auto const staging = log_intents(place, {{IntentKind::layer_files, "a"},
                                           {IntentKind::spare_layer, "layer-b"},
                                           {IntentKind::image_files, std::string(200, 'c')},
                                           {IntentKind::container_files, "image-d"},
                                           {IntentKind::image_data, std::string(255, 'e')},
                                           {IntentKind::layer_data, "data-of-image-f"}});
  std::string found;
  for (auto const& text : staging.notes()) {
    auto const note = parse_intent(text);
    REQUIRE(note);
    if (note->what == IntentKind::layer_files) CHECK(note->id == "a");
    if (note->what == IntentKind::spare_layer) CHECK(note->id == "layer-b");
    if (note->what == IntentKind::image_files) CHECK(note->id == std::string(200, 'c'));
    if (note->what == IntentKind::container_files) CHECK(note->id == "image-d");
    if (note->what == IntentKind::image_data) CHECK(note->id == std::string(255, 'e'));
    if (note->what == IntentKind::layer_data) CHECK(note->id == "data-of-image-f");
    found += std::to_string(static_cast<int>(note->what));
  }
  CHECK(found.size() == 6);
  CHECK_FALSE(parse_intent("something else"));
  LayerRecord layer;
  layer.id = "e";
  layer.names = {"one", "two"};
  auto const named = log_intents(place, {spare_intent(layer)}).notes();
  REQUIRE(named.size() == 1);
  REQUIRE(parse_intent(named.front()));
  CHECK(parse_intent(named.front())->what == IntentKind::named_layer);
  CHECK(parse_intent(named.front())->id == "e");
  CHECK(parse_intent(named.front())->names == mark_of_names({"one", "two"}));
  CHECK(mark_of_names({"one", "two"}) != mark_of_names({"two", "one"}));
  CHECK_FALSE(parse_intent("named-e"));
  CHECK_FALSE(parse_intent(""));
}

TEST_CASE("intents of failed work remain for the next process, those of completed work are removed",
          "[store][intent_log]") {
  testing::TempDir directory;
  Place place{directory / "tmp"};
  {
    auto staging = log_intents(place, {{IntentKind::layer_files, "done"}});
    with_intents(place, staging, [] {});
    CHECK_FALSE(place.again);
  }
  CHECK(fs::is_empty(place.path));
  {
    auto staging = log_intents(place, {{IntentKind::layer_files, "failed"}});
    CHECK_THROWS_AS(with_intents(place, staging, []() -> void { throw Error(Errc::stopped, "test"); }),
                    Error);
    CHECK(place.again);
  }
  std::vector<std::string> left;
  sys::StagingDirectory::recover(place.path, [&](sys::StagingDirectory const& dead) {
    left = dead.notes();
    return true;
  });
  REQUIRE(left.size() == 1);
  CHECK(parse_intent(left[0])->id == "failed");
  CHECK(fs::is_empty(place.path));
}
