#pragma once

#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/separate.hpp>

#include <boost/json/value.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <utility>

/// JSON documents with which a host is configured. What is wrong with one is `Errc::configuration`, as for other files of
/// configuration, where that of an image is `Errc::corrupt_document`.
namespace strata::oci::detail {

/// `call()`, with `Errc::configuration` for what is wrong with a document.
template <class Call>
auto of_host(Call&& call) {
  try {
    return std::forward<Call>(call)();
  } catch (Error const& error) {
    if (error.errc() != Errc::corrupt_document) throw;
    throw Error(Errc::configuration, error.subject());
  }
}

/// @param where  names the document in errors, in which nothing of its texts stands but names of members
/// @throws `Errc::configuration`, `Errc::over_budget`
boost::json::value parse_host_document(std::string_view text, std::string_view where);

/// The text of a document; empty if there is no such file.
/// @throws `errno`, "open <path>", "read <path>"; `Errc::over_budget`
std::optional<std::string> read_host_document(fs::path const& path);

}  // namespace strata::oci::detail

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/oci/host_document.ipp>
#endif
