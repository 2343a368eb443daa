#pragma once

#include <strata/oci/members.hpp>
#include <strata/oci/reference.hpp>
#include <strata/oci/registry_error.hpp>
#include <strata/oci/tag_list.hpp>

#include <algorithm>

namespace strata::oci {

STRATA_INLINE std::vector<std::string> parse_tags(std::string_view text, std::string const& where,
                                                  DocumentLimits const& limits) {
  std::vector<std::string> tags;
  try {
    auto const document = parse_document(text, where, limits);
    tags = Members(document, where).texts("tags");
  } catch (Error const& error) {  // which may quote the registry
    throw Error(error.code(), shown(error.subject(), 400));
  }
  std::erase_if(tags, [](auto const& tag) { return !detail::is_tag(tag); });
  return tags;
}

STRATA_INLINE std::optional<std::string> next_page(HttpHeaders const& headers) {
  for (auto rest : headers.all("Link"))
    for (;;) {
      auto const begin = rest.find('<');
      auto const end = rest.find('>', begin);
      if (begin == std::string_view::npos || end == std::string_view::npos) break;
      auto const target = rest.substr(begin + 1, end - begin - 1);
      rest.remove_prefix(end + 1);
      auto const parameters = rest.substr(0, rest.find('<'));
      for (std::string_view const next : {"rel=\"next\"", "rel=next"})
        if (parameters.find(next) != std::string_view::npos) return std::string(target);
    }
  return {};
}

}  // namespace strata::oci
