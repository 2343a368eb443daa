#pragma once

#include <strata/oci/www_authenticate.hpp>

#include <algorithm>
#include <cstddef>
#include <utility>

namespace strata::oci {

namespace detail {

/// Reads the grammar of challenges from the front of a text.
class ChallengeReader {
 public:
  explicit ChallengeReader(std::string_view text) : rest_(text) {}

  bool at_end() const noexcept { return rest_.empty(); }
  /// Blanks, and the commas between elements of a list, of which any number may stand.
  void skip_commas() { rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t,"), rest_.size())); }
  void skip_blanks() { rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t"), rest_.size())); }
  bool take(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  /// In lower case; empty if there is none.
  std::string token() {
    std::string out;
    while (!rest_.empty() && is_of_token(rest_.front())) {
      auto const c = rest_.front();
      out += c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
      rest_.remove_prefix(1);
    }
    return out;
  }
  std::optional<std::string> quoted() {
    std::string out;
    for (std::size_t i = 1; i < rest_.size(); ++i) {
      if (rest_[i] == '"') {
        rest_.remove_prefix(i + 1);
        return out;
      }
      if (rest_[i] == '\\' && i + 1 < rest_.size()) ++i;
      out += rest_[i];
    }
    return {};
  }
  /// A value without quotes; some servers write more into it than the grammar has.
  std::string word() {
    auto const end = std::min(rest_.find_first_of(" \t,"), rest_.size());
    std::string const out(rest_.substr(0, end));
    rest_.remove_prefix(end);
    return out;
  }
  bool at_quote() const noexcept { return rest_.starts_with('"'); }
  /// True if a name and "=" come next, not another challenge.
  bool at_parameter() const {
    auto after = *this;
    if (after.token().empty()) return false;
    after.skip_blanks();
    return after.take('=');
  }

 private:
  static bool is_of_token(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  }

  std::string_view rest_;
};

/// @return false if the header is malformed there
inline bool read_parameter(ChallengeReader& reader, Challenge& to) {
  constexpr std::size_t most = 32;
  constexpr std::size_t longest = 4096;
  auto name = reader.token();
  reader.skip_blanks();
  reader.take('=');
  reader.skip_blanks();
  std::string value;
  if (reader.at_quote()) {
    auto text = reader.quoted();
    if (!text) return false;
    value = *std::move(text);
  } else {
    value = reader.word();
  }
  if (to.parameters.size() < most && value.size() <= longest)
    to.parameters.emplace(std::move(name), std::move(value));
  return true;
}

}  // namespace detail

STRATA_INLINE std::string Challenge::parameter(std::string_view name) const {
  auto const found = parameters.find(std::string(name));
  return found == parameters.end() ? std::string() : found->second;
}

STRATA_INLINE std::vector<Challenge> parse_challenges(std::string_view header) {
  constexpr std::size_t most = 16;
  std::vector<Challenge> out;
  detail::ChallengeReader reader(header);
  for (reader.skip_commas(); !reader.at_end() && out.size() < most; reader.skip_commas()) {
    Challenge challenge{.scheme = reader.token()};
    if (challenge.scheme.empty()) return out;
    for (reader.skip_commas(); reader.at_parameter(); reader.skip_commas())
      if (!detail::read_parameter(reader, challenge)) return out;
    out.push_back(std::move(challenge));
  }
  return out;
}

}  // namespace strata::oci
