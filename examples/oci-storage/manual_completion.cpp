#include "manual.hpp"
#include "usage.hpp"
#include <algorithm>
#include <cctype>
#include <vector>

namespace oci_storage::manual {
namespace {

/// The part of the script that is the same for any table. What is called with names from the store takes them as they are:
/// bash evaluates none, and offers none that would write to the terminal otherwise.
constexpr std::string_view functions = R"script(
# _oci_storage_run WORD...: what the program prints, if it succeeds
_oci_storage_run() {
  local printed
  printed=$(command "$program" "${store[@]}" "$@" 2>/dev/null </dev/null) && printf '%s\n' "$printed"
}

# _oci_storage_names LIST: ids and names of what the command LIST prints
_oci_storage_names() { _oci_storage_run "$1" | sed -n -e $'s/^\tname: //p' -e t -e $'/^[^\t]/p'; }

# offers the lines on stdin that begin with the word
_oci_storage_offer() {
  local line
  while IFS= read -r line; do
    [[ $line == "$cur"* && $line != *[[:cntrl:]]* ]] || continue
    printf -v line %q "$line"
    COMPREPLY+=("$line")
  done
  __ltrim_colon_completions "$cur"
}

_oci_storage_offer_words() { COMPREPLY+=($(compgen -W "$1" -- "$2")); }

# _oci_storage_value WORDS VALUE: of an option; any text may be a file
_oci_storage_value() {
  if [[ $1 ]]; then _oci_storage_offer_words "$1" "$2"; else compopt -o default; fi
}

_oci_storage() {
  local program=$1 cur prev words cword
  _get_comp_words_by_ref -n := cur prev words cword || return
  local at command= commands global_options global_valued options valued items most arguments=() store=() word option
  _oci_storage_table ''
  # A word that begins with "-" is an option up to the first argument; behind some, the next word is a value.
  local open=1 value_of=
  for ((at = 1; at < cword; ++at)); do
    word=${words[at]} value_of=
    if [[ $open && $word == -?* ]]; then
      if [[ $word == -- ]]; then open=; continue; fi
      option=${word%%=*}
      if [[ " $valued $global_valued " != *" $option "* ]]; then continue; fi
      if [[ $word != *=* ]]; then
        if ((++at == cword)); then value_of=$option; break; fi
        word=$word=${words[at]}
      fi
      word=${word#*=}
      if [[ " $global_valued " == *" $option "* ]]; then store+=("$option" "${word/#~\//$HOME/}"); fi
    elif [[ ! $command ]]; then
      command=$word open=1
      _oci_storage_table "$command" || return
    else
      arguments+=("$word") open=
    fi
  done
  if [[ $value_of ]]; then
    _oci_storage_value "$(_oci_storage_values "$command" "$value_of")" "$cur"
  elif [[ $open && $cur == -*=* ]]; then
    _oci_storage_value "$(_oci_storage_values "$command" "${cur%%=*}")" "${cur#*=}"
  elif [[ $open && $cur == -* ]]; then
    _oci_storage_offer_words "$options $global_options" "$cur"
  elif [[ ! $command ]]; then
    _oci_storage_offer_words "$commands" "$cur"
  elif ((${#arguments[@]} < most)); then
    for word in $items; do
      case $word in
        files) compopt -o default ;;
        programs) COMPREPLY+=($(compgen -c -- "$cur")) ;;
        data-of-*)
          ((${#arguments[@]} != 1)) ||
            _oci_storage_offer < <(_oci_storage_run "list-${word#data-of-}-data" "${arguments[0]}")
          ;;
        *) [[ ${#arguments[@]} -gt 0 && $items == *data-of-* ]] || _oci_storage_offer < <(_oci_storage_names "$word") ;;
      esac
    done
  fi
}

complete -F _oci_storage )script";

std::string joined_names(std::span<OptionSpec const> options, bool only_valued) {
  std::string out;
  for (auto const& spec : options)
    if (!only_valued || spec.kind != OptionKind::flag)
      for (auto const name : names_of(spec)) (out += out.empty() ? "" : " ") += name;
  return out;
}

/// What the arguments of a command are, by the words of its help.
std::string items_of(Command const& command) {
  auto help = std::string(command.argument_help);
  std::ranges::transform(help, help.begin(), [](char c) {
    return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  });
  std::string out;
  auto const add = [&](std::string_view word) { (out += out.empty() ? "" : " ") += word; };
  if (help.find("nameorid") != std::string::npos || help.find("layerid") != std::string::npos)
    for (std::string const kind : {"layer", "image", "container"})
      if (help.find(kind) != std::string::npos) {
        add(kind + "s");
        if (help.find("dataname") != std::string::npos) add("data-of-" + kind);
      }
  if (help.find("file") != std::string::npos || help.find("/path") != std::string::npos) add("files");
  if (help.find("command") != std::string::npos) add("programs");
  return out;
}

/// Cases of a `case` for the names of the options whose values are known.
std::string value_cases(std::string_view command, std::span<OptionSpec const> options) {
  std::string out;
  for (auto const& spec : options) {
    if (spec.values.empty()) continue;
    std::string patterns;
    for (auto const name : names_of(spec))
      ((((patterns += patterns.empty() ? "'" : "' | '") += command) += ' ') += name);
    out += "    " + patterns + "') echo '" + std::string(spec.values) + "' ;;\n";
  }
  return out;
}

}  // namespace

std::string bash_completion(std::span<Command const> table) {
  std::string all;
  std::string cases;
  std::string values;
  for (auto const& command : table) {
    auto pattern = std::string(command.name);
    for (auto const name : {command.name, command.alias})
      if (!name.empty()) (all += all.empty() ? "" : " ") += name;
    if (!command.alias.empty()) (pattern += '|') += command.alias;
    auto const most = command.most_arguments == any_number ? "9999" : std::to_string(command.most_arguments);
    cases += "    " + pattern + ") options='" + joined_names(command.options, false) + "' valued='" +
             joined_names(command.options, true) + "' items='" + items_of(command) + "' most=" + most +
             " ;;\n";
    for (auto const name : {command.name, command.alias})
      if (!name.empty()) values += value_cases(name, command.options);
  }
  std::string const program = usage::program;
  std::string out = "# Completion of " + program + " for bash. Made by " + program + " --generate bash.\n\n";
  out +=
      "# _oci_storage_table COMMAND: its options, those with values, its arguments and how many; false if "
      "there is no such command\n";
  out += "_oci_storage_table() {\n  commands='" + all + "'\n  global_options='" +
         joined_names(global_options(), false) + "'\n  global_valued='" +
         joined_names(global_options(), true) +
         "'\n  options= valued= items= most=0\n  case $1 in\n    '') ;;\n" + cases +
         "    *) return 1 ;;\n  esac\n}\n\n";
  out += "# _oci_storage_values COMMAND OPTION: all values of the option, where they are known\n";
  out += "_oci_storage_values() {\n  case \"$1 $2\" in\n" + values + "  esac\n  case \" $2\" in\n" +
         value_cases("", global_options()) + "  esac\n}\n";
  return out.append(functions).append(program);
}

}  // namespace oci_storage::manual
