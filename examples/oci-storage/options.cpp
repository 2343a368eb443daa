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
    {"--storage-driver, -s",
     OptionKind::text,
     "Storage driver to use ($STORAGE_DRIVER)",
     {},
     "overlay vfs btrfs"},
    {"--storage-opt", OptionKind::list, "Set storage driver options ($STORAGE_OPTS)"},
    {"--durability",
     OptionKind::text,
     "When a change is done: full (survives power loss) or none",
     {},
     "full none"},
    {"--debug, -D", OptionKind::flag, "Print debugging information"},
    {"--unshare, -U", OptionKind::flag, "Run in a user namespace (default %t)"},
    {"--help", OptionKind::flag, "Print usage"},
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

/// "true" or "false".
/// @param spelled  the option as it was typed
std::string boolean(std::string_view value, std::string_view spelled) {
  static constexpr auto on = std::to_array<std::string_view>({"1", "t", "T", "TRUE", "true", "True"});
  static constexpr auto off = std::to_array<std::string_view>({"0", "f", "F", "FALSE", "false", "False"});
  if (std::ranges::find(on, value) != on.end()) return "true";
  if (std::ranges::find(off, value) != off.end()) return "false";
  std::string const text(value);
  throw OptionError("invalid boolean value \"" + text + "\" for  " + std::string(spelled) +
                    ": strconv.ParseBool: parsing \"" + text + "\": invalid syntax");
}

/// Brings the words into the shape that CLI11 reads, with one spelling for each option: the Go program accepts `-n=x` and
/// an empty `--name=`, takes the word behind an option as its value whatever it looks like, and lets every letter of
/// `-sg vfs PATH` take a word. What it complains of is complained of here, in its words.
class PlainWords {
 public:
  PlainWords(std::vector<std::string> const& words, std::span<OptionSpec const> known)
      : at_(words.begin()), end_(words.end()), known_(known) {
    while (help == HelpWord::none && at_ != end_) {
      std::string_view const word = *at_;
      if (word.size() < 2 || word[0] != '-') break;
      if (word[1] == '=') throw OptionError("bad flag syntax: " + std::string(word));
      ++at_;
      if (word == "--") break;
      take_word(word);
    }
  }

  std::vector<std::string> options = {};  ///< `--key=value` or `--key`, `value`
  HelpWord help = HelpWord::none;
  std::vector<std::string>::const_iterator arguments() const { return at_; }

 private:
  void take_word(std::string_view word) {
    auto const equals = word.find('=');
    auto const name = word.substr(0, equals);
    std::optional<std::string_view> value;
    if (equals != std::string_view::npos) value = without_quotes(word.substr(equals + 1));
    if (auto const* spec = find(known_, name)) return take(*spec, name, value);
    if (name == "-h" || name == "-help" || name == "--help") {
      help = name == "-h" ? HelpWord::letter : name == "-help" ? HelpWord::old : HelpWord::usual;
      return;
    }
    auto const undefined = "flag provided but not defined: " + std::string(name);
    if (name[1] == '-' || name.size() == 2) throw OptionError(undefined);
    for (char const c : name.substr(1)) {  // a value behind "=" is not looked at
      auto const letter = std::string{'-', c};
      auto const* spec = find(known_, letter);
      if (spec == nullptr) throw OptionError(undefined);
      try {
        take(*spec, letter, {});
      } catch (OptionError const& error) {
        throw OptionError(undefined, error.what());
      }
    }
  }

  void take(OptionSpec const& spec, std::string_view spelled, std::optional<std::string_view> value) {
    auto const name = "--" + std::string(spec.key());
    if (spec.key() == "help") {
      if (!value || boolean(*value, spelled) == "true") help = HelpWord::usual;
    } else if (spec.kind == OptionKind::flag) {
      options.push_back(name + '=' + (value ? boolean(*value, spelled) : "true"));
    } else {
      if (!value && at_ == end_) throw OptionError("flag needs an argument: " + std::string(spelled));
      options.push_back(name);
      options.emplace_back(value ? *value : *at_++);
    }
  }

  std::vector<std::string>::const_iterator at_;
  std::vector<std::string>::const_iterator end_;
  std::span<OptionSpec const> known_;
};

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
  PlainWords plain(words, known);
  std::ranges::reverse(plain.options);
  app.parse(plain.options);
  Parsed out{.options = {}, .help = plain.help, .rest = {plain.arguments(), words.end()}};
  for (auto const& [spec, option] : options)
    for (auto const& value : option->results()) out.options.add(spec->key(), value);
  return out;
}

}  // namespace oci_storage
