#pragma once

#include <strata/id.hpp>
#include <strata/records/record.hpp>
#include <strata/store/data_intent.hpp>
#include <strata/store/intent_text.hpp>

namespace strata::detail {

STRATA_INLINE std::optional<DataIntent> read_data_intent(fs::path const& directory) {
  auto const text = sys::read_stored(directory / data_intent_file);
  if (!text) return std::nullopt;
  IntentText lines(*text);
  DataIntent intent{.temporary = std::string(lines.line()),
                    .size = lines.number<std::int64_t>(),
                    .digest = std::string(lines.line()),
                    .key = std::string(lines.rest())};
  if (!paths::is_temporary(intent.temporary) || !is_safe_component(intent.temporary) || intent.key.empty())
    return std::nullopt;
  return intent;
}

}  // namespace strata::detail
