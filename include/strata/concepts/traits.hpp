#pragma once

#include <strata/concepts/driver.hpp>
#include <strata/concepts/serializer.hpp>
#include <strata/error.hpp>
#include <strata/separate.hpp>

#include <concepts>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace strata {

/// Number of digits of generated ids: as the serializer requires (Podman rejects images whose id does not
/// have 64), otherwise 32.
template <class Serializer>
inline constexpr std::size_t default_id_digits = 32;
template <class Serializer>
requires requires {
  { Serializer::id_digits } -> std::convertible_to<std::size_t>;
}
inline constexpr std::size_t default_id_digits<Serializer> = Serializer::id_digits;

/// What holds of a kind of items unless its traits shadow it: nothing special.
struct TraitDefaults {
  static constexpr bool keeps_data_sizes = false;
  static constexpr bool locked_first = false;
  static constexpr bool has_parent = false;
  static constexpr bool mounts_read_only = false;
  static constexpr bool found_in_read_only_stores = false;
  static constexpr bool records_in_image_store = false;
  static constexpr bool data_in_image_store = false;
  static constexpr bool may_be_volatile = false;
  static constexpr bool lock_follows_volatile = false;
  static constexpr std::string_view fixed_flag = {};

  static bool may_edit(std::string_view field);
  static std::string_view also_known_as(auto const&) { return {}; }
  static void named(auto&) {}
  static void data_changed(auto&) {}
};

/// The differences between layers, images and containers, as types and constants. Derive from `LayerTraits`,
/// `ImageTraits` or `ContainerTraits` and shadow a member to change it; `TraitDefaults` has what most kinds
/// share.
///
/// - `Driver`, `Serializer`, `Record`, `Id`
/// - `kind`  the word for error texts
/// - `stem`  of the directory `<driver>-<stem>` and the files `<stem>.lock`, `<stem>.<extension>`
/// - `unknown`  error if no item has an id or name
/// - `repeated_names`  error if a read-only store gives one name to two items of the kind
/// - `id_digits`  number of hexadecimal digits of a generated id
/// - `keeps_data_sizes`  size and digest of big data are recorded
/// - `subject`  subject of a problem with an item
/// - `locked_first`  its table is locked before the others; its first reader completes interrupted work
/// - `has_parent`  an item stores changes to another one of the kind, and takes archives
/// - `mounts_read_only`  a mount shows the item itself, with host ids, and cannot be written to
/// - `found_in_read_only_stores`  items of read-only (additional) stores are also items of this store
/// - `records_in_image_store`, `data_in_image_store`  what a separate image store contains of the kind:
///   records of items that no container writes to, or everything
/// - `may_be_volatile`  records may be in a file that need not survive a power loss
/// - `lock_follows_volatile`  in a transient store, the kind's lock file is in the run root with that file
/// - `may_edit(field)`  true if `Item::edit` can change the field of that key, one that `Record::fields` visits
/// - `fixed_flag`  a flag of the record that `Item::edit` must not set or clear, or empty
/// - `refers_to(record, visit)`  calls `visit(key)` for each id or digest by which `Index::referring_to`
///   finds it
/// - `also_known_as(record)`  one additional exact key for look-ups, or empty
/// - `layer_of(record)`  id of the layer that has its files, or empty
/// - `named(record)`, `data_changed(record)`  called after the names or the big data of an existing item
///   changed
template <class T>
concept ItemTraits = LayerDriver<typename T::Driver> &&
    SerializerFor<typename T::Serializer, typename T::Record> &&
    requires(typename T::Record& record, typename T::Record const& constant,
             void (*visit)(std::string const&)) {
  typename T::Id;
  { T::kind } -> std::convertible_to<std::string_view>;
  { T::stem } -> std::convertible_to<std::string_view>;
  { T::unknown } -> std::convertible_to<Errc>;
  { T::repeated_names } -> std::convertible_to<Errc>;
  { T::id_digits } -> std::convertible_to<std::size_t>;
  { T::keeps_data_sizes } -> std::convertible_to<bool>;
  { T::subject } -> std::convertible_to<Subject>;
  { T::locked_first } -> std::convertible_to<bool>;
  { T::has_parent } -> std::convertible_to<bool>;
  { T::mounts_read_only } -> std::convertible_to<bool>;
  { T::found_in_read_only_stores } -> std::convertible_to<bool>;
  { T::records_in_image_store } -> std::convertible_to<bool>;
  { T::data_in_image_store } -> std::convertible_to<bool>;
  { T::may_be_volatile } -> std::convertible_to<bool>;
  { T::lock_follows_volatile } -> std::convertible_to<bool>;
  { T::may_edit(std::string_view()) } -> std::convertible_to<bool>;
  { T::fixed_flag } -> std::convertible_to<std::string_view>;
  { T::refers_to(constant, visit) } -> std::same_as<void>;
  { T::also_known_as(constant) } -> std::convertible_to<std::string_view>;
  { T::layer_of(constant) } -> std::convertible_to<std::string>;
  { T::named(record) } -> std::same_as<void>;
  { T::data_changed(record) } -> std::same_as<void>;
  { record.id } -> std::convertible_to<std::string>;
  { record.names } -> std::convertible_to<std::vector<std::string>>;
};

}  // namespace strata

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/concepts/traits.ipp>
#endif
