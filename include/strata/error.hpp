#pragma once

#include <strata/errc.hpp>
#include <strata/subject.hpp>

#include <new>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

namespace strata {

/// The exception that the library throws: a code to act on and a subject for the message.
///
/// The code is either an `Errc` or an `errno` value in `std::system_category()`; in the latter case the
/// subject is "<call> <path>" ("open /x"). `what()` is "<subject>: <message>".
///
///   try { store.layers().remove(id); }
///   catch (strata::Error const& error) { if (error.in_use()) report(error.holder()); else throw; }
class Error : public std::system_error {
 public:
  /// @param subject what the error is about: kind, id or name, path
  /// @param holder what prevents the operation, else empty. For the `duplicate_…`, `…_used_by_…` and
  ///   `layer_has_children` codes: the id of that item. From `size()`: the id of the layer without a size.
  ///   For EBUSY: the processes and mount namespaces that hold it (see `sys::holders`)
  Error(std::error_code code, std::string subject, std::string holder = {})
      : std::system_error(code, subject), subject_(std::move(subject)), holder_(std::move(holder)) {}
  Error(Errc code, std::string subject, std::string holder = {})
      : Error(make_error_code(code), std::move(subject), std::move(holder)) {}

  std::string const& subject() const noexcept { return subject_; }
  std::string const& holder() const noexcept { return holder_; }

  /// The code; none for `errno` values and codes of other categories.
  std::optional<Errc> errc() const noexcept {
    if (code().category() != error_category()) return std::nullopt;
    return static_cast<Errc>(code().value());
  }

  /// The kind of the item that the error is about; none if it concerns no item, or one of any kind.
  std::optional<Subject> kind() const noexcept {
    if (kind_) return kind_;
    switch (errc().value_or(Errc{})) {
      case Errc::layer_unknown:
      case Errc::parent_unknown:
      case Errc::layer_has_children:
      case Errc::layer_used_by_image:
      case Errc::layer_used_by_container:
      case Errc::layer_not_mounted:
        return Subject::layer;
      case Errc::image_unknown:
      case Errc::image_used_by_container:
        return Subject::image;
      case Errc::container_unknown:
        return Subject::container;
      default:
        return std::nullopt;
    }
  }
  /// The id of that item. For the `…_unknown` codes: the id, name or prefix that was looked up; for `duplicate_name`: the
  /// name. Empty if not known.
  std::string const& id() const noexcept { return id_; }
  /// The file, directory or mount point that the error is about. Empty if there is none, or if its name is not known.
  std::string const& path() const noexcept { return path_; }

  /// Sets `kind()` and `id()`, where the error is thrown:
  ///
  ///     throw Error(Errc::layer_has_children, "layer \"base\"", "top").about(Subject::layer, "base");
  Error&& about(std::optional<Subject> kind, std::string id) && noexcept {
    kind_ = kind;
    id_ = std::move(id);
    return std::move(*this);
  }
  /// Sets `path()`.
  Error&& at(std::string path) && noexcept {
    path_ = std::move(path);
    return std::move(*this);
  }

  /// True if the requested item or big data does not exist, whatever the kind.
  bool not_found() const noexcept {
    return code() == Errc::layer_unknown || code() == Errc::image_unknown ||
           code() == Errc::container_unknown || code() == Errc::item_unknown || code() == Errc::data_unknown;
  }
  /// True if another item still refers to the item.
  bool in_use() const noexcept {
    return code() == Errc::layer_has_children || code() == Errc::layer_used_by_image ||
           code() == Errc::layer_used_by_container || code() == Errc::image_used_by_container;
  }

 private:
  std::string subject_;
  std::string holder_;
  std::optional<Subject> kind_ = {};
  std::string id_ = {};
  std::string path_ = {};
};

/// The code of the exception that is being handled, for the forms of calls that report errors through a
/// `std::error_code`; EIO for an exception that has none. Call it in a handler.
inline std::error_code handled_code() noexcept {
  try {
    throw;
  } catch (std::system_error const& error) {
    return error.code();
  } catch (std::bad_alloc const&) {
    return std::make_error_code(std::errc::not_enough_memory);
  } catch (...) {
    return std::make_error_code(std::errc::io_error);
  }
}

}  // namespace strata
