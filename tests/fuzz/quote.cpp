// Invariant: a text as Go's %q has it is printable, has no line break, and is undone to the same bytes; text inside JSON
// (tar-split, records) is read back as it was if it is UTF-8.

#include "../../examples/oci-storage/quote.hpp"

#include <strata/archive/json_scanner.hpp>
#include <strata/archive/tar_split_line.hpp>
#include <strata/serializers/json_text.hpp>

#include "fuzz.hpp"

namespace {

void append_utf8(std::string& out, std::uint32_t code) {
  if (code < 0x800) {
    out += static_cast<char>(0xc0 | code >> 6);
  } else if (code < 0x10000) {
    out += static_cast<char>(0xe0 | code >> 12);
    out += static_cast<char>(0x80 | (code >> 6 & 0x3f));
  } else {
    out += static_cast<char>(0xf0 | code >> 18);
    out += static_cast<char>(0x80 | (code >> 12 & 0x3f));
    out += static_cast<char>(0x80 | (code >> 6 & 0x3f));
  }
  out += static_cast<char>(0x80 | (code & 0x3f));
}

/// Undoes %q.
std::string unquoted(std::string_view text) {
  fuzz::require(text.size() >= 2 && text.front() == '"' && text.back() == '"', "within quotes");
  text = text.substr(1, text.size() - 2);
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    fuzz::require(static_cast<unsigned char>(text[i]) >= 0x20 && text[i] != 0x7f && text[i] != '"',
                  "printable");
    if (text[i] != '\\') {
      out += text[i];
      continue;
    }
    fuzz::require(++i < text.size(), "an escape has a letter");
    auto const letter = text[i];
    static constexpr std::string_view names = "abtnvfr";
    std::size_t const digits = letter == 'x' ? 2 : letter == 'u' ? 4 : letter == 'U' ? 8 : 0;
    if (digits != 0) {
      auto const code =
          static_cast<std::uint32_t>(std::stoul(std::string(text.substr(i + 1, digits)), nullptr, 16));
      if (digits == 2)
        out += static_cast<char>(code);
      else
        append_utf8(out, code);
      i += digits;
    } else if (auto const at = names.find(letter); at != std::string_view::npos) {
      out += static_cast<char>(7 + at);
    } else {
      fuzz::require(letter == '"' || letter == '\\', "an escape that there is");
      out += letter;
    }
  }
  return out;
}

std::string scanned(std::string_view json) {
  strata::archive::detail::JsonScanner scanner(json);
  std::string_view value;
  std::string held;
  fuzz::require(scanner.string(value, held) && scanner.at_end(), "one text");
  return std::string(value);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  std::string_view const text(reinterpret_cast<char const*>(data), size);
  fuzz::require(unquoted(oci_storage::go_quoted(text)) == text, "%q is undone");
  bool const utf8 = strata::archive::is_utf8(text);
  fuzz::require(utf8 == strata::serializers::json::is_utf8(text), "both agree on what is UTF-8");
  using strata::serializers::json::BadUtf8;
  std::string replaced, kept, line = "\"";
  strata::serializers::json::write_string(replaced, text, BadUtf8::replace);
  strata::serializers::json::write_string(kept, text, BadUtf8::keep);
  fuzz::require(strata::archive::is_utf8(replaced), "what is written is UTF-8");
  fuzz::require(scanned(kept) == text, "bytes that are kept come back");
  if (!utf8) return 0;
  fuzz::require(scanned(replaced) == text, "what is UTF-8 comes back");
  strata::archive::append_json_escaped(line, text);
  fuzz::require(scanned(line += '"') == text, "from the tar-split, too");
  return 0;
}
