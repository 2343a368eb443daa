#pragma once

#include <strata/oci/document.hpp>
#include <strata/oci/registry_error.hpp>

#include <boost/json/value.hpp>

#include <algorithm>

namespace strata::oci {

namespace detail {

inline std::string without(std::string text, std::vector<std::string> const& secrets) {
  for (auto const& secret : secrets) {
    if (secret.empty()) continue;
    for (auto at = text.find(secret); at != std::string::npos; at = text.find(secret, at + 3))
      text.replace(at, secret.size(), "***");
  }
  return text;
}

inline void read_reason(boost::json::value const& document, Refusal& to) {
  auto const* const members = document.if_object();
  auto const* const errors = members == nullptr ? nullptr : members->if_contains("errors");
  if (errors != nullptr && errors->is_array() && !errors->get_array().empty()) {
    auto const& first = errors->get_array().front();
    to.code = text_member(first, "code");
    to.message = text_member(first, "message");
  } else {
    to.code = text_member(document, "error");
    to.message = text_member(document, "error_description");
    if (to.message.empty()) to.message = text_member(document, "details");
  }
}

}  // namespace detail

STRATA_INLINE std::string shown(std::string_view text, std::size_t most) {
  static constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  for (char const c : text.substr(0, most)) {
    auto const byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7f && c != '\\')
      out += c;
    else
      ((out += "\\x") += digits[byte >> 4U]) += digits[byte & 15U];
  }
  if (text.size() > most) out += "...";
  return out;
}

STRATA_INLINE Error with_subject(Error const& error, std::string const& subject) {
  auto const& before = error.subject();
  return {error.code(), before.starts_with(subject) ? before : subject + ", " + before};
}

STRATA_INLINE std::string read_at_most(Source& body, std::size_t bytes) {
  std::string out;
  while (out.size() < bytes) {
    auto const part = as_text(body.next());
    if (part.empty()) break;
    out += part.substr(0, bytes - out.size());
  }
  return out;
}

STRATA_INLINE std::string Refusal::text() const {
  auto out = "status " + std::to_string(status);
  if (!code.empty()) out += ", " + code;
  if (!message.empty()) out += ", \"" + message + '"';
  return out;
}

STRATA_INLINE Refusal read_refusal(HttpResponse& response, std::vector<std::string> const& secrets) {
  constexpr std::size_t most = std::size_t{64} << 10;
  Refusal out{.status = response.status};
  try {
    detail::read_reason(
        parse_document(read_at_most(response.body, most), "answer", {.values = 4096, .depth = 32}), out);
  } catch (Error const&) {  // its status says it
  }
  out.code = shown(detail::without(out.code, secrets), 60);
  out.message = shown(detail::without(out.message, secrets));
  return out;
}

}  // namespace strata::oci
