#pragma once

#include <strata/concepts/bytes.hpp>
#include <strata/digest.hpp>
#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/records/names.hpp>

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
  void set_by(std::string_view key, std::optional<Digest> const& known_digest, Fill&& fill);

  template <class Fill>
  void put(std::string_view key, fs::path const& target, std::optional<Digest> const& known_digest,
           Fill&& fill);

  /// Removes directories made here for an item that was removed meanwhile: the process that removed it could
  /// not see them.
  void forget_if_removed(fs::path const& target) const noexcept;

  fs::path path(std::string_view key) const;
  Error unknown(std::string_view key) const;
  std::string subject(std::string_view key) const;

  Held item_;
};

}  // namespace strata

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/store/big_data.hpp>
#endif
