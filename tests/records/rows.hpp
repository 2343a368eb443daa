#pragma once

#include <strata/concepts/serializer.hpp>
#include <strata/records/layer.hpp>
#include <strata/records/record_change.hpp>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// The rows of a table at their plainest, as the tests of what stores them need it.
struct Rows {
  std::vector<strata::Row<strata::LayerRecord>> rows = {};
  int cleared = 0;

  void clear() {
    rows.clear();
    ++cleared;
  }
  void put(strata::LayerRecord&& record) {
    put(std::make_shared<strata::LayerRecord const>(std::move(record)));
  }
  void put(strata::Row<strata::LayerRecord> row) {
    auto const found = std::ranges::find(rows, row->id, [](auto const& r) { return r->id; });
    if (found == rows.end())
      rows.push_back(std::move(row));
    else
      *found = std::move(row);
  }
  void erase(std::string_view id) {
    std::erase_if(rows, [&](auto const& row) { return row->id == id; });
  }

  /// "id:metadata" of each, in order.
  std::string text() const {
    std::string out;
    for (auto const& row : rows) out += (out.empty() ? "" : " ") + row->id + ':' + row->metadata;
    return out;
  }
};

inline strata::LayerRecord layer(std::string id, std::string metadata) {
  strata::LayerRecord record;
  record.id = std::move(id);
  record.metadata = std::move(metadata);
  return record;
}

using LayerChanges = std::vector<strata::RecordChange<strata::LayerRecord>>;

inline LayerChanges put(std::string id, std::string metadata) {
  return {{.put = std::make_shared<strata::LayerRecord const>(layer(std::move(id), std::move(metadata))),
           .erase = {}}};
}
inline LayerChanges erase(std::string id) { return {{.put = nullptr, .erase = std::move(id)}}; }
