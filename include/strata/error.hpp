#pragma once

#include <strata/errc.hpp>
#include <strata/separate.hpp>
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
  std::optional<Errc> errc() const noexcept;

  /// The kind of the item that the error is about; none if it concerns no item, or one of any kind.
  std::optional<Subject> kind() const noexcept;
  /// The id of that item. For the `…_unknown` codes: the id, name or prefix that was looked up; for `duplicate_name`: the
  /// name. Empty if not known.
  std::string const& id() const noexcept { return id_; }
  /// The file, directory or mount point that the error is about. Empty if there is none, or if its name is not known.
  std::string const& path() const noexcept { return path_; }

  /// Sets `kind()` and `id()`, where the error is thrown:
  ///
  ///     throw Error(Errc::layer_has_children, "layer \"base\"", "top").about(Subject::layer, "base");
  Error&& about(std::optional<Subject> kind, std::string id) && noexcept;
  /// Sets `path()`.
  Error&& at(std::string path) && noexcept;

  /// True if the requested item or big data does not exist, whatever the kind.
  bool not_found() const noexcept;
  /// True if another item still refers to the item.
  bool in_use() const noexcept;

 private:
  std::string subject_;
  std::string holder_;
  std::optional<Subject> kind_ = {};
  std::string id_ = {};
  std::string path_ = {};
};

/// The code of the exception that is being handled, for the forms of calls that report errors through a
/// `std::error_code`; EIO for an exception that has none. Call it in a handler.
std::error_code handled_code() noexcept;

}  // namespace strata

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/error.ipp>
#endif
