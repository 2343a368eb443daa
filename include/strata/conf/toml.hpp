#pragma once

#include <strata/conf/toml_text.hpp>
#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/idmap/map_text.hpp>
#include <strata/idmap/range.hpp>
#include <strata/sys/file.hpp>

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace strata::conf::toml_detail {

struct ParserStuck {};
/// Replaces toml++'s assertions, which hostile input can trigger; they would abort or, with NDEBUG, be
/// ignored.
[[noreturn]] inline void parser_stuck() { throw ParserStuck(); }

}  // namespace strata::conf::toml_detail

#ifndef TOML_ASSERT
#define TOML_ASSERT(expr) \
  (static_cast<bool>(expr) ? static_cast<void>(0) : ::strata::conf::toml_detail::parser_stuck())
#endif
#ifndef TOML_HEADER_ONLY
#define TOML_HEADER_ONLY 1
#endif
#include <toml++/toml.h>

/// The only header that includes toml++. Errors are worded as by the parser of the Go programs
/// (BurntSushi/toml), followed by the file's name.
namespace strata::conf {

/// A list that a later file replaces, or extends after an element `{append=true}`; that also holds for the
/// files after it, until one has `{append=false}`.
struct List {
  std::vector<std::string> values = {};
  bool append = false;
};

namespace toml_detail {

[[noreturn]] inline void refuse(fs::path const& file, std::uint64_t line, std::string const& key,
                                std::string const& text) {
  throw Error(Errc::configuration, "toml: line " + std::to_string(line) +
                                       (key.empty() ? "" : " (last key \"" + key + "\")") + ": " + text +
                                       " (file \"" + file.native() + "\")");
}

/// Last key before an error, qualified by its table.
inline std::string last_key(std::string_view text, std::uint64_t error_line) {
  auto const trimmed = [](std::string_view part) {
    while (!part.empty() && std::isspace(static_cast<unsigned char>(part.front())) != 0)
      part.remove_prefix(1);
    while (!part.empty() && std::isspace(static_cast<unsigned char>(part.back())) != 0) part.remove_suffix(1);
    return part;
  };
  std::string table, key;
  for (std::uint64_t line = 1; line <= error_line && !text.empty(); ++line) {
    auto const end = std::min(text.find('\n'), text.size());
    auto const words = trimmed(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (words.empty() || words.front() == '#') continue;
    if (words.front() == '[') {
      auto const name = words.substr(std::min(words.find_first_not_of('['), words.size()));
      table = trimmed(name.substr(0, name.find(']')));
      key = table;
    } else if (auto const equals = words.find('='); equals != words.npos) {
      key = (table.empty() ? "" : table + '.') + std::string(trimmed(words.substr(0, equals)));
    }
  }
  return key;
}

/// First line at which the parser fails an assertion, by bisection over the lines.
inline std::uint64_t stuck_line(std::string_view text) {
  std::vector<std::size_t> ends;
  for (std::size_t at = 0; at < text.size(); ++at)
    if (text[at] == '\n') ends.push_back(at);
  auto const passes = [&](std::size_t end) {
    try {
      static_cast<void>(toml::parse(text.substr(0, end + 1)));
    } catch (toml::parse_error const&) {
    } catch (ParserStuck const&) {
      return false;
    }
    return true;
  };
  return static_cast<std::uint64_t>(std::ranges::partition_point(ends, passes) - ends.begin()) + 1;
}

/// Go's name for a value's type.
inline std::string type_name(toml::node const& node) {
  switch (node.type()) {
    case toml::node_type::string:
      return "string";
    case toml::node_type::integer:
      return "int64";
    case toml::node_type::floating_point:
      return "float64";
    case toml::node_type::boolean:
      return "bool";
    case toml::node_type::array:
      return "[]interface {}";
    case toml::node_type::table:
      return "map[string]interface {}";
    default:
      return "time.Time";
  }
}

inline bool same_word(std::string_view a, std::string_view b) {
  return std::ranges::equal(
      a, b, [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

}  // namespace toml_detail

/// A parsed file.
class TomlFile {
 public:
  /// Of a file: two of them can take 100 in memory.
  static constexpr std::size_t most_bytes = 1'048'576;

  /// @throws `Errc::configuration` with the complete message, as "toml: line 3 (last key "storage.driver"):
  ///   ..."; `Errc::over_budget` above `most_bytes`; `errno`
  explicit TomlFile(fs::path path) : path_(std::move(path)) {
    auto const read = sys::read_limited(path_, most_bytes);
    if (!read) sys::throw_errno("open", path_);
    auto const& text = *read;
    if (auto const flaw = find_toml_flaw(text))
      toml_detail::refuse(path_, flaw->line,
                          toml_detail::last_key(text, flaw->line - (flaw->in_value ? 0 : 1)), flaw->what);
    try {
      top_ = toml::parse(text, path_.native());
    } catch (toml::parse_error const& error) {
      auto const line = error.source().begin.line;
      toml_detail::refuse(path_, line, toml_detail::last_key(text, line), std::string(error.description()));
    } catch (toml_detail::ParserStuck const&) {
      auto const line = toml_detail::stuck_line(text);
      toml_detail::refuse(path_, line, toml_detail::last_key(text, line), "expected value");
    }
  }

  fs::path const& path() const noexcept { return path_; }
  toml::table const& top() const noexcept { return top_; }

 private:
  fs::path path_;
  toml::table top_;
};

/// Reads the keys of a table and its subtables, and remembers which keys were not read. Keys are compared
/// case-insensitively, as in the Go programs.
class TableReader {
 public:
  /// A key that was not read, and its position.
  struct Unknown {
    toml::source_position at;
    std::string key;
  };

  explicit TableReader(TomlFile const& file) : file_(file), table_(&file.top()), unknown_(&own_) {}

  /// Calls `read(reader)` for a subtable, if present.
  template <class Read>
  void table(std::string_view key, Read&& read) {
    auto const* const node = take(key);
    if (node == nullptr) return;
    auto const* const below = node->as_table();
    if (below == nullptr)
      refuse(*node, key, "type mismatch: expected table but found " + toml_detail::type_name(*node));
    TableReader reader(file_, *below, prefix_ + std::string(key) + '.', *unknown_);
    read(reader);
    reader.finish();
  }

  /// Calls `read(reader)` for each table of a list, if present.
  template <class Read>
  void tables(std::string_view key, Read&& read) {
    auto const* const node = take(key);
    if (node == nullptr) return;
    auto const* const list = node->as_array();
    if (list == nullptr) wrong_type(*node, key, "slice");
    for (auto const& element : *list) {
      auto const* const below = element.as_table();
      if (below == nullptr)
        refuse(element, key, "type mismatch: expected table but found " + toml_detail::type_name(element));
      TableReader reader(file_, *below, prefix_ + std::string(key) + '.', *unknown_);
      read(reader);
      reader.finish();
    }
  }

  /// Accepts a known table or value without using it.
  void ignore(std::string_view key) { take(key); }

  void value(std::string_view key, std::string& to) {
    if (auto const* const node = take(key)) to = text(*node, key);
  }
  void value(std::string_view key, bool& to) {
    auto const* const node = take(key);
    if (node == nullptr) return;
    if (!node->is_boolean()) wrong_type(*node, key, "boolean");
    to = **node->as_boolean();
  }
  void value(std::string_view key, std::uint32_t& to) {
    auto const* const node = take(key);
    if (node == nullptr) return;
    if (!node->is_integer()) wrong_type(*node, key, "integer");
    std::int64_t const number = **node->as_integer();
    if (number < 0 || number > std::numeric_limits<std::uint32_t>::max())
      refuse(*node, key, std::to_string(number) + " is out of range for uint32");
    to = static_cast<std::uint32_t>(number);
  }
  /// Triples "container:host:size", joined by colons.
  void value(std::string_view key, IdMap& to) {
    auto const* const node = take(key);
    if (node == nullptr) return;
    auto const words = text(*node, key);
    auto map = idmap::parse_map(words);
    if (!map)
      refuse(*node, key, "setting is malformed expected [\"uint32:uint32:uint32\"]: [\"" + words + "\"]");
    to = *std::move(map);
  }
  void value(std::string_view key, List& to) {
    auto const* const node = take(key);
    if (node == nullptr) return;
    auto const* const array = node->as_array();
    if (array == nullptr) wrong_type(*node, key, "slice");
    std::vector<std::string> values;
    for (auto const& element : *array) {
      auto const* const attributes = element.as_table();
      if (attributes == nullptr) {
        values.push_back(text(element, key));
        continue;
      }
      for (auto const& [name, value] : *attributes) {
        if (name.str() != "append" || !value.is_boolean())
          refuse(element, key, "unsupported attribute \"" + std::string(name.str()) + '"');
        to.append = **value.as_boolean();
      }
    }
    if (!to.append) to.values.clear();
    to.values.insert(to.values.end(), values.begin(), values.end());
  }
  /// A list of strings.
  void value(std::string_view key, std::optional<std::vector<std::string>>& to) {
    auto const* const node = take(key);
    if (node == nullptr) return;
    auto const* const array = node->as_array();
    if (array == nullptr) wrong_type(*node, key, "slice");
    to.emplace();
    for (auto const& element : *array) to->push_back(text(element, key));
  }
  /// Map of strings; merged with that of earlier files.
  void value(std::string_view key, std::optional<std::map<std::string, std::string>>& to) {
    auto const* const node = take(key);
    if (node == nullptr) return;
    auto const* const values = node->as_table();
    if (values == nullptr) wrong_type(*node, key, "map");
    if (!to) to.emplace();
    for (auto const& [name, element] : *values)
      (*to)[std::string(name.str())] = text(element, std::string(key) + '.' + std::string(name.str()));
  }

  /// Refuses the file because of a key of this table. @throws `Errc::configuration`
  [[noreturn]] void refuse(std::string_view key, std::string const& why) const {
    auto const found = std::ranges::find_if(
        *table_, [&](auto const& entry) { return toml_detail::same_word(entry.first.str(), key); });
    auto const line =
        found == table_->end() ? table_->source().begin.line : found->second.source().begin.line;
    toml_detail::refuse(file_.path(), line, prefix_ + std::string(key), why);
  }

  /// Keys that were not read, in file order; a table before its keys.
  std::vector<std::string> unknown_keys() {
    finish();
    std::ranges::stable_sort(own_, {},
                             [](Unknown const& found) { return std::pair(found.at.line, found.at.column); });
    std::vector<std::string> keys;
    for (auto& found : own_) keys.push_back(std::move(found.key));
    return keys;
  }

 private:
  TableReader(TomlFile const& file, toml::table const& table, std::string prefix,
              std::vector<Unknown>& unknown)
      : file_(file), table_(&table), prefix_(std::move(prefix)), unknown_(&unknown) {}

  toml::node const* take(std::string_view key) {
    toml::node const* found = nullptr;
    for (auto const& [name, node] : *table_) {
      if (!toml_detail::same_word(name.str(), key)) continue;
      taken_.emplace_back(name.str());
      if (found == nullptr || name.str() == key) found = &node;
    }
    return found;
  }
  void finish() { note_unknown(*table_, prefix_); }
  void note_unknown(toml::table const& table, std::string const& prefix) {
    for (auto const& [name, node] : table) {
      if (&table == table_ && std::ranges::find(taken_, name.str()) != taken_.end()) continue;
      auto const key = prefix + quoted(name.str());
      unknown_->push_back({name.source().begin, key});
      if (auto const* const below = node.as_table()) note_unknown(*below, key + '.');
    }
  }
  static std::string quoted(std::string_view name) {
    bool const bare = !name.empty() && std::ranges::all_of(name, [](unsigned char c) {
      return std::isalnum(c) != 0 || c == '-' || c == '_';
    });
    return bare ? std::string(name) : '"' + std::string(name) + '"';
  }
  std::string text(toml::node const& node, std::string_view key) const {
    if (!node.is_string()) wrong_type(node, key, "string");
    return **node.as_string();
  }
  [[noreturn]] void wrong_type(toml::node const& node, std::string_view key, std::string_view wanted) const {
    refuse(node, key,
           "incompatible types: TOML value has type " + toml_detail::type_name(node) +
               "; destination has type " + std::string(wanted));
  }
  [[noreturn]] void refuse(toml::node const& node, std::string_view key, std::string const& why) const {
    toml_detail::refuse(file_.path(), node.source().begin.line, prefix_ + std::string(key), why);
  }

  TomlFile const& file_;
  toml::table const* table_;
  std::string prefix_;
  std::vector<std::string> taken_;
  std::vector<Unknown> own_;
  std::vector<Unknown>* unknown_;
};

}  // namespace strata::conf
