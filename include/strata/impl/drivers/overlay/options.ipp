#pragma once

#include <strata/drivers/option_text.hpp>
#include <strata/drivers/overlay/options.hpp>
#include <strata/sys/lookup.hpp>

#include <algorithm>
#include <charconv>

namespace strata::drivers::overlay {

STRATA_INLINE std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> pieces;
  while (!text.empty()) {
    auto const end = text.find(separator);
    pieces.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
    if (text.empty()) pieces.emplace_back();
  }
  return pieces;
}

}  // namespace strata::drivers::overlay

namespace strata::drivers::overlay::detail {

STRATA_INLINE std::uint32_t parse_mask(std::string const& value) {
  if (value == "shared") return 0755;
  if (value == "private") return 0700;
  std::uint32_t mode = 0;
  auto const end = value.data() + value.size();
  auto const [at, error] = std::from_chars(value.data(), end, mode, 8);
  if (error != std::errc() || at != end)
    reject_option("strconv.ParseInt: parsing \"" + value + "\": invalid syntax");
  return mode & 07777U;
}

STRATA_INLINE std::uint64_t parse_inodes(std::string const& value) {
  std::uint64_t number = 0;
  auto const end = value.data() + value.size();
  auto const [at, error] = std::from_chars(value.data(), end, number);
  if (error != std::errc() || at != end)
    reject_option("strconv.ParseUint: parsing \"" + value + "\": invalid syntax");
  return number;
}

STRATA_INLINE void add_image_store(Options& options, std::string const& text) {
  auto const path = clean(text);
  if (!path.is_absolute())
    reject_option("overlay: image path \"" + text + "\" is not absolute.  Can not be relative");
  boost::system::error_code error;
  auto const status = fs::status(path, error);
  if (!fs::exists(status)) {
    auto message =
        (error ? error : make_error_code(boost::system::errc::no_such_file_or_directory)).message();
    message[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(message[0])));
    reject_option("overlay: can't stat imageStore dir " + path.native() + ": stat " + path.native() + ": " +
                  message);
  }
  if (!fs::is_directory(status))
    reject_option("overlay: image path \"" + path.native() + "\" must be a directory");
  if (std::find(options.image_stores.begin(), options.image_stores.end(), path) == options.image_stores.end())
    options.image_stores.push_back(path);
}

STRATA_INLINE void add_image_stores(Options& options, std::string const& value) {
  for (auto const& text : split(value, ','))
    if (!text.empty()) add_image_store(options, text);
}

STRATA_INLINE void set(Options& options, std::string_view given_key, std::string_view key,
                       std::string const& value) {
  if (key == "mountopt") {
    options.mountopt = value;
  } else if (key == "mount_program") {
    if (!value.empty() && !sys::find_status(value, 0))
      reject_option("overlay: can't stat program \"" + value + "\": stat " + value +
                    ": no such file or directory");
    options.mount_program = value;
  } else if (key == "skip_mount_home") {
    options.skip_mount_home = parse_bool(value);
  } else if (key == "ignore_chown_errors") {
    options.ignore_chown_errors = parse_bool(value);
  } else if (key == "imagestore" || key == "additionalimagestore") {
    add_image_stores(options, value);
  } else if (key == "sync") {
    auto const mode = lower_case(value);
    if (!mode.empty() && mode != "none" && mode != "filesystem")
      reject_option("overlay: invalid sync mode \"" + value + "\": none or filesystem");
    options.sync_file_system = mode == "filesystem";
  } else if (key == "use_composefs") {
    if (parse_bool(value)) reject_option("overlay: use_composefs is not supported");
  } else if (key == "override_kernel_check") {
    parse_bool(value);  // obsolete, and without effect in every release
  } else if (key == "size") {
    options.size = parse_size(value);
  } else if (key == "inodes") {
    options.inodes = parse_inodes(value);
  } else if (key == "force_mask") {
    options.force_mask = parse_mask(value);
  } else if (key == "additionallayerstore") {
    for (auto const& store : split(value, ',')) options.layer_stores.push_back(LayerStore::parse(store));
  } else {
    reject_option("overlay: unknown option " + std::string(given_key));
  }
}

}  // namespace strata::drivers::overlay::detail

namespace strata::drivers::overlay {

STRATA_INLINE Options Options::parse(std::vector<std::string> const& key_values) {
  Options options;
  for (auto const& text : key_values)
    if (auto const option = own_option(text, {"overlay.", "overlay2."}))
      detail::set(options, option->given, option->key, option->value);
  return options;
}

}  // namespace strata::drivers::overlay
