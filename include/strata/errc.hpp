#pragma once

#include <strata/separate.hpp>

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
  corrupt_document,         ///< a manifest, index or image configuration is malformed or contradicts itself
  not_an_image,             ///< a manifest or configuration of another kind of artifact
  platform_unknown,         ///< an index has no image for the platform
  invalid_reference,        ///< not the name of an image
  image_forbidden,          ///< the host's configuration forbids the image: policy.json, registries.conf
  unavailable,        ///< a server cannot be reached, breaks off or has no time: a later call may succeed
  access_denied,      ///< a registry wants credentials, or other ones
  tls_failed,         ///< a certificate is not trusted, or no TLS connection can be made
  unexpected_answer,  ///< a server answers what the protocol has no place for, or leads to where it must not
  stopped,            ///< the caller's stop token was triggered
};

/// Category of `Errc`: name "strata". Codes compare equal to the portable conditions of `std::errc`, so that code which does
/// not know `Errc` can handle them, and treat them like the kernel's:
///
///     catch (std::system_error const& error) { if (error.code() == std::errc::no_such_file_or_directory) … }
///
/// - `no_such_file_or_directory`       `…_unknown` of items, a parent, big data and a platform
/// - `file_exists`                     `duplicate_id`, `duplicate_name`
/// - `device_or_resource_busy`         `layer_has_children`, `…_used_by_…`
/// - `read_only_file_system`           `store_read_only`
/// - `permission_denied`               `image_forbidden`
/// - `operation_not_permitted`         `record_field`, `reserved_entry`, `unsafe_path`, `layer_incomplete`, `layer_sealed`
/// - `not_supported`                   `unsupported`, `unsupported_compression`, `digest_unsupported`, `cannot_shift`,
///                                     `driver_unknown`, `driver_unusable`
/// - `invalid_argument`                malformed ids, keys, digests, references, maps, options; `parent_is_container`
/// - `bad_message`                     `corrupt_…`, `digest_mismatch`, `file_changed`
/// - `file_too_large`                  `over_budget`
/// - `resource_unavailable_try_again`  `changed_meanwhile`, `store_changed`
/// - `operation_canceled`              `stopped`
/// - `host_unreachable`                `unavailable`
/// - `permission_denied`               `access_denied`
/// - `protocol_error`                  `unexpected_answer`, `tls_failed`
std::error_category const& error_category() noexcept;

std::error_code make_error_code(Errc code) noexcept;

}  // namespace strata

template <>
struct std::is_error_code_enum<strata::Errc> : std::true_type {};

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/errc.ipp>
#endif
