#pragma once

#include <range/v3/view/zip.hpp>

#include "command.hpp"
#include "joined.hpp"
#include "output.hpp"
#include <algorithm>
#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

/// Help, laid out as the Go program does: what it is about on one stream, the list of options on another.
namespace oci_storage::usage {

inline constexpr char program[] = "oci-storage";

inline void print(std::FILE* to, std::string_view text) { std::fwrite(text.data(), 1, text.size(), to); }

/// The home directory is shown as "~".
inline std::string shortened(std::string const& path) {
  auto const* const home = std::getenv("HOME");
  std::string const start = home != nullptr ? home : "";
  return start.empty() || start == "/" || !path.starts_with(start) ? path : '~' + path.substr(start.size());
}

/// The value an option has before anything is given after the command.
inline std::string default_text(OptionSpec const& spec, StoreSettings const& now, bool with_settings) {
  if (spec.kind == OptionKind::list) {
    bool const is_set = with_settings && spec.key() == "storage-opt";
    return '[' + (is_set ? joined(now.driver_options, " ") : "") + ']';
  }
  if (spec.key() == "durability") return now.flush ? "full" : "none";
  if (spec.key() == "unshare") return now.unshare ? "true" : "";
  if (!spec.standard.empty()) return std::string(spec.standard);
  if (!with_settings) return {};
  if (spec.key() == "image-store") return shortened(now.image_store);
  if (spec.key() == "transient-store") return now.transient ? "true" : "";
  if (spec.key() == "graph") return shortened(now.graph_root);
  if (spec.key() == "run") return shortened(now.run_root);
  if (spec.key() == "storage-driver") return now.driver;
  return {};
}

/// The list of options: sorted by first name, in two columns.
inline void print_options(std::FILE* to, std::vector<OptionSpec> specs, StoreSettings const& now,
                          bool with_settings) {
  auto const lower = [](std::string_view text) {
    std::string out(text);
    for (auto& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return out;
  };
  std::ranges::sort(specs, {}, [&](OptionSpec const& spec) { return lower(spec.key()); });
  std::vector<std::string> left;
  std::size_t width = 20;
  for (auto const& spec : specs) {
    auto const value = default_text(spec, now, with_settings);
    left.push_back("  " + std::string(spec.names) + (value.empty() ? "" : "=" + value));
    width = std::max(width, left.back().size() + 3);
  }
  std::string out = "\n";
  for (auto const& [text, spec] : ranges::views::zip(left, specs)) {
    out += text + std::string(width - text.size() + 1, ' ');
    out += spec.help;
    out += '\n';
  }
  print(to, out);
}

/// Help for the whole program.
inline void print_program(std::FILE* options_to, StoreSettings const& now) {
  std::string out = std::string("Usage: ") + program + " command [options [...]]\n\nCommands:\n\n";
  for (auto const& command : commands()) {
    std::string name(command.name);
    name.resize(std::max<std::size_t>(name.size(), 28), ' ');
    out += "  " + name + "  ";
    out += command.usage;
    out += '\n';
  }
  print(stdout, out + "\nOptions:\n");
  auto specs = std::vector<OptionSpec>(global_options().begin(), global_options().end());
  flush_output();
  print_options(options_to, std::move(specs), now, false);
}

/// Help for one command.
/// @param name  as it was typed, which may be an alias
inline void print_command(Command const& command, std::string const& name, StoreSettings const& now) {
  std::string out = std::string("Usage: ") + program + ' ';
  ((out += name) += ' ') += command.argument_help;
  ((out += "\n\n") += command.usage) += "\n\nOptions:\n";
  print(stdout, out);
  flush_output();
  auto specs = std::vector<OptionSpec>(command.options.begin(), command.options.end());
  specs.insert(specs.end(), global_options().begin(), global_options().end() - 1);  // all but --help
  print_options(stderr, std::move(specs), now, true);
}

}  // namespace oci_storage::usage
