// The table of commands, and the one translation unit in which the store's templates are instantiated.

#include "command.hpp"
#include "commands_check.hpp"
#include "commands_commit.hpp"
#include "commands_config.hpp"
#include "commands_copy.hpp"
#include "commands_create.hpp"
#include "commands_data.hpp"
#include "commands_delete.hpp"
#include "commands_deps.hpp"
#include "commands_diff.hpp"
#include "commands_history.hpp"
#include "commands_inspect.hpp"
#include "commands_list.hpp"
#include "commands_load.hpp"
#include "commands_mount.hpp"
#include "commands_names.hpp"
#include "commands_owners.hpp"
#include "commands_pull.hpp"
#include "commands_push.hpp"
#include "commands_save.hpp"
#include "commands_store.hpp"
#include "commands_unshare.hpp"
#include "session.hpp"
#include <array>
#include <string_view>

namespace oci_storage {
namespace {

using enum OptionKind;

constexpr OptionSpec json_option{"--json, -j", flag, "Prefer JSON output"};
constexpr OptionSpec read_file{"--file, -f", text, "Read from file instead of stdin"};
constexpr OptionSpec write_file{"--file, -f", text, "Write to file instead of stdout"};
constexpr OptionSpec id_option(std::string_view help) { return {"--id, -i", text, help}; }
constexpr OptionSpec name_option(std::string_view help) { return {"--name, -n", list, help}; }
constexpr OptionSpec metadata_option{"--metadata, -m", text, "Metadata"};
constexpr OptionSpec metadata_file_option{"--metadata-file, -f", text, "Metadata File"};
constexpr auto& maps = id_map_options;

constexpr auto only_json = std::to_array({json_option});
constexpr auto data_out = std::to_array<OptionSpec>({{"--file, -f", text, "Write data to file"}});
constexpr auto data_in = std::to_array<OptionSpec>({{"--file, -f", text, "Read data from file"}});
constexpr auto for_create_layer = std::to_array<OptionSpec>({
    {"--label, -l", text, "Mount Label"},
    name_option("Layer name"),
    id_option("Layer ID"),
    {"--readonly, -r", flag, "Mark as read-only"},
    json_option,
    maps[0],
    maps[1],
    maps[2],
    maps[3],
    maps[4],
    maps[5],
});
constexpr auto for_create_storage_layer = [] {
  std::array<OptionSpec, for_create_layer.size() - 1> out{};
  std::ranges::copy_if(for_create_layer, out.begin(), [](auto const& spec) { return spec.key() != "name"; });
  return out;
}();
constexpr auto for_import_layer = [] {
  std::array<OptionSpec, for_create_layer.size() + 1> out{};
  std::ranges::copy(for_create_layer, out.begin());
  out.back() = read_file;
  return out;
}();
constexpr auto for_create_image = std::to_array<OptionSpec>({
    name_option("Image name"),
    id_option("Image ID"),
    {"--digest, -d", text, "Image Digest"},
    metadata_option,
    metadata_file_option,
    json_option,
});
constexpr auto for_create_container = std::to_array<OptionSpec>({
    name_option("Container name"),
    {"--volatile", flag, "Mark as volatile"},
    id_option("Container ID"),
    metadata_option,
    metadata_file_option,
    json_option,
    maps[0],
    maps[1],
    maps[2],
    maps[3],
    maps[4],
    maps[5],
});
constexpr auto for_copy =
    std::to_array<OptionSpec>({{"--chown, -o", text, "Set owner on new copies"}, json_option});
constexpr auto for_dedup = std::to_array<OptionSpec>(
    {json_option,
     {"--hash-method", text, "Specify the hash function to use to detect identical files", "crc"}});
constexpr auto for_delete_image =
    std::to_array<OptionSpec>({{"--test, -t", flag, "Only test removal"}, json_option});
constexpr auto for_diff = std::to_array<OptionSpec>({
    write_file,
    {"--uncompressed, -u", flag, "Use no compression"},
    {"--gzip, -c", flag, "Compress using gzip"},
    {"--bzip2, --bz2, -b", flag, "Compress using bzip2 (not currently supported)"},
    {"--xz, -x", flag, "Compress using xz (not currently supported)"},
});
constexpr auto for_apply = std::to_array({read_file});
constexpr auto for_exists = std::to_array<OptionSpec>({
    {"--quiet, -q", flag, "Don't print names"},
    {"--layer, -l", flag, "Only succeed if the match is a layer"},
    {"--image, -i", flag, "Only succeed if the match is an image"},
    {"--container, -c", flag, "Only succeed if the match is a container"},
    json_option,
});
constexpr auto for_images = std::to_array<OptionSpec>({{"--quiet, -q", flag, "Only print IDs"}, json_option});
constexpr auto for_layers = std::to_array<OptionSpec>({
    {"--tree, -t", flag, "Use a tree"},
    {"--quick, -q", flag, "Just the IDs"},
    json_option,
});
constexpr auto for_deps = std::to_array<OptionSpec>({{"--tree, -t", flag, "Use a tree"}, json_option});
constexpr auto for_metadata =
    std::to_array<OptionSpec>({{"--quiet, -q", flag, "Omit names and IDs"}, json_option});
constexpr auto for_set_metadata = std::to_array({metadata_option, metadata_file_option});
constexpr auto for_mount = std::to_array<OptionSpec>({
    {"--opt, -o", list, "Mount Options"},
    {"--label, -l", text, "Mount Label"},
    {"--read-only, --ro, -r", flag, "Mount image readonly"},
    json_option,
});
constexpr auto for_unmount =
    std::to_array<OptionSpec>({json_option, {"--force, -f", flag, "Force the umount"}});
constexpr auto for_add_names = std::to_array({name_option("Name to add"), json_option});
constexpr auto for_remove_names = std::to_array({name_option("Name to remove"), json_option});
constexpr auto for_set_names = std::to_array({name_option("New name"), json_option});
constexpr auto for_shutdown =
    std::to_array<OptionSpec>({json_option, {"--force, -f", flag, "Unmount mounted layers first"}});
constexpr auto for_check = std::to_array<OptionSpec>({
    json_option,
    {"--max, -m", text, "Maximum allowed age for unreferenced layers", "24h"},
    {"--repair, -r", flag, "Remove damaged images and layers"},
    {"--force, -f", flag, "Remove damaged containers"},
    {"--quick, -q", flag, "Perform only quick checks"},
});
constexpr auto for_gc =
    std::to_array<OptionSpec>({json_option, {"--dry-run", flag, "Only tell what would be removed"}});
constexpr auto for_commit = std::to_array<OptionSpec>({
    {"--change, -c", list, "Change the image by an instruction of a Dockerfile"},
    {"--author, -a", text, "Author of the image"},
    {"--message, -m", text, "What the image says of itself, with --format docker"},
    {"--format, -f", text, "oci or docker", "oci"},
    {"--iidfile", text, "Write the ID to file"},
    {"--quiet, -q", flag, "Only print the ID"},
});
constexpr auto for_load = std::to_array<OptionSpec>({
    {"--input, -i", text, "Read from file or directory instead of stdin"},
    {"--platform", text, "Choose os/architecture[/variant] of an image for several"},
    {"--name", text, "Name for the image"},
    {"--quiet, -q", flag, "Only print IDs"},
});
constexpr auto for_save = std::to_array<OptionSpec>({
    {"--output, -o", text, "Write to file or directory instead of stdout"},
    {"--format", text, "oci-dir, oci-archive, docker-archive or docker-dir", "docker-archive",
     "oci-dir oci-archive docker-archive docker-dir"},
    {"--compress",
     text,
     "Compress layers, or a docker-archive as a whole: gzip, zstd or none",
     {},
     "gzip zstd none"},
    {"--all", flag, "Save the images for all platforms, where an image is a list of them"},
    {"--multi-image-archive, -m", flag, "No effect: each argument is an image in any case"},
    {"--quiet, -q", flag, "Show no progress"},
});
constexpr OptionSpec authfile_option{"--authfile", text, "Path of the authentication file"};
constexpr OptionSpec cert_dir_option{"--cert-dir", text, "Directory of certificates for the registry"};
constexpr OptionSpec creds_option{"--creds", text, "Credentials (USERNAME:PASSWORD) for the registry"};
constexpr OptionSpec tls_verify_option{"--tls-verify", flag, "Require HTTPS and verify certificates", "true"};
constexpr auto for_pull = std::to_array<OptionSpec>({
    {"--platform", text, "Choose os/architecture[/variant] of an image for several"},
    {"--quiet, -q", flag, "Only print IDs"},
    authfile_option,
    cert_dir_option,
    creds_option,
    tls_verify_option,
});
constexpr auto for_push = std::to_array<OptionSpec>({
    {"--compress", text, "Compress layers: gzip, zstd or none", "gzip"},
    {"--digestfile", text, "Write the digest of the pushed image to file"},
    {"--format", text, "Format of the manifest: oci or v2s2"},
    {"--quiet, -q", flag, "Show no progress"},
    authfile_option,
    cert_dir_option,
    creds_option,
    tls_verify_option,
});
constexpr auto for_history = std::to_array<OptionSpec>({
    {"--human, -H", flag, "Print how long ago instead of when", "true"},
    {"--no-trunc", flag, "Print whole IDs and commands"},
    {"--quiet, -q", flag, "Only print IDs"},
    json_option,
});
constexpr std::span<OptionSpec const> none{};

constexpr std::string_view a_container = "[options [...]] containerNameOrID";
constexpr std::string_view a_container_data = "[options [...]] containerNameOrID dataName";
constexpr std::string_view an_image = "[options [...]] imageNameOrID";
constexpr std::string_view an_image_data = "[options [...]] imageNameOrID dataName";
constexpr std::string_view a_layer = "[options [...]] layerNameOrID";
constexpr std::string_view a_layer_data = "[options [...]] layerID dataName";
constexpr std::string_view a_parent = "[options [...]] [parentLayerNameOrID]";
constexpr std::string_view two_layers = "[options [...]] layerNameOrID [referenceLayerNameOrID]";
constexpr std::string_view mountable = "LayerOrContainerNameOrID";
constexpr std::string_view anything = "[LayerOrImageOrContainerNameOrID [...]]";
constexpr std::string_view named_item = "[options [...]] imageOrContainerNameOrID";

// clang-format off
constexpr auto table = std::to_array<Command>({
    {"check", "", 0, 0, "", "Check storage consistency", for_check, check_store},
    {"commit", "", 1, 2, "[options [...]] containerNameOrID [imageName]", "Make an image of a container", for_commit, commit_container},
    {"config", "", 0, 1, "[configurationFile]", "Print storage library configuration as JSON", none, show_config},
    {"container", "", 1, any_number, "[options [...]] containerNameOrID [...]", "Examine a container", only_json, show_containers},
    {"list-container-data", "listcontainerdata", 1, 1, a_container, "List data items that are attached to an container", only_json, list_data<Containers>},
    {"get-container-data", "getcontainerdata", 2, 2, a_container_data, "Get data that is attached to an container", data_out, get_data<Containers>},
    {"get-container-data-size", "getcontainerdatasize", 2, 2, a_container_data, "Get size of data that is attached to an container", none, get_data_size<Containers>},
    {"get-container-data-digest", "getcontainerdatadigest", 2, 2, a_container_data, "Get digest of data that is attached to an container", none, get_data_digest<Containers>},
    {"set-container-data", "setcontainerdata", 2, 2, a_container_data, "Set data that is attached to an container", data_in, set_data<Containers>},
    {"get-container-dir", "getcontainerdir", 1, 1, a_container, "Find the container's associated data directory", none, show_directory<Containers>},
    {"get-container-run-dir", "getcontainerrundir", 1, 1, a_container, "Find the container's associated runtime directory", none, show_run_directory<Containers>},
    {"container-parent-owners", "", 1, any_number, "[options [...]] containerNameOrID [...]", "Compute the set of unmapped parent UIDs and GIDs of the container", only_json, show_container_owners},
    {"containers", "", 0, 0, "[options [...]]", "List containers", only_json, list_containers},
    {"copy", "", 2, any_number, "[options [...]] [sourceLayerNameOrID:]/path [...] targetLayerNameOrID:/path", "Copy files or directories into a layer, possibly from another layer", for_copy, copy_files},
    {"create-storage-layer", "", 0, 1, a_parent, "Create a new layer only in the storage driver", for_create_storage_layer, create_storage_layer},
    {"create-layer", "createlayer", 0, 1, a_parent, "Create a new layer", for_create_layer, create_layer},
    {"import-layer", "importlayer", 0, 1, a_parent, "Import a new layer", for_import_layer, import_layer},
    {"create-image", "createimage", 0, 1, "[options [...]] topLayerNameOrID", "Create a new image using layers", for_create_image, create_image},
    {"create-container", "createcontainer", 1, 1, "[options [...]] parentImageNameOrID", "Create a new container from an image", for_create_container, create_container},
    {"dedup", "", 0, 0, "", "Dedup all images", for_dedup, dedup},
    {"delete", "", 1, any_number, anything, "Delete a layer or image or container, with no safety checks", only_json, remove_any},
    {"delete-layer", "deletelayer", 1, any_number, "[LayerNameOrID [...]]", "Delete a layer, with safety checks", only_json, remove_layers},
    {"delete-image", "deleteimage", 1, any_number, "[ImageNameOrID [...]]", "Delete an image, with safety checks", for_delete_image, remove_images},
    {"delete-container", "deletecontainer", 1, any_number, "[ContainerNameOrID [...]]", "Delete a container, with safety checks", only_json, remove_containers},
    {"changes", "", 1, 2, two_layers, "Compare two layers", only_json, show_changes},
    {"diffsize", "diff-size", 1, 2, two_layers, "Compare two layers", none, show_diff_size},
    {"diff", "", 1, 2, two_layers, "Compare two layers", for_diff, write_diff},
    {"applydiff", "apply-diff", 1, 1, two_layers, "Apply a diff to a layer", for_apply, apply_diff},
    {"applydiff-using-staging-dir", "", 2, 2, "layerNameOrID directory", "Apply a diff to a layer using a staging directory", none, apply_directory},
    {"exists", "", 1, any_number, anything, "Check if a layer or image or container exists", for_exists, check_existence},
    {"gc", "", 0, 0, "", "Perform garbage collection", for_gc, collect_garbage},
    {"history", "", 1, 1, an_image, "Show how an image was made", for_history, show_history},
    {"image", "", 1, any_number, "[options [...]] imageNameOrID [...]", "Examine an image", only_json, show_images},
    {"list-image-data", "listimagedata", 1, 1, an_image, "List data items that are attached to an image", only_json, list_data<Images>},
    {"get-image-data", "getimagedata", 2, 2, an_image_data, "Get data that is attached to an image", data_out, get_data<Images>},
    {"get-image-data-size", "getimagedatasize", 2, 2, an_image_data, "Get size of data that is attached to an image", none, get_data_size<Images>},
    {"get-image-data-digest", "getimagedatadigest", 2, 2, an_image_data, "Get digest of data that is attached to an image", none, get_data_digest<Images>},
    {"set-image-data", "setimagedata", 2, 2, an_image_data, "Set data that is attached to an image (with sometimes wrong digest)", data_in, set_data<Images>},
    {"get-image-dir", "getimagedir", 1, 1, an_image, "Find the image's associated data directory", none, show_directory<Images>},
    {"get-image-run-dir", "getimagerundir", 1, 1, an_image, "Find the image's associated runtime directory", none, show_run_directory<Images>},
    {"images", "", 0, 0, "[options [...]]", "List images", for_images, list_images},
    {"images-by-digest", "", 1, 1, "[options [...]] DIGEST", "List images by digest", for_images, list_images_by_digest},
    {"inspect", "", 1, any_number, "imageNameOrID [...]", "Print what images say of themselves as JSON", none, inspect_images},
    {"layer", "", 1, any_number, "[options [...]] layerNameOrID [...]", "Examine a layer", only_json, show_layers},
    {"layer-parent-owners", "", 1, any_number, "[options [...]] layerNameOrID [...]", "Compute the set of unmapped parent UIDs and GIDs of the layer", only_json, show_layer_owners},
    {"list-layer-data", "listlayerdata", 1, 1, a_layer, "List data items that are attached to a layer", only_json, list_data<Layers>},
    {"get-layer-data", "getlayerdata", 2, 2, a_layer_data, "Get data that is attached to a layer", data_out, get_data<Layers>},
    {"set-layer-data", "setlayerdata", 2, 2, a_layer_data, "Set data that is attached to a layer", data_in, set_data<Layers>},
    {"layers", "", 0, 0, "[options [...]]", "List layers", for_layers, list_layers},
    {"list-deps", "listdeps", 1, any_number, anything, "List what uses a layer, image, or container", for_deps, list_users},
    {"load", "", 0, any_number, "[options [...]] [imageName [...]]", "Load images from an archive or directory", for_load, load_images},
    {"storage-layers", "", 0, 0, "[options [...]]", "List storage layers", only_json, list_storage_layers},
    {"pull", "", 1, any_number, "[options [...]] imageName [...]", "Pull images from registries", for_pull, pull_images},
    {"push", "", 1, 2, "[options [...]] imageNameOrID [destination]", "Push an image to a registry", for_push, push_image},
    {"metadata", "", 1, any_number, anything, "Retrieve layer, image, or container metadata", for_metadata, get_metadata},
    {"set-metadata", "setmetadata", 1, 1, "[options [...]] layerOrImageOrContainerNameOrID", "Set layer, image, or container metadata", for_set_metadata, set_metadata},
    {"save", "", 1, any_number, "[options [...]] imageNameOrID [...]", "Save images to an archive or directory", for_save, save_images},
    {"mount", "", 1, any_number, "[options [...]] LayerOrContainerNameOrID", "Mount a layer or container", for_mount, mount},
    {"unmount", "umount", 1, any_number, mountable, "Unmount an image, layer or container", for_unmount, unmount},
    {"mounted", "", 1, any_number, mountable, "Check if a file system is mounted", only_json, check_mounted},
    {"get-names", "getnames", 1, 1, named_item, "Get layer, image, or container name or names", only_json, get_names},
    {"add-names", "addnames", 1, any_number, named_item, "Add layer, image, or container name or names", for_add_names, add_names},
    {"remove-names", "removenames", 1, any_number, named_item, "Remove layer, image, or container name or names", for_remove_names, remove_names},
    {"set-names", "setnames", 1, any_number, named_item, "Set layer, image, or container name or names", for_set_names, set_names},
    {"shutdown", "", 0, 0, "", "Shut down layer storage", for_shutdown, shut_down},
    {"status", "", 0, 0, "", "Check on graph driver status", only_json, show_status},
    {"unshare", "", 0, any_number, "[command [...]]", "Run a command in a user namespace", none, unshare},
    {"version", "", 0, 0, "", "Return oci-storage version information", only_json, show_version},
    {"wipe", "", 0, 0, "", "Wipe all layers, images, and containers", only_json, wipe},
});
// clang-format on

}  // namespace

std::span<Command const> commands() { return table; }

int run(Command const& command, Invocation const& call, StoreSettings const& settings) {
  static Session* session;  // never deleted: with the process its memory goes as a whole, and faster
  for (auto const& warning : settings.warnings) log(LogLevel::warning, warning);
  if (settings.debug) {
    std::string options;
    for (auto const& option : settings.driver_options) options += (options.empty() ? "" : " ") + option;
    log(LogLevel::debug, "Root: " + settings.graph_root);
    log(LogLevel::debug, "Run Root: " + settings.run_root);
    log(LogLevel::debug, "Driver Name: " + settings.driver);
    log(LogLevel::debug, "Driver Options: [" + options + ']');
  }
  try {
    if (settings.unshare) enter_namespace();
    if (settings.configuration_error) std::rethrow_exception(settings.configuration_error);
    session = new Session(settings);
  } catch (strata::Error const& error) {
    auto const text = error_text(error);
    if (error.subject().starts_with("failed to GetDriver"))
      log(LogLevel::error, 'F' + error.subject().substr(1));
    say("error initializing: ", text);
    return 1;
  } catch (std::exception const& error) {
    say("error initializing: ", error_text(error));
    return 1;
  }
  try {
    return command.run(*session, call);
  } catch (std::exception const&) {
    complain(current_error_text());
    return 1;
  }
}

}  // namespace oci_storage
