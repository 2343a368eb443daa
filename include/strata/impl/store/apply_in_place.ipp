#pragma once

#include <strata/store/apply_in_place.hpp>

namespace strata::detail {

STRATA_INLINE KeepingSource::KeepingSource(Source from, fs::path path)
    : from_(std::move(from)),
      path_(std::move(path)),
      file_(sys::open_at(AT_FDCWD, path_, O_WRONLY | O_CREAT | O_EXCL, 0600)) {}

STRATA_INLINE Bytes KeepingSource::next() {
  auto const bytes = from_.next();
  sys::write_all(file_.get(), bytes, path_);
  return bytes;
}

STRATA_INLINE bool may_succeed_later(Error const& error) {
  return sys::is_transient(error) && error.code() != std::errc::file_exists &&
         error.code() != std::errc::directory_not_empty && error.code() != std::errc::operation_not_permitted;
}

STRATA_INLINE std::string in_place_note(std::string const& layer) {
  return intent_text({IntentKind::layer_in_place, layer});
}

}  // namespace strata::detail

namespace strata {

STRATA_INLINE bool is_in_place(std::vector<std::string> const& notes) {
  return std::ranges::any_of(notes, [](std::string const& text) {
    auto const note = parse_intent(text);
    return note && note->what == IntentKind::layer_in_place;
  });
}

}  // namespace strata
