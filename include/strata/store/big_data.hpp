#pragma once

#include <strata/concepts/bytes.hpp>
#include <strata/digest.hpp>
#include <strata/durability.hpp>
#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/id.hpp>
#include <strata/records/big_data.hpp>
#include <strata/records/names.hpp>
#include <strata/store/data_intent.hpp>
#include <strata/store/erase_data.hpp>
#include <strata/sys/file.hpp>
#include <strata/sys/stream.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace strata {

/// The named blobs of one item, each in a file of its own. Blobs can be set, replaced and erased, and are
/// removed with their item. Thread-safe, and safe to use from several processes at once.
///
/// @tparam Held  `Item&` or `Item const&`: a view, which must not outlive the item; only the former can
///   change it, and updates the item. `Item`: owns the item, for temporaries
template <class Held>
class BigData {
  using Item = std::remove_cvref_t<Held>;
  static constexpr bool is_constant = std::is_const_v<std::remove_reference_t<Held>>;
  using Traits = typename Item::Traits;
  using Record = typename Traits::Record;

 public:
  explicit BigData(Held&& item) : item_(std::forward<Held>(item)) {}

  /// Keys, in the order in which they were first set.
  names::List names() const;

  /// All bytes of one blob. @throws `Errc::data_unknown`
  std::string get(std::string_view key) const;

  /// One blob as a stream; memory is bounded by its chunks. A blob that is replaced meanwhile is read to its
  /// end as it was.
  ///
  ///     auto config = image.big_data().source("config");
  ///     for (Bytes part = config.next(); !part.empty(); part = config.next()) …
  ///
  /// @throws `Errc::data_unknown`; while reading, `errno`, "read <path>"
  [[nodiscard]] Source source(std::string_view key) const;

  /// Writes one blob to a sink. @throws as `source`, and what the sink throws
  void get(std::string_view key, Sink to) const;

  /// Size in bytes. @throws `Errc::size_unknown`
  [[nodiscard]] std::int64_t size(std::string_view key) const;

  /// SHA-256 of the bytes, as recorded. @throws `Errc::digest_unknown`
  [[nodiscard]] Digest digest(std::string_view key) const;

  /// Sets or replaces one blob. The file is complete and flushed before it is renamed into place, and in
  /// place before the record has the key. After an exception the blob is the old or the new one.
  /// @param known_digest  digest to record if it is not the SHA-256 of the bytes (digests of signed
  ///   manifests)
  void set(std::string_view key, std::string_view bytes,
           std::optional<Digest> known_digest = {}) requires(!is_constant);

  /// As above, from a stream; memory is bounded by its chunks. @throws EBADF: an empty source; what the
  /// source throws
  void set(std::string_view key, Source source,
           std::optional<Digest> known_digest = {}) requires(!is_constant);

  /// Removes one blob, and its key, size and digest from the record; an image keeps its own `digest`. After
  /// an exception the blob is there as before, or gone. What was opened by `source` can be read to its end.
  /// @throws `Errc::data_unknown`, `Errc::store_read_only`, `Traits::unknown`
  void erase(std::string_view key) requires(!is_constant);

 private:
  /// @param fill  calls its argument with all bytes, in order
  template <class Fill>
  void set_by(std::string_view key, std::optional<Digest> const& known_digest, Fill&& fill) {
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

  template <class Fill>
  void put(std::string_view key, fs::path const& target, std::optional<Digest> const& known_digest,
           Fill&& fill) {
    auto& core = item_.core();
    auto file = new_file(target, core.flush());
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

  /// A file beside `target`; its directory may go at any time with other data that is erased.
  static sys::ReplacingFile new_file(fs::path const& target, Flush flush);

  /// Removes directories made here for an item that was removed meanwhile: the process that removed it could
  /// not see them.
  void forget_if_removed(fs::path const& target) const noexcept try {
    auto const table = item_.place().table.read();
    if (table.by_id(item_.record().id)) return;
    sys::remove_empty_parents(target, item_.place().directory);
  } catch (...) {  // the error of reading the records was reported before
  }

  fs::path path(std::string_view key) const;
  Error unknown(std::string_view key) const;
  std::string subject(std::string_view key) const;

  Held item_;
};

}  // namespace strata

#include <strata/impl/store/big_data.hpp>
