#pragma once

#include <strata/error.hpp>

#include "quote.hpp"
#include <exception>
#include <stdexcept>
#include <string>
#include <string_view>

/// The texts of the Go program, made from the library's errors.
namespace oci_storage {

/// What stands between double quotes, which may itself have some where it ends the text; all of it if there are none.
inline std::string_view quoted_part(std::string_view text) {
  auto const begin = text.find('"');
  auto const end = begin == text.npos    ? text.npos
                   : text.ends_with('"') ? text.rfind('"')
                                         : text.find('"', begin + 1);
  return end == text.npos || end == begin ? text : text.substr(begin + 1, end - begin - 1);
}

/// "open /x: no such file or directory": Go writes the system's reasons in lower case.
inline std::string system_error_text(strata::Error const& error) {
  auto reason = error.code().message();
  if (reason.size() > 1 && reason[0] >= 'A' && reason[0] <= 'Z' && !(reason[1] >= 'A' && reason[1] <= 'Z'))
    reason[0] = static_cast<char>(reason[0] | 0x20);
  return error.subject() + ": " + reason;
}

/// The file name's ending that stands for a compression in Go's messages.
inline std::string archive_ending(std::string_view compression) {
  if (compression == "bzip2") return "tar.bz2";
  if (compression == "gzip") return "tar.gz";
  if (compression == "zstd") return "tar.zst";
  return compression == "none" ? "tar" : "tar." + std::string(compression);
}

inline std::string error_text(strata::Error const& error) {
  using strata::Errc;
  auto const bare = error.code().message();
  if (error.code().category() != strata::error_category()) return system_error_text(error);
  std::string_view const subject = error.subject();
  std::string const named(quoted_part(subject));
  switch (static_cast<Errc>(error.code().value())) {
    case Errc::layer_unknown:
    case Errc::container_unknown:
    case Errc::item_unknown:
    case Errc::parent_unknown:
    case Errc::parent_is_container:
    case Errc::size_unknown:
    case Errc::digest_unknown:
    case Errc::digest_invalid_format:
    case Errc::digest_invalid_length:
    case Errc::digest_unsupported:
      return bare;
    case Errc::image_unknown:
      return "locating image with ID " + go_quoted(named) + ": " + bare;
    case Errc::duplicate_id:
      return subject.starts_with("image")
                 ? "an image with ID " + go_quoted(named) + " already exists: " + bare
                 : bare;
    case Errc::duplicate_name:
      if (subject.starts_with("image"))
        return "image name " + go_quoted(named) + " is already associated with image " +
               go_quoted(error.holder()) + ": " + bare;
      if (subject.starts_with("container"))
        return "the container name " + go_quoted(named) + " is already in use by " + error.holder() +
               ". You have to remove that container to be able to reuse that name: " + bare;
      return bare;
    case Errc::no_available_ids:
      return error.subject();  // the whole message
    case Errc::layer_not_mounted:
    case Errc::duplicate_image_names:
      return bare;
    case Errc::duplicate_layer_names:
      return "loading additional layer stores: " + bare;
    case Errc::image_store_same:
      return error.subject() + ' ' + bare;
    case Errc::layer_has_children:
      return "used by layer " + error.holder() + ": " + bare;
    case Errc::layer_used_by_image:
      return "layer " + named + " used by image " + error.holder() + ": " + bare;
    case Errc::layer_used_by_container:
      if (error.holder().empty() || subject == "a layer is mounted") return error.subject() + ": " + bare;
      return "layer " + named + " used by container " + error.holder() + ": " + bare;
    case Errc::image_used_by_container:
      return "image used by " + error.holder() + ": " + bare;
    case Errc::unsupported_compression:
      return bare + ' ' + archive_ending(subject);
    case Errc::driver_option:
    case Errc::configuration:
    case Errc::several_drivers:
      return error.subject();  // the whole message
    case Errc::file_changed:
      return bare + " for " + go_quoted(named);
    case Errc::incomplete_options:
      return "no storage runroot or graphroot specified: " + bare;
    default:
      return error.what();
  }
}

inline std::string error_text(std::exception const& error) {
  if (auto const* known = dynamic_cast<strata::Error const*>(&error)) return error_text(*known);
  return error.what();
}

/// What to say of the exception that is being handled.
inline std::string current_error_text() {
  try {
    throw;
  } catch (std::exception const& error) {
    return error_text(error);
  }
}

/// Calls `call`. What it throws names the subject, if its text does not; unlike `error_text`, it is complete.
template <class Call>
void with_subject(std::string const& subject, Call&& call) {
  std::string text;
  try {
    return call();
  } catch (strata::Error const& error) {
    bool const is_ours = error.code().category() == strata::error_category();
    text = is_ours ? error.what() : system_error_text(error);
  } catch (std::exception const& error) {
    text = error.what();
  }
  throw std::runtime_error(text.find(subject) == text.npos ? subject + ": " + text : text);
}

}  // namespace oci_storage
