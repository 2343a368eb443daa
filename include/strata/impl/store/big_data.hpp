#pragma once

#include <strata/durability.hpp>
#include <strata/id.hpp>
#include <strata/records/big_data.hpp>
#include <strata/store/big_data.hpp>
#include <strata/store/data_intent.hpp>
#include <strata/store/erase_data.hpp>
#include <strata/sys/file.hpp>
#include <strata/sys/stream.hpp>

namespace strata {
namespace detail {

inline sys::ReplacingFile new_data_file(fs::path const& target, Flush flush) {
  for (int attempt = 0;; ++attempt) {
    sys::make_directories(target.parent_path(), 0700, flush);
    try {
      return sys::ReplacingFile(target, {.mode = 0600, .flush = flush});
    } catch (Error const& error) {
      if (attempt == 10 || error.code() != std::errc::no_such_file_or_directory) throw;
    }
  }
}

}  // namespace detail

template <class Held>
names::List BigData<Held>::names() const {
  return item_.record().big_data_names;
}

template <class Held>
std::string BigData<Held>::get(std::string_view key) const {
  if (key.empty()) throw unknown(key);
  std::optional<std::string> bytes;
  try {
    bytes = sys::read_stored(path(key));
  } catch (Error const& error) {
    if (error.code() != Errc::invalid_name) throw;
  }
  if (!bytes) throw unknown(key);
  return *std::move(bytes);
}

template <class Held>
auto BigData<Held>::source(std::string_view key) const -> Source {
  if (key.empty()) throw unknown(key);
  try {
    return stored_source(path(key));
  } catch (Error const& error) {
    if (error.code() != Errc::invalid_name && error.code() != std::errc::no_such_file_or_directory) throw;
    throw unknown(key);
  }
}

template <class Held>
void BigData<Held>::get(std::string_view key, Sink to) const {
  Source from = source(key);
  for (Bytes part = from.next(); !part.empty(); part = from.next()) to.write(part);
}

template <class Held>
std::int64_t BigData<Held>::size(std::string_view key) const {
  if constexpr (Traits::keeps_data_sizes) {
    auto const& sizes = item_.record().big_data_sizes;
    if (auto const found = sizes.find(std::string(key)); found != sizes.end()) return found->second;
  } else if (names::contains(names(), std::string(key))) {
    boost::system::error_code error;
    auto const size = fs::file_size(path(key), error);
    sys::throw_if(error, "stat", path(key));
    return static_cast<std::int64_t>(size);
  }
  throw Error(Errc::size_unknown, subject(key)).about(Traits::subject, item_.record().id);
}

template <class Held>
Digest BigData<Held>::digest(std::string_view key) const {
  if constexpr (Traits::keeps_data_sizes) {
    auto const& digests = item_.record().big_data_digests;
    if (auto const found = digests.find(std::string(key)); found != digests.end())
      return Digest::parse(found->second);
  } else if (names::contains(names(), std::string(key))) {
    return Digest::of(as_bytes(get(key)));
  }
  throw Error(Errc::digest_unknown, subject(key)).about(Traits::subject, item_.record().id);
}

template <class Held>
void BigData<Held>::set(std::string_view key, std::string_view bytes,
                        std::optional<Digest> known_digest) requires(!is_constant) {
  set_by(key, known_digest, [&](auto&& write) { write(as_bytes(bytes)); });
}

template <class Held>
void BigData<Held>::set(std::string_view key, Source source,
                        std::optional<Digest> known_digest) requires(!is_constant) {
  set_by(key, known_digest, [&](auto&& write) {
    for (Bytes part = source.next(); !part.empty(); part = source.next()) write(part);
  });
}

template <class Held>
void BigData<Held>::erase(std::string_view key) requires(!is_constant) {
  auto& core = item_.core();
  item_.place().check_writable("remove data items associated with " + std::string(Traits::stem));
  auto table = item_.place().table.write();
  Record next = *table.get(Ref::exactly(item_.record().id));
  std::string const name(key);
  if (!forget_big_data<Traits>(next, name)) throw unknown(key);
  Traits::data_changed(next);
  item_.renew(erase_data<Traits>(core, table, std::move(next), name));
}

template <class Held>
template <class Fill>
void BigData<Held>::set_by(std::string_view key, std::optional<Digest> const& known_digest, Fill&& fill) {
  check_key<typename Item::Core::Serializer>(key, subject(key));
  item_.place().check_writable("save data items associated with " + std::string(Traits::stem));
  auto const target = path(key);
  try {
    put(key, target, known_digest, fill);
  } catch (...) {
    forget_if_removed(target);
    throw;
  }
}

template <class Held>
template <class Fill>
void BigData<Held>::put(std::string_view key, fs::path const& target,
                        std::optional<Digest> const& known_digest, Fill&& fill) {
  auto& core = item_.core();
  auto file = detail::new_data_file(target, core.flush());
  Hasher hasher;
  std::int64_t size = 0;
  fill([&](Bytes part) {
    if (!known_digest) hasher.update(part);
    size += static_cast<std::int64_t>(part.size());
    file.write(part);
  });
  auto const digest = known_digest ? *known_digest : hasher.finish();
  file.flush();

  auto table = item_.place().table.write();
  Record next = *table.get(Ref::exactly(item_.record().id));
  std::string const name(key);
  bool const is_new = !names::contains(next.big_data_names, name);
  record_big_data<Traits>(next, name, size, digest.str());
  Traits::data_changed(next);
  if constexpr (Traits::keeps_data_sizes)
    if (!is_new) return item_.renew(replace_data<Traits>(core, table, std::move(next), name, file));
  file.commit();  // replaced data come here only if sizes and digests are not recorded
  auto row = table.put(std::move(next));
  table.commit(core.flush());
  item_.renew(std::move(row));
}

template <class Held>
void BigData<Held>::forget_if_removed(fs::path const& target) const noexcept try {
  auto const table = item_.place().table.read();
  if (table.by_id(item_.record().id)) return;
  sys::remove_empty_parents(target, item_.place().directory);
} catch (...) {  // the error of reading the records was reported before
}

template <class Held>
fs::path BigData<Held>::path(std::string_view key) const {
  using Core = typename Item::Core;
  return item_.place().directory / Core::template component<Traits>(item_.record().id) /
         big_data_file_name(key);
}

template <class Held>
auto BigData<Held>::unknown(std::string_view key) const -> Error {
  return Error(Errc::data_unknown, subject(key)).about(Traits::subject, item_.record().id);
}

template <class Held>
std::string BigData<Held>::subject(std::string_view key) const {
  return std::string(Traits::kind) + " \"" + item_.record().id + "\", big data \"" + std::string(key) + "\"";
}

}  // namespace strata
