#include "options.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace oci_storage {
namespace {

constexpr auto globals = std::to_array<OptionSpec>({
    {"--run, -R", OptionKind::text, "Root of the runtime state tree"},
    {"--graph, -g", OptionKind::text, "Root of the storage tree"},
    {"--image-store", OptionKind::text, "Root of the separate image store"},
    {"--transient-store", OptionKind::flag, "Transient store"},
    {"--storage-driver, -s", OptionKind::text, "Storage driver to use ($STORAGE_DRIVER)"},
    {"--storage-opt", OptionKind::list, "Set storage driver options ($STORAGE_OPTS)"},
    {"--durability", OptionKind::text, "When a change is done: full (survives power loss) or none"},
    {"--debug, -D", OptionKind::flag, "Print debugging information"},
    {"--unshare, -U", OptionKind::flag, "Run in a user namespace (default %t)"},
    {"--help, -h", OptionKind::flag, "Print usage"},
});

bool has_name(OptionSpec const& spec, std::string_view name) {
  for (auto names = spec.names; !names.empty();) {
    auto const end = std::min(names.find(','), names.size());
    if (names.substr(0, end) == name) return true;
    names.remove_prefix(std::min(end + 2, names.size()));
  }
  return false;
}

OptionSpec const* find(std::span<OptionSpec const> known, std::string_view name) {
  auto const found =
      std::ranges::find_if(known, [&](OptionSpec const& spec) { return has_name(spec, name); });
  return found == known.end() ? nullptr : &*found;
}

/// One pair of matching outer quotes is no part of a value after `=`.
std::string_view without_quotes(std::string_view value) {
  if (value.size() >= 2 && value.front() == value.back() && (value.front() == '"' || value.front() == '\''))
    return value.substr(1, value.size() - 2);
  return value;
}

/// Brings the words into the shape that CLI11 reads: the Go program accepts `-n=x` and an empty `--name=`, takes the
/// word behind an option as its value whatever it looks like, and lets every letter of `-sg vfs PATH` take a word.
/// Words that are not understood stay as they are, for CLI11 to complain of.
std::vector<std::string> plain_words(std::vector<std::string> const& words,
                                     std::span<OptionSpec const> known) {
  std::vector<std::string> out;
  auto at = words.begin();
  auto const take = [&](OptionSpec const& spec, std::optional<std::string_view> value) {
    std::string name = "--" + std::string(spec.key());
    if (spec.kind == OptionKind::flag) {
      out.push_back(value ? name + '=' + std::string(*value) : name);
      return;
    }
    out.push_back(std::move(name));
    if (value)
      out.emplace_back(without_quotes(*value));
    else if (at != words.end())
      out.push_back(*at++);
  };
  while (at != words.end()) {
    std::string_view const word = *at;
    if (word.size() < 2 || word[0] != '-' || word == "--") break;
    ++at;
    auto const equals = word.find('=');
    auto const name = word == "-help" ? "--help" : word.substr(0, equals);
    std::optional<std::string_view> value;
    if (equals != std::string_view::npos) value = word.substr(equals + 1);
    if (auto const* spec = find(known, name)) {
      take(*spec, value);
      continue;
    }
    bool const letters = name[1] != '-' && std::ranges::all_of(name.substr(1), [&](char c) {
                           return find(known, std::string{'-', c}) != nullptr;
                         });
    if (!letters) {
      out.emplace_back(word);
      break;
    }
    for (char const c : name.substr(1)) take(*find(known, std::string{'-', c}), {});
  }
  out.insert(out.end(), at, words.end());
  return out;
}

std::string boolean(std::string const& value, std::string_view key) {
  static constexpr auto on = std::to_array<std::string_view>({"1", "t", "T", "TRUE", "true", "True"});
  static constexpr auto off = std::to_array<std::string_view>({"0", "f", "F", "FALSE", "false", "False"});
  if (std::ranges::find(on, value) != on.end()) return "true";
  if (std::ranges::find(off, value) != off.end()) return "false";
  throw OptionError("invalid boolean value \"" + value + "\" for  --" + std::string(key) +
                    ": strconv.ParseBool: parsing \"" + value + "\": invalid syntax");
}

}  // namespace

std::span<OptionSpec const> global_options() { return globals; }

Parsed parse(std::vector<std::string> const& words, std::span<OptionSpec const> known) {
  CLI::App app;
  app.set_help_flag();
  app.prefix_command();  // everything from the first argument on is left alone
  std::vector<std::pair<OptionSpec const*, CLI::Option*>> options;
  for (auto const& spec : known) {
    std::string const names(spec.names);
    auto* const option = spec.kind == OptionKind::flag ? app.add_flag(names) : app.add_option(names);
    option->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)->allow_extra_args(false);
    options.emplace_back(&spec, option);
  }
  auto reversed = plain_words(words, known);
  std::ranges::reverse(reversed);
  try {
    app.parse(reversed);
  } catch (CLI::ArgumentMismatch const& error) {
    std::string const text = error.what();
    throw OptionError("flag needs an argument: " + text.substr(0, text.find(':')));
  } catch (CLI::ParseError const& error) {
    throw OptionError(error.what());
  }
  Parsed out;
  for (auto const& [spec, option] : options)
    for (auto const& value : option->results())
      out.options.add(spec->key(), spec->kind == OptionKind::flag ? boolean(value, spec->key()) : value);
  out.rest = app.remaining();
  if (out.rest.empty()) return out;
  if (out.rest.front() == "--")
    out.rest.erase(out.rest.begin());
  else if (auto const& first = out.rest.front(); first.size() > 1 && first.front() == '-')
    throw OptionError("flag provided but not defined: " + first.substr(0, first.find('=')));
  return out;
}

}  // namespace oci_storage
