#pragma once

#include <map>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace oci_storage {

enum class OptionKind {
  flag,  ///< on or off: `--json`, `--json=false`
  text,  ///< one value, the last one wins
  list,  ///< a value each time
};

/// One option: its names as help shows them, the long one first ("--name, -n").
struct OptionSpec {
  std::string_view names;
  OptionKind kind = OptionKind::flag;
  std::string_view help = {};
  std::string_view standard = {};  ///< its value if none is given, where that is not empty
  std::string_view values = {};    ///< all that it can be, between spaces; empty: any text

  /// The first name without its dashes; what `Options` is asked for.
  constexpr std::string_view key() const {
    auto const end = names.find(',');
    return names.substr(2, end == std::string_view::npos ? end : end - 2);
  }
};

/// The values that were given, by `OptionSpec::key`.
class Options {
 public:
  bool given(std::string_view key) const { return values_.contains(key); }
  bool flag(std::string_view key) const { return given(key) && values_.find(key)->second.back() == "true"; }
  std::string text(std::string_view key) const {
    return given(key) ? values_.find(key)->second.back() : std::string();
  }
  std::vector<std::string> list(std::string_view key) const {
    return given(key) ? values_.find(key)->second : std::vector<std::string>();
  }
  void add(std::string_view key, std::string value) { values_[std::string(key)].push_back(std::move(value)); }

 private:
  std::map<std::string, std::vector<std::string>, std::less<>> values_;
};

struct OptionError : std::runtime_error {
  explicit OptionError(std::string const& text, std::string before = {})
      : std::runtime_error(text), said_before(std::move(before)) {}
  std::string said_before;  ///< what is told of a letter before what is told of the word that it stands in
};

/// How help was asked for. The Go program gives it in each case, with other words around it.
enum class HelpWord {
  none,
  usual,   ///< `--help`
  old,     ///< `-help`
  letter,  ///< `-h`
};

struct Parsed {
  Options options = {};
  HelpWord help = HelpWord::none;  ///< words behind it are not looked at
  std::vector<std::string> rest =
      {};  ///< from the first word on that is no option; a `--` before it is dropped
};

/// Reads options up to the first word that is none.
/// @throws OptionError  with the text for the user
Parsed parse(std::vector<std::string> const& words, std::span<OptionSpec const> known);

/// The options that are understood before and after the command.
std::span<OptionSpec const> global_options();

}  // namespace oci_storage
