#pragma once

#include <strata/concepts/serializer.hpp>
#include <strata/testing/random_records.hpp>

#include <memory>
#include <span>
#include <string>
#include <vector>

/// Records as text to compare, and what a serializer writes of those that it read.
namespace fuzz {

template <class Record>
std::string text_of(strata::Decoded<Record> const& decoded) {
  std::string out;
  for (auto const& record : decoded.records) out += strata::testing::describe(record) + '\n';
  for (auto const& element : decoded.unreadable) out += "? " + element + '\n';
  return out;
}

template <class Serializer, class Record>
std::string written(strata::Decoded<Record> const& decoded) {
  std::vector<strata::Row<Record>> rows;
  for (auto const& record : decoded.records) rows.push_back(std::make_shared<Record const>(record));
  return Serializer::encode(std::span<strata::Row<Record> const>(rows), decoded.unreadable);
}

}  // namespace fuzz
