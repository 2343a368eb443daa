#pragma once

#include "settings.hpp"
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace oci_storage {

class Session;  // session.hpp

/// A command as it was called.
struct Invocation {
  std::string name;  ///< as typed, which may be an alias
  Options options = {};
  std::vector<std::string> arguments = {};
};

inline constexpr std::size_t any_number = static_cast<std::size_t>(-1);

/// One row of the table of commands.
struct Command {
  std::string_view name;   ///< the one that help shows
  std::string_view alias;  ///< may be empty
  std::size_t least_arguments;
  std::size_t most_arguments;
  std::string_view argument_help;
  std::string_view usage;
  std::span<OptionSpec const> options;  ///< besides the global ones
  int (*run)(Session&, Invocation const&);
};

/// All commands, in the order in which help lists them.
std::span<Command const> commands();

/// Opens the store and runs the command. Returns the exit status of the program.
int run(Command const& command, Invocation const& invocation, StoreSettings const& settings);

}  // namespace oci_storage
