#pragma once

#include <strata/concepts/bytes.hpp>
#include <strata/store/intent_log.hpp>

namespace strata {

STRATA_INLINE std::string mark_of_names(std::vector<std::string> const& names) {
  if (names.empty()) return {};
  std::string all;
  for (auto const& name : names) (all += name) += '\0';
  return std::string(Digest::of(as_bytes(all)).hex().substr(0, detail::mark_digits));
}

STRATA_INLINE IntentRecord spare_intent(LayerRecord const& layer) {
  if (layer.names.empty()) return {IntentKind::spare_layer, layer.id};
  return {IntentKind::named_layer, layer.id, mark_of_names(layer.names)};
}

STRATA_INLINE std::string intent_text(IntentRecord const& note) {
  return std::string(detail::leftover_words[static_cast<std::size_t>(note.what)]) +
         (note.names.empty() ? std::string() : note.names + '-') + note.id;
}

STRATA_INLINE std::optional<IntentRecord> parse_intent(std::string_view text) {
  for (std::size_t i = 0; i < detail::leftover_words.size(); ++i) {
    if (!text.starts_with(detail::leftover_words[i])) continue;
    IntentRecord note{static_cast<IntentKind>(i), std::string(text.substr(detail::leftover_words[i].size()))};
    if (note.what != IntentKind::named_layer) return note;
    if (note.id.size() <= detail::mark_digits || note.id[detail::mark_digits] != '-') return std::nullopt;
    note.names = note.id.substr(0, detail::mark_digits);
    note.id.erase(0, detail::mark_digits + 1);
    return note;
  }
  return std::nullopt;
}

STRATA_INLINE bool is_about_data(std::string_view text) {
  auto const note = parse_intent(text);
  return note && (note->what == IntentKind::image_data || note->what == IntentKind::container_data ||
                  note->what == IntentKind::layer_data);
}

}  // namespace strata
