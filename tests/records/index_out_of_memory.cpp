#include <strata/records/container.hpp>
#include <strata/records/image.hpp>
#include <strata/records/index.hpp>
#include <strata/records/layer.hpp>
#include <strata/serializers/json.hpp>

#include <catch2/catch.hpp>

#include "../static/driver_archetype.hpp"
#include <cstdlib>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <utility>
#include <vector>

using namespace strata;

namespace {
/// How many allocations of this thread still succeed; negative: all.
thread_local int allocations_left = -1;
}  // namespace

// Replaced for the whole program; what they do differs only in a test of this file.
void* operator new(std::size_t size) {
  if (allocations_left == 0) throw std::bad_alloc();
  if (allocations_left > 0) --allocations_left;
  if (void* const memory = std::malloc(size != 0 ? size : 1)) return memory;
  throw std::bad_alloc();
}
void* operator new(std::size_t size, std::nothrow_t const&) noexcept {
  return std::malloc(size != 0 ? size : 1);
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace {

/// Calls `work` again and again, each time with one allocation more, until it succeeds; `check` after each failure.
template <class Work, class Check>
int at_each_allocation(Work&& work, Check&& check) {
  for (int allowed = 0;; ++allowed) {
    allocations_left = allowed;
    try {
      work();
      allocations_left = -1;
      return allowed;
    } catch (std::bad_alloc const&) {
      allocations_left = -1;
      check();
    }
  }
}

/// All that an index says, of the ids, names and references that the tests use.
template <class Index>
std::string told(Index const& index) {
  std::string out;
  for (auto const& row : index.rows()) out += row->id + ' ';
  for (auto const* const text :
       {"a-long-id-that-needs-memory", "another-long-id-than-that", "the first name of some length",
        "the second name of some length", "a-long", "the-parent-of-both-of-them", "sha256:0123"}) {
    auto const row = index.find(text);
    out += '|' + (row ? row->id : "") + '>';
    for (auto const& user : index.referring_to(text)) out += user->id + ',';
  }
  return out;
}

LayerRecord layer(std::string id, names::List names, std::string parent) {
  LayerRecord record;
  record.id = std::move(id);
  record.names = std::move(names);
  record.parent = std::move(parent);
  return record;
}

}  // namespace

TEST_CASE("an index that runs out of memory has not changed, and can always go back", "[item][index]") {
  using Layers = Index<LayerTraits<archetype::Driver, serializers::Json>>;
  auto const texts = std::make_shared<std::vector<std::string>>();
  for (auto const& record : {layer("the-parent-of-both-of-them", {}, ""),
                             layer("a-long-id-that-needs-memory", {}, "the-parent-of-both-of-them")}) {
    auto const row = std::make_shared<LayerRecord const>(record);
    auto text = serializers::Json::encode(std::span(&row, 1), {});
    texts->push_back(text.substr(1, text.size() - 2));
  }
  for (auto const& [lazy_first, as_texts] :
       {std::pair(true, false), std::pair(false, false), std::pair(true, true), std::pair(false, true)}) {
    auto const filled = [&, lazy_first = lazy_first, as_texts = as_texts] {
      auto index = std::make_unique<Layers>();
      if (as_texts) {
        for (auto const& text : *texts)
          index->put_text(serializers::Json::read_text<LayerRecord>(text), text, texts);
        if (lazy_first) told(*index);
        return index;
      }
      index->put(layer("the-parent-of-both-of-them", {}, ""));
      index->put(layer("a-long-id-that-needs-memory", {"the first name of some length"},
                       "the-parent-of-both-of-them"));
      if (lazy_first) told(*index);
      return index;
    };
    auto const before = told(*filled());
    auto const fresh = std::make_shared<LayerRecord const>(
        layer("another-long-id-than-that", {"the second name of some length"}, "the-parent-of-both-of-them"));
    auto const other = std::make_shared<LayerRecord const>(layer(
        "a-long-id-that-needs-memory", {"the second name of some length"}, "another-long-id-than-that"));

    int failures = 0;
    for (auto const& row : {fresh, other}) {
      auto index = filled();
      Layers::Undo undo;
      failures +=
          at_each_allocation([&] { undo = index->put_row(row); }, [&] { CHECK(told(*index) == before); });
      CHECK(told(*index) != before);
      allocations_left = 0;
      index->undo(std::move(undo));
      allocations_left = -1;
      CHECK(told(*index) == before);
    }
    auto index = filled();
    Layers::Undo undo;
    at_each_allocation([&] { undo = index->erase_row("a-long-id-that-needs-memory"); },
                       [&] { CHECK(told(*index) == before); });
    allocations_left = 0;
    index->undo(std::move(undo));
    allocations_left = -1;
    CHECK(told(*index) == before);
    CHECK(failures > 4);
  }
}

TEST_CASE("the first name of an index needs memory before it is inserted", "[item][index]") {
  Index<LayerTraits<archetype::Driver, serializers::Json>> index;
  index.put(layer("the-parent-of-both-of-them", {}, ""));
  auto const row = std::make_shared<LayerRecord const>(layer("a-long-id", {"the first name"}, ""));
  CHECK(at_each_allocation([&] { index.put_row(row); }, [&] { CHECK(index.size() == 1); }) > 2);
  CHECK(index.by_name("the first name"));
}

TEST_CASE("references that could not be collected for want of memory are collected anew", "[item][index]") {
  using Layers = Index<LayerTraits<archetype::Driver, serializers::Json>>;
  Layers index;
  for (int i = 0; i < 20; ++i)
    index.put(layer("child-with-a-long-id-" + std::to_string(i), {}, "the-parent-of-both-of-them"));
  std::vector<Row<LayerRecord>> found;
  int const failures =
      at_each_allocation([&] { found = index.referring_to("the-parent-of-both-of-them"); }, [] {});
  CHECK(found.size() == 20);
  CHECK(failures > 10);
}

TEST_CASE("an index of images that is made smaller needs memory first", "[item][index]") {
  using Images = Index<ImageTraits<archetype::Driver, serializers::Json>>;
  Images index;
  for (int i = 0; i < 100; ++i) {
    ImageRecord record;
    record.id = "image-with-a-long-id-" + std::to_string(i);
    record.top_layer = "the-parent-of-both-of-them";
    index.put(std::move(record));
  }
  for (int i = 0; i < 80; ++i) index.erase("image-with-a-long-id-" + std::to_string(i));
  auto const before = told(index);
  CHECK(at_each_allocation([&] { index.compact(); }, [&] { CHECK(told(index) == before); }) == 1);
  CHECK(told(index) == before);
  CHECK(index.by_id("image-with-a-long-id-99"));
}
