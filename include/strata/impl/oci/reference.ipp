#pragma once

#include <strata/oci/reference.hpp>

#include <algorithm>
#include <vector>

namespace strata::oci {

namespace detail {

template <class Check>
bool all_parts(std::string_view text, char separator, Check&& check) {
  for (;;) {
    auto const part = text.substr(0, text.find(separator));
    if (!check(part)) return false;
    if (part.size() == text.size()) return true;
    text.remove_prefix(part.size() + 1);
  }
}

STRATA_INLINE bool is_registry_domain(std::string_view text) {
  auto host = text;
  bool const bracketed = text.starts_with('[');
  auto const end = bracketed ? text.find(']') : text.find(':');
  if (bracketed && end == std::string_view::npos) return false;
  host = text.substr(0, bracketed ? end + 1 : end);
  if (host.size() != text.size()) {
    auto const port = text.substr(host.size());
    if (!port.starts_with(':') || port.size() == 1 || !std::ranges::all_of(port.substr(1), is_digit))
      return false;
  }
  if (bracketed) {
    auto const address = host.substr(1, host.size() - 2);
    return !address.empty() && std::ranges::all_of(address, [](char c) {
      return is_digit(c) || c == ':' || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    });
  }
  return all_parts(host, '.', [](std::string_view label) {
    return !label.empty() && is_alnum(label.front()) && is_alnum(label.back()) &&
           std::ranges::all_of(label, [](char c) { return is_alnum(c) || c == '-'; });
  });
}

STRATA_INLINE bool is_path_component(std::string_view text) {
  if (text.empty() || !is_lower_alnum(text.front()) || !is_lower_alnum(text.back())) return false;
  while (!text.empty()) {
    text.remove_prefix(
        std::min(text.size(),
                 static_cast<std::size_t>(std::ranges::find_if_not(text, is_lower_alnum) - text.begin())));
    auto const separator =
        text.substr(0, static_cast<std::size_t>(std::ranges::find_if(text, is_lower_alnum) - text.begin()));
    bool const hyphens = std::ranges::all_of(separator, [](char c) { return c == '-'; });
    if (!hyphens && separator != "." && separator != "_" && separator != "__") return false;
    text.remove_prefix(separator.size());
  }
  return true;
}

STRATA_INLINE bool is_tag(std::string_view text) {
  return !text.empty() && text.size() <= 128 && is_word(text.front()) &&
         std::ranges::all_of(text, [](char c) { return is_word(c) || c == '.' || c == '-'; });
}

STRATA_INLINE bool states_domain(std::string_view text) {
  auto const first = text.substr(0, text.find('/'));
  return first.size() != text.size() &&
         (first.find_first_of(".:") != std::string_view::npos || first == "localhost");
}

STRATA_INLINE bool looks_like_id(std::string_view text) {
  return text.size() == 64 &&
         std::ranges::all_of(text, [](char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); });
}

}  // namespace detail

STRATA_INLINE char const* Reference::read(std::string_view text, Reference& out) {
  if (text.empty()) return "empty";
  if (detail::looks_like_id(text)) return "64 hex digits, as an image's id has";
  if (auto const at = text.find('@'); at != std::string_view::npos) {
    std::error_code error;
    out.digest_ = Digest::parse(text.substr(at + 1), error);
    if (error) return "what follows @ is no digest";
    text = text.substr(0, at);
  }
  auto const last_slash = text.rfind('/');
  auto const colon = text.find(':', last_slash == std::string_view::npos ? 0 : last_slash);
  if (colon != std::string_view::npos) {
    out.tag_ = text.substr(colon + 1);
    if (!detail::is_tag(out.tag_)) return "invalid tag";
    text = text.substr(0, colon);
  } else if (!out.digest_) {
    out.tag_ = "latest";
  }
  auto const domain = detail::states_domain(text) ? text.substr(0, text.find('/')) : std::string_view();
  out.domain_ = domain.empty() || domain == "index.docker.io" ? "docker.io" : domain;
  out.path_ = domain.empty() ? text : text.substr(domain.size() + 1);
  if (out.domain_ == "docker.io" && out.path_.find('/') == std::string::npos) out.path_.insert(0, "library/");
  if (!detail::is_registry_domain(out.domain_)) return "invalid domain";
  if (std::ranges::any_of(out.path_, detail::is_upper)) return "upper case in the name of a repository";
  if (!detail::all_parts(out.path_, '/', detail::is_path_component)) return "invalid name of a repository";
  if (out.domain_.size() + 1 + out.path_.size() > 255) return "a name of more than 255 bytes";
  return nullptr;
}

STRATA_INLINE Reference Reference::parse(std::string_view text) {
  Reference out;
  if (auto const* const wrong = read(text, out))
    throw Error(Errc::invalid_reference, "\"" + std::string(text) + "\": " + wrong);
  return out;
}

STRATA_INLINE Reference Reference::parse_local(std::string_view text) {
  if (text.empty() || detail::looks_like_id(text) || detail::states_domain(text)) return parse(text);
  return parse("localhost/" + std::string(text));
}

STRATA_INLINE std::optional<Reference> Reference::parse(std::string_view text, std::error_code& error) {
  Reference out;
  error = read(text, out) == nullptr ? std::error_code() : Errc::invalid_reference;
  if (error) return std::nullopt;
  return out;
}

STRATA_INLINE std::string Reference::familiar_name() const {
  constexpr std::string_view official = "library/";
  if (domain_ != "docker.io") return name();
  if (path_.starts_with(official) && path_.find('/', official.size()) == std::string::npos)
    return path_.substr(official.size());
  return detail::states_domain(path_) ? name() : path_;
}

STRATA_INLINE std::string Reference::with_suffix(std::string name) const {
  if (!tag_.empty()) name += ':' + tag_;
  if (digest_) name += '@' + digest_->str();
  return name;
}

STRATA_INLINE Reference Reference::with_tag(std::string_view tag) const {
  if (!detail::is_tag(tag)) throw Error(Errc::invalid_reference, "\"" + std::string(tag) + "\": invalid tag");
  auto out = *this;
  out.tag_ = tag;
  out.digest_.reset();
  return out;
}

STRATA_INLINE Reference Reference::with_digest(Digest digest) const {
  auto out = *this;
  out.tag_.clear();
  out.digest_ = std::move(digest);
  return out;
}

}  // namespace strata::oci
