#pragma once

#include "output.hpp"
#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

namespace oci_storage {

/// Prints rows in columns of at least twelve characters, two spaces between them, as Podman does.
inline void say_table(std::vector<std::vector<std::string>> const& rows) {
  std::vector<std::size_t> widths;
  for (auto const& row : rows) {
    widths.resize(std::max(widths.size(), row.size()), 12);
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size() + 2);
  }
  for (auto const& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += row[i];
      if (i + 1 < row.size()) line.append(widths[i] - row[i].size(), ' ');
    }
    say(line);
  }
}

}  // namespace oci_storage
