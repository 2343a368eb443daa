#pragma once

#include <strata/archive/tar_header.hpp>
#include <strata/archive/tar_reader.hpp>
#include <strata/archive/tar_writer.hpp>
#include <strata/archive/whiteout.hpp>
#include <strata/concepts/bytes.hpp>
#include <strata/concepts/driver.hpp>
#include <strata/drivers/naive_diff.hpp>
#include <strata/error.hpp>
#include <strata/sys/staging_directory.hpp>
#include <strata/sys/stream.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <vector>

/// Fills and inspects layers through their driver alone.
namespace strata::testing {

/// An archive entry with its contents.
struct Entry {
  archive::TarHeader header;
  std::string bytes = {};
};

inline archive::FileTime const sample_time{.seconds = 1'600'000'000, .nanoseconds = 0};

/// Owned by the current user, who may not be allowed to change owners.
inline archive::TarHeader header(archive::EntryType type, std::string name, std::uint32_t mode) {
  return {.name = std::move(name),
          .type = type,
          .mode = mode,
          .uid = ::geteuid(),
          .gid = ::getegid(),
          .mtime = sample_time};
}
inline Entry file(std::string name, std::string bytes, std::uint32_t mode = 0644) {
  auto made = header(archive::EntryType::regular, std::move(name), mode);
  made.size = static_cast<std::int64_t>(bytes.size());
  return {std::move(made), std::move(bytes)};
}
inline Entry directory(std::string name, std::uint32_t mode = 0755) {
  return {header(archive::EntryType::directory, std::move(name), mode)};
}
inline Entry symbolic_link(std::string name, std::string target) {
  auto made = header(archive::EntryType::symlink, std::move(name), 0777);
  made.link_name = std::move(target);
  return {std::move(made)};
}
inline Entry hard_link(std::string name, std::string first) {
  auto made = header(archive::EntryType::hard_link, std::move(name), 0644);
  made.link_name = std::move(first);
  return {std::move(made)};
}
/// @param name  path to be hidden; whiteouts are files
inline Entry whiteout(std::string name) { return file(archive::whiteout_path(name), "", 0); }
inline Entry opaque(std::string const& in_directory) {
  return file(in_directory + '/' + std::string(archive::whiteout_opaque), "", 0);
}

template <class Staged>
void add_all(Staged& staged, std::vector<Entry> const& entries) {
  for (auto const& entry : entries) {
    auto body = memory_source(entry.bytes);
    staged.add(entry.header, body);
  }
}

template <LayerDriver D>
void create_layer(D& driver, LayerId const& id, std::optional<LayerId> const& parent,
                  std::vector<Entry> const& entries, Flush flush = Flush::none) {
  auto staged = driver.stage({.parent = parent, .flush = flush});
  add_all(staged, entries);
  staged.finish();
  driver.publish(id, std::move(staged));
}

/// Code of the `Error` that `call` throws; none if it does not throw.
template <class Call>
std::error_code code_of(Call&& call) {
  try {
    call();
  } catch (Error const& error) {
    return error.code();
  }
  return {};
}

template <LayerDriver D>
std::string read_layer_file(D const& driver, LayerId const& id, std::string_view name) {
  std::string text;
  auto sink = string_sink(text);
  driver.copy_file(id, name, sink);
  return text;
}
template <LayerDriver D>
bool has_layer_file(D const& driver, LayerId const& id, std::string_view name) {
  return code_of([&] { read_layer_file(driver, id, name); }) != Errc::data_unknown;
}

/// Entries by path, without a trailing "/".
using Snapshot = std::map<std::string, Entry>;

inline Snapshot read_archive(std::string tar) {
  auto source = memory_source(std::move(tar));
  archive::TarReader reader(source);
  Snapshot found;
  for (archive::TarHeader next; reader.next(next);) {
    std::string bytes;
    for (Bytes part = reader.next(); !part.empty(); part = reader.next()) bytes += as_text(part);
    std::string path = next.name;
    if (path.ends_with('/')) path.pop_back();
    found.insert_or_assign(std::move(path), Entry{next, std::move(bytes)});
  }
  return found;
}

template <class D>
concept CanTellChanges = DiffDriver<D> || MountDriver<D>;

/// Tar of a layer's changes: made by the driver, or by comparing trees.
template <CanTellChanges D>
std::string diff_of(D& driver, LayerId const& id, std::optional<LayerId> const& parent) {
  std::string tar;
  auto sink = string_sink(tar);
  archive::TarWriter writer(sink);
  if constexpr (DiffDriver<D>)
    driver.diff({id, parent}, writer);
  else
    drivers::naive::diff(driver, {id, parent}, writer);
  writer.finish();
  return tar;
}
template <CanTellChanges D>
std::vector<Change> changes_of(D& driver, LayerId const& id, std::optional<LayerId> const& parent) {
  if constexpr (DiffDriver<D>)
    return driver.changes({id, parent});
  else
    return drivers::naive::changes(driver, {id, parent});
}
template <CanTellChanges D>
std::int64_t diff_size_of(D& driver, LayerId const& id, std::optional<LayerId> const& parent) {
  if constexpr (DiffDriver<D>)
    return driver.diff_size({id, parent});
  else
    return drivers::naive::diff_size(driver, {id, parent});
}

/// All entries visible in a layer.
template <CanTellChanges D>
Snapshot snapshot(D& driver, LayerId const& id) {
  return read_archive(diff_of(driver, id, std::nullopt));
}

/// All paths, each followed by a blank.
inline std::string names_of(Snapshot const& found) {
  std::string text;
  for (auto const& [path, entry] : found) text += path + ' ';
  return text;
}
inline std::string describe(std::vector<Change> const& changes) {
  std::string text;
  for (auto const& change : changes)
    text += (change.kind == ChangeKind::add      ? "+"
             : change.kind == ChangeKind::remove ? "-"
                                                 : "~") +
            change.path + ' ';
  return text;
}

}  // namespace strata::testing
