// Invariant: a cleaned path is clean, leads where the path led by text alone, and stays as it is when cleaned again; an
// archive's name is a place below the root, without "..", or is refused.

#include <strata/archive/whiteout.hpp>
#include <strata/clean_path.hpp>
#include <strata/tree/tree_path.hpp>

#include "fuzz.hpp"
#include <vector>

using namespace strata;
using namespace strata::archive;

namespace {

std::vector<std::string> parts_of(std::string_view path) {
  std::vector<std::string> parts;
  while (!path.empty()) {
    auto const part = path.substr(0, path.find('/'));
    path.remove_prefix(std::min(part.size() + 1, path.size()));
    if (part.empty() || part == ".") continue;
    if (part == ".." && !parts.empty())
      parts.pop_back();
    else if (part != "..")
      parts.emplace_back(part);
  }
  return parts;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  std::string_view const text(reinterpret_cast<char const*>(data), size);
  auto const clean = clean_path(text);
  fuzz::require(!clean.empty() && clean_path(clean) == clean, "clean stays clean");
  fuzz::require(is_clean_path(clean) || clean.starts_with(".."), "and is taken for that");
  fuzz::require(clean.starts_with('/') == text.starts_with('/'), "from the root, or not");
  fuzz::require(clean.find("//") == std::string::npos && (clean == "/" || !clean.ends_with('/')),
                "no empty part");
  auto const code = fuzz::outcome({Errc::unsafe_path}, [&] {
    auto const place = path_in_tree(text);
    auto const wanted = parts_of(text);
    fuzz::require(parts_of(place) == wanted, "where the name leads");
    std::string joined;
    for (auto const& part : wanted) joined += (joined.empty() ? "" : "/") + part;
    fuzz::require(joined == place, "without anything else");
    TreePath const cut(place);
    fuzz::require(cut.base.find('/') == std::string_view::npos, "one component");
    fuzz::require(cut.parent.empty() ? cut.base == place
                                     : std::string(cut.parent) + '/' + std::string(cut.base) == place,
                  "two parts");
    fuzz::require(whiteout_path(place).size() == place.size() + 4, "a whiteout beside it");
    fuzz::outcome({Errc::unsafe_path}, [&] {
      if (is_whiteout(cut.base))
        fuzz::require(std::string(whiteout_prefix) + std::string(whiteout_target(cut.base)) == cut.base,
                      "its target");
    });
  });
  fuzz::require(!code == (text.find('\0') == std::string_view::npos), "a NUL is refused, and nothing else");
  return 0;
}
