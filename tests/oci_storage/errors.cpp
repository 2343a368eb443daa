#include "../../examples/oci-storage/errors.hpp"

#include <strata/error.hpp>

#include <catch2/catch.hpp>

#include <string>

using oci_storage::error_text;
using strata::Errc;
using strata::Error;

TEST_CASE("oci-storage: errors in the words of the Go program", "[oci-storage]") {
  auto const text = [](auto code, std::string subject, std::string holder = {}) {
    return error_text(Error(code, subject, holder));
  };
  CHECK(text(Errc::layer_unknown, "layer \"x\"") == "layer not known");
  CHECK(text(Errc::image_unknown, "image \"x\"") == "locating image with ID \"x\": image not known");
  CHECK(text(Errc::duplicate_id, "layer \"x\"", "x") == "that ID is already in use");
  CHECK(text(Errc::duplicate_id, "image \"x\"", "x") ==
        "an image with ID \"x\" already exists: that ID is already in use");
  CHECK(text(Errc::duplicate_name, "image name \"n\"", "x") ==
        "image name \"n\" is already associated with image \"x\": that name is already in use");
  CHECK(text(Errc::duplicate_name, "container name \"n\"", "x") ==
        "the container name \"n\" is already in use by x. You have to remove that container to be able to "
        "reuse that name: "
        "that name is already in use");
  CHECK(text(Errc::duplicate_name, "image name \"a\"b\"", "x") ==
        "image name \"a\\\"b\" is already associated with image \"x\": that name is already in use");
  CHECK(text(Errc::image_unknown, "image \"x\", removed meanwhile") ==
        "locating image with ID \"x\": image not known");
  CHECK(text(Errc::file_changed, "file \"a\"") == "file integrity checksum failed for \"a\"");
  CHECK(text(Errc::layer_has_children, "layer \"x\"", "y") == "used by layer y: layer has children");
  CHECK(text(Errc::layer_used_by_image, "layer \"x\"", "y") ==
        "layer x used by image y: layer is in use by an image");
  CHECK(text(Errc::layer_used_by_container, "layer \"x\"", "y") ==
        "layer x used by container y: layer is in use by a container");
  CHECK(text(Errc::layer_used_by_container, "a layer is mounted", "x") ==
        "a layer is mounted: layer is in use by a container");
  CHECK(text(Errc::image_used_by_container, "image \"x\"", "y") ==
        "image used by y: image is in use by a container");
  CHECK(text(Errc::unsupported_compression, "bzip2") == "unsupported compression format tar.bz2");
  CHECK(text(std::make_error_code(std::errc::no_such_file_or_directory), "open /x") ==
        "open /x: no such file or directory");
}
