#pragma once

#include <strata/separate.hpp>

#include <boost/filesystem/directory.hpp>
#include <boost/filesystem/operations.hpp>
#include <boost/filesystem/path.hpp>

#include <string>

/// Boost.Filesystem is the vocabulary of files and paths, in public signatures too: what takes an `fs::path` also takes a
/// string and a `std::filesystem::path`. What must not race with other processes works on descriptors (sys/).
///
/// The version of Boost.Filesystem's paths (`BOOST_FILESYSTEM_VERSION`) is the program's to choose. The library does not
/// depend on it: it appends relative paths only, and does not ask for the file name of a path that may end in a slash.
namespace strata {

namespace fs = boost::filesystem;

/// A path, normalized as text, without a slash at its end; an empty one stays empty.
fs::path clean(fs::path const& path);

/// The text behind the last slash: empty for "/" and for a path that ends in a slash.
std::string base_name(fs::path const& path);

}  // namespace strata

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/fs.ipp>
#endif
