// Write a serializer in one file: one record per line, so that grep, diff and sort work on the store's files.
// Single records are encoded by the JSON serializer; only the file format around them differs.
#include <strata/drivers/memory.hpp>
#include <strata/serializers/json.hpp>
#include <strata/store/store.hpp>

#include <algorithm>
#include <iostream>

struct Lines {
  using Json = strata::serializers::Json;
  static constexpr std::string_view name() { return "lines"; }
  static constexpr std::string_view extension() { return "jsonl"; }

  template <class Record>
  static std::string encode(std::span<strata::Row<Record> const> rows,
                            std::span<std::string const> unreadable) {
    std::string out;
    for (auto const& row : rows) {
      std::string const array = Json::encode<Record>(std::span(&row, 1), {});
      out.append(array, 1, array.size() - 2) += '\n';
    }
    for (auto const& line : unreadable) out += line + '\n';
    return out;
  }

  template <class Record>
  static strata::Decoded<Record> decode(std::string_view bytes) {
    strata::Decoded<Record> out;
    while (!bytes.empty()) {
      std::string const line(bytes.substr(0, bytes.find('\n')));
      bytes.remove_prefix(std::min(bytes.size(), line.size() + 1));
      try {
        auto one = Json::decode<Record>('[' + line + ']');
        std::ranges::move(one.records, std::back_inserter(out.records));
        std::ranges::move(one.unreadable, std::back_inserter(out.unreadable));
      } catch (strata::Error const&) {
        out.unreadable.push_back(line);  // kept verbatim; does not affect other records
      }
    }
    return out;
  }
};
static_assert(strata::SerializerFor<Lines, strata::LayerRecord>);
static_assert(strata::SerializerFor<Lines, strata::ImageRecord>);

#ifndef STRATA_EXAMPLE_AS_HEADER  // the test suite includes this file for serializer_suite
int main() {
  strata::Store<strata::drivers::Memory, Lines> store({.graph_root = "own/graph", .run_root = "own/run"});
  auto const created = strata::Timestamp::parse("2026-01-02T03:04:05Z");
  store.images().create({.id = "1234", .names = {"first"}, .created = created});
  store.images().create({.id = "5678", .created = created}).set_metadata("anything\n");
  std::cout << strata::sys::read_file("own/graph/memory-images/images.jsonl");
}
#endif
