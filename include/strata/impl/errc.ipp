#pragma once

#include <strata/errc.hpp>

namespace strata {

STRATA_INLINE std::error_category const& error_category() noexcept {
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
        case Errc::corrupt_document:
          return "invalid image document";
        case Errc::not_an_image:
          return "not an image";
        case Errc::platform_unknown:
          return "no image for this platform";
        case Errc::invalid_reference:
          return "invalid reference format";
        case Errc::image_forbidden:
          return "image is not allowed on this host";
        case Errc::unavailable:
          return "server not available";
        case Errc::access_denied:
          return "access denied";
        case Errc::tls_failed:
          return "no trusted connection";
        case Errc::unexpected_answer:
          return "unexpected answer";
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
        case Errc::platform_unknown:
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
        case Errc::image_forbidden:
          return std::errc::permission_denied;
        case Errc::record_field:
        case Errc::layer_incomplete:
        case Errc::layer_sealed:
        case Errc::reserved_entry:
        case Errc::unsafe_path:
          return std::errc::operation_not_permitted;
        case Errc::unsupported:
        case Errc::unsupported_compression:
        case Errc::not_an_image:
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
        case Errc::invalid_reference:
          return std::errc::invalid_argument;
        case Errc::corrupt_record:
        case Errc::corrupt_archive:
        case Errc::corrupt_tar_split:
        case Errc::corrupt_document:
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
        case Errc::unavailable:
          return std::errc::host_unreachable;
        case Errc::access_denied:
          return std::errc::permission_denied;
        case Errc::tls_failed:
        case Errc::unexpected_answer:
          return std::errc::protocol_error;
        default:  // no portable condition
          return {value, *this};
      }
    }
  };
  static Category const category;
  return category;
}

STRATA_INLINE std::error_code make_error_code(Errc code) noexcept {
  return {static_cast<int>(code), error_category()};
}

}  // namespace strata
