#pragma once

#include <strata/bodies.hpp>
#include <strata/store/chunked_keys.hpp>

#include <string>
#include <string_view>

namespace strata::detail {

/// Identifies a staged layer by a table of contents and keeps the table, the last step of filling it.
/// @param digest  of the compressed table
template <class Staged>
void add_table(Staged& staged, std::string const& digest, std::string_view table) {
  staged.set_toc_digest(digest);
  staged.add_big_data(std::string(chunked_manifest_key), table);
  staged.add_big_data(std::string(chunked_layer_data_key), R"({"format":0})");  // not composefs
}

}  // namespace strata::detail
