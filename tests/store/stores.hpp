#pragma once

#include <strata/archive/tar_writer.hpp>
#include <strata/codec/all.hpp>
#include <strata/drivers/memory.hpp>
#include <strata/drivers/overlay.hpp>
#include <strata/drivers/vfs.hpp>
#include <strata/fs.hpp>
#include <strata/instantiate/store.hpp>
#include <strata/serializers/journal.hpp>
#include <strata/serializers/json.hpp>
#include <strata/sys/stream.hpp>
#include <strata/testing/temp_dir.hpp>

#include <catch2/catch.hpp>

#include <string>
#include <string_view>
#include <unistd.h>
#include <utility>
#include <vector>

/// What the tests of the store share: compositions to run on, archives to import.
namespace stores {

using Vfs = strata::Store<strata::drivers::Vfs, strata::serializers::Json, strata::durability::None>;
using DurableVfs = strata::Store<strata::drivers::Vfs, strata::serializers::Json>;
using DurableJournal = strata::Store<strata::drivers::Vfs, strata::serializers::Journal>;
using Overlay = strata::Store<strata::drivers::Overlay, strata::serializers::Json>;
using Journal =
    strata::Store<strata::drivers::Memory, strata::serializers::Journal, strata::durability::None>;

}  // namespace stores

#ifdef STRATA_SEPARATE_COMPILATION  // compiled in separate/
STRATA_EXTERN_STORE(strata::Store<strata::drivers::Vfs, strata::serializers::Json, strata::durability::None>)
STRATA_EXTERN_STORE(strata::Store<strata::drivers::Vfs, strata::serializers::Json>)
STRATA_EXTERN_STORE(strata::Store<strata::drivers::Overlay, strata::serializers::Json>)
STRATA_EXTERN_STORE(
    strata::Store<strata::drivers::Memory, strata::serializers::Journal, strata::durability::None>)
#endif

namespace stores {

/// A store in a directory of its own, given back when the test ends.
template <class S>
class Fixture {
 public:
  using Store = S;
  explicit Fixture() : store(options()) {}
  ~Fixture() {
    try {
      store.shutdown({.force = true});
    } catch (...) {  // the test says what was wrong
    }
  }

  typename S::Options options() const {
    return {.graph_root = directory.path() / "graph", .run_root = directory.path() / "run"};
  }
  strata::fs::path graph() const { return directory.path() / "graph"; }

  strata::testing::TempDir directory;
  S store;
};

/// Files and directories of an archive: a name that ends in "/" is a directory.
inline std::string tar_of(std::vector<std::pair<std::string, std::string>> const& entries) {
  std::string out;
  strata::Sink sink = strata::string_sink(out);
  strata::archive::TarWriter writer(sink);
  for (auto const& [name, content] : entries) {
    bool const directory = name.ends_with('/');
    strata::archive::TarHeader header{.name = name, .mode = directory ? 0755u : 0644u};
    header.type = directory ? strata::archive::EntryType::directory : strata::archive::EntryType::regular;
    header.size = static_cast<std::int64_t>(content.size());
    header.mtime.seconds = 1'700'000'000;
    strata::Source body = strata::memory_source(content);
    writer.add(header, directory ? nullptr : &body);
  }
  writer.finish();
  return out;
}

template <class Item, class... Options>
std::string diff_of(Item const& item, Options&&... options) {
  std::string out;
  item.diff(strata::string_sink(out), std::forward<Options>(options)...);
  return out;
}

/// The code that a call fails with; no code if it does not.
template <class Call>
std::error_code code_of(Call&& call) {
  try {
    call();
  } catch (strata::Error const& error) {
    return error.code();
  }
  return {};
}

/// The id of the item in the way.
template <class Call>
std::string holder_of(Call&& call) {
  try {
    call();
  } catch (strata::Error const& error) {
    return error.holder();
  }
  return "no error";
}

inline std::vector<std::string> ids(auto const& items) {
  std::vector<std::string> out;
  for (auto const& item : items) out.push_back(item.id().str());
  return out;
}

/// Whether a record file of a Json store has that item.
inline bool has_record(strata::fs::path const& file, std::string const& id) {
  auto const text = strata::sys::read_file_if_exists(file);
  return text && text->find("\"id\":\"" + id + '"') != std::string::npos;
}

/// What a store's directories hold, below `root`, sorted; without lock files and temporary roots.
inline std::vector<std::string> files_below(strata::fs::path const& root) {
  std::vector<std::string> out;
  for (auto const& entry : strata::fs::recursive_directory_iterator(root)) {
    auto const name = entry.path().lexically_relative(root).native();
    if (!name.ends_with(".lock") && name.find("tempdirs") == name.npos && !name.ends_with("-layers/tmp"))
      out.push_back(name);
  }
  std::ranges::sort(out);
  return out;
}

}  // namespace stores
