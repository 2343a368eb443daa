#pragma once

#include <strata/store/big_data.hpp>

namespace strata {

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
auto BigData<Held>::new_file(fs::path const& target, Flush flush) -> sys::ReplacingFile {
  for (int attempt = 0;; ++attempt) {
    sys::make_directories(target.parent_path(), 0700, flush);
    try {
      return sys::ReplacingFile(target, {.mode = 0600, .flush = flush});
    } catch (Error const& error) {
      if (attempt == 10 || error.code() != std::errc::no_such_file_or_directory) throw;
    }
  }
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
