#pragma once

#include <strata/error.hpp>

namespace strata {

STRATA_INLINE std::optional<Errc> Error::errc() const noexcept {
  if (code().category() != error_category()) return std::nullopt;
  return static_cast<Errc>(code().value());
}

STRATA_INLINE std::optional<Subject> Error::kind() const noexcept {
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

STRATA_INLINE Error&& Error::about(std::optional<Subject> kind, std::string id) && noexcept {
  kind_ = kind;
  id_ = std::move(id);
  return std::move(*this);
}

STRATA_INLINE Error&& Error::at(std::string path) && noexcept {
  path_ = std::move(path);
  return std::move(*this);
}

STRATA_INLINE bool Error::not_found() const noexcept {
  return code() == Errc::layer_unknown || code() == Errc::image_unknown ||
         code() == Errc::container_unknown || code() == Errc::item_unknown || code() == Errc::data_unknown;
}

STRATA_INLINE bool Error::in_use() const noexcept {
  return code() == Errc::layer_has_children || code() == Errc::layer_used_by_image ||
         code() == Errc::layer_used_by_container || code() == Errc::image_used_by_container;
}

STRATA_INLINE std::error_code handled_code() noexcept {
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
