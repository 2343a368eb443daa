#pragma once

#include <string>
#include <system_error>
#include <type_traits>

namespace strata {

/// Error conditions of the library, for callers to act on. Where the Go library (containers/storage) has a
/// text for the same condition, `message()` is that text, so that scripts that match it keep working.
enum class Errc {
  layer_unknown = 1,        ///< no layer has that id, name or unique prefix (every call that takes one)
  image_unknown,            ///< no such image
  container_unknown,        ///< no such container
  item_unknown,             ///< no such layer, image or container (calls that take any kind)
  parent_unknown,           ///< a layer's record names a parent that does not exist
  duplicate_id,             ///< the id is in use (create)
  duplicate_name,           ///< another item of the kind has the name (create)
  layer_has_children,       ///< another layer is stored as a diff on top of it (remove)
  layer_used_by_image,      ///< it is an image's top layer (remove)
  layer_used_by_container,  ///< it is a container's layer, or it is mounted (remove, shutdown)
  image_used_by_container,  ///< a container was created from it (remove)
  parent_is_container,      ///< a container's layer cannot have children (create)
  invalid_id,               ///< not a single safe path component
  invalid_name,             ///< a big-data key that cannot be stored: empty, "." or ".."
  data_unknown,             ///< the item has no big data under that key
  size_unknown,             ///< no size is recorded for that key
  digest_unknown,           ///< no digest is recorded for that key
  digest_invalid_format,    ///< not "algorithm:hex"
  digest_invalid_length,    ///< wrong number of hex digits for the algorithm
  digest_unsupported,       ///< an algorithm other than sha256, sha384, sha512
  digest_mismatch,          ///< content does not match the expected or recorded digest
  store_read_only,          ///< write operation on a store opened read-only
  store_changed,            ///< another process changed a read-only store during the operation
  duplicate_layer_names,    ///< two layers of a read-only store share a name (every read view of layers)
  duplicate_image_names,    ///< the same for images (opening the read-only store)
  image_store_same,         ///< the separate image store is the graph root itself
  store_mismatch,           ///< written by another serializer or driver
  incomplete_options,       ///< no graph root or no run root
  driver_unknown,           ///< this program has no driver of that name
  driver_unusable,          ///< the driver cannot work here (file system, kernel, privileges)
  driver_option,            ///< unknown driver option, or invalid value
  configuration,            ///< a configuration file or a value in it cannot be parsed
  several_drivers,          ///< no driver was named and the root holds data of more than one
  unsupported_compression,  ///< can be read but not written, or the codec is not compiled in
  corrupt_record,           ///< a record file cannot be parsed
  corrupt_archive,          ///< a tar stream is truncated or malformed
  corrupt_tar_split,        ///< tar-split data is damaged, or names a file that is missing
  file_changed,             ///< a file of a layer differs from what was imported
  over_budget,              ///< an input exceeds a limit on bytes, ratio, entries or lengths
  unsafe_path,              ///< an archive entry points outside its layer
  reserved_entry,           ///< an archive entry is reserved for drivers (character device 0:0)
  invalid_mappings,         ///< id maps that overlap, are empty, or lack a required id
  no_available_ids,         ///< too few unused subordinate ids for another user namespace
  cannot_shift,             ///< other owners than the container's, and no way to shift them (mount)
  layer_not_mounted,        ///< the operation requires a mounted layer
  unsupported,              ///< not supported by this combination of types or by the host
  kept,                     ///< a repair kept something, as nothing proves it unused (in a `RepairReport`)
  record_field,             ///< an edit changed a field that other calls change (edit)
  layer_incomplete,         ///< filling a staged layer failed, so it cannot be published
  layer_sealed,             ///< a staged layer is already filled or published
  changed_meanwhile,        ///< another call changed the item concurrently; retry
  stopped,                  ///< the caller's stop token was triggered
};

/// Category of `Errc`: name "strata". Codes compare equal to the portable conditions of `std::errc`, so that code which does
/// not know `Errc` can handle them, and treat them like the kernel's:
///
///     catch (std::system_error const& error) { if (error.code() == std::errc::no_such_file_or_directory) … }
///
/// - `no_such_file_or_directory`       `…_unknown` of items, a parent and big data
/// - `file_exists`                     `duplicate_id`, `duplicate_name`
/// - `device_or_resource_busy`         `layer_has_children`, `…_used_by_…`
/// - `read_only_file_system`           `store_read_only`
/// - `operation_not_permitted`         `record_field`, `reserved_entry`, `unsafe_path`, `layer_incomplete`, `layer_sealed`
/// - `not_supported`                   `unsupported`, `unsupported_compression`, `digest_unsupported`, `cannot_shift`,
///                                     `driver_unknown`, `driver_unusable`
/// - `invalid_argument`                malformed ids, keys, digests, maps, options; `parent_is_container`
/// - `bad_message`                     `corrupt_…`, `digest_mismatch`, `file_changed`
/// - `file_too_large`                  `over_budget`
/// - `resource_unavailable_try_again`  `changed_meanwhile`, `store_changed`
/// - `operation_canceled`              `stopped`
inline std::error_category const& error_category() noexcept {
  struct Category final : std::error_category {
    char const* name() const noexcept override { return "strata"; }
    std::string message(int value) const override {
      switch (static_cast<Errc>(value)) {
        case Errc::layer_unknown:
          return "layer not known";
        case Errc::image_unknown:
          return "image not known";
        case Errc::container_unknown:
          return "container not known";
        case Errc::item_unknown:
          return "identifier is not a layer, image, or container";
        case Errc::parent_unknown:
          return "parent of layer not known";
        case Errc::duplicate_id:
          return "that ID is already in use";
        case Errc::duplicate_name:
          return "that name is already in use";
        case Errc::layer_has_children:
          return "layer has children";
        case Errc::layer_used_by_image:
          return "layer is in use by an image";
        case Errc::layer_used_by_container:
          return "layer is in use by a container";
        case Errc::image_used_by_container:
          return "image is in use by a container";
        case Errc::parent_is_container:
          return "would-be parent layer is a container";
        case Errc::invalid_id:
          return "not a valid ID";
        case Errc::invalid_name:
          return "not a valid name for a big data item";
        case Errc::data_unknown:
          return "file does not exist";
        case Errc::size_unknown:
          return "size is not known";
        case Errc::digest_unknown:
          return "could not compute digest of item";
        case Errc::digest_invalid_format:
          return "invalid checksum digest format";
        case Errc::digest_invalid_length:
          return "invalid checksum digest length";
        case Errc::digest_unsupported:
          return "unsupported digest algorithm";
        case Errc::digest_mismatch:
          return "digest does not match";
        case Errc::store_read_only:
          return "called a write method on a read-only store";
        case Errc::store_changed:
          return "read-only store was changed by others meanwhile";
        case Errc::duplicate_layer_names:
          return "read-only layer store assigns the same name to multiple layers";
        case Errc::duplicate_image_names:
          return "read-only image store assigns the same name to multiple images";
        case Errc::image_store_same:
          return "must either be not set or be a different than graphroot";
        case Errc::store_mismatch:
          return "store was made by another serializer or driver";
        case Errc::incomplete_options:
          return "missing necessary StoreOptions";
        case Errc::driver_unknown:
          return "driver not supported";
        case Errc::driver_unusable:
          return "prerequisites for driver not satisfied (wrong filesystem?)";
        case Errc::driver_option:
          return "driver option not accepted";
        case Errc::configuration:
          return "configuration not accepted";
        case Errc::several_drivers:
          return "contains several valid graphdrivers";
        case Errc::unsupported_compression:
          return "unsupported compression format";
        case Errc::corrupt_record:
          return "error loading storage metadata";
        case Errc::corrupt_archive:
          return "archive is damaged";
        case Errc::corrupt_tar_split:
          return "tar-split is damaged";
        case Errc::file_changed:
          return "file integrity checksum failed";
        case Errc::over_budget:
          return "limit exceeded";
        case Errc::unsafe_path:
          return "path leads outside the layer";
        case Errc::reserved_entry:
          return "archive entry is reserved for the storage driver";
        case Errc::invalid_mappings:
          return "invalid mappings specified";
        case Errc::no_available_ids:
          return "not enough unused IDs in user namespace";
        case Errc::cannot_shift:
          return "shifting not enabled";
        case Errc::layer_not_mounted:
          return "layer is not mounted";
        case Errc::unsupported:
          return "not supported";
        case Errc::kept:
          return "kept as it is";
        case Errc::record_field:
          return "field of a record that is not to be edited";
        case Errc::layer_incomplete:
          return "layer was not filled completely";
        case Errc::layer_sealed:
          return "layer is filled or published already";
        case Errc::changed_meanwhile:
          return "changed meanwhile";
        case Errc::stopped:
          return "stopped";
      }
      return "unknown error";
    }
    std::error_condition default_error_condition(int value) const noexcept override {
      switch (static_cast<Errc>(value)) {
        case Errc::layer_unknown:
        case Errc::image_unknown:
        case Errc::container_unknown:
        case Errc::item_unknown:
        case Errc::parent_unknown:
        case Errc::data_unknown:
          return std::errc::no_such_file_or_directory;
        case Errc::duplicate_id:
        case Errc::duplicate_name:
          return std::errc::file_exists;
        case Errc::layer_has_children:
        case Errc::layer_used_by_image:
        case Errc::layer_used_by_container:
        case Errc::image_used_by_container:
          return std::errc::device_or_resource_busy;
        case Errc::store_read_only:
          return std::errc::read_only_file_system;
        case Errc::record_field:
        case Errc::layer_incomplete:
        case Errc::layer_sealed:
        case Errc::reserved_entry:
        case Errc::unsafe_path:
          return std::errc::operation_not_permitted;
        case Errc::unsupported:
        case Errc::unsupported_compression:
        case Errc::digest_unsupported:
        case Errc::cannot_shift:
        case Errc::driver_unknown:
        case Errc::driver_unusable:
          return std::errc::not_supported;
        case Errc::invalid_id:
        case Errc::invalid_name:
        case Errc::digest_invalid_format:
        case Errc::digest_invalid_length:
        case Errc::invalid_mappings:
        case Errc::incomplete_options:
        case Errc::image_store_same:
        case Errc::parent_is_container:
        case Errc::driver_option:
        case Errc::configuration:
          return std::errc::invalid_argument;
        case Errc::corrupt_record:
        case Errc::corrupt_archive:
        case Errc::corrupt_tar_split:
        case Errc::digest_mismatch:
        case Errc::file_changed:
          return std::errc::bad_message;
        case Errc::over_budget:
          return std::errc::file_too_large;
        case Errc::changed_meanwhile:
        case Errc::store_changed:
          return std::errc::resource_unavailable_try_again;
        case Errc::stopped:
          return std::errc::operation_canceled;
        default:  // no portable condition
          return {value, *this};
      }
    }
  };
  static Category const category;
  return category;
}

inline std::error_code make_error_code(Errc code) noexcept {
  return {static_cast<int>(code), error_category()};
}

}  // namespace strata

template <>
struct std::is_error_code_enum<strata::Errc> : std::true_type {};
