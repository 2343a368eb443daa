// oci-storage: look at and change a container storage from the command line.
//
// What it prints, where it prints it and its exit status are those of containers-storage: 0 for success, 125 for wrong
// options and help behind a command, 1 for everything else that fails.

#include "command.hpp"
#include "errors.hpp"
#include "manual.hpp"
#include "output.hpp"
#include "usage.hpp"
#include <cerrno>
#include <cstdio>
#include <exception>
#include <fcntl.h>
#include <string>
#include <unistd.h>
#include <vector>

using namespace oci_storage;

namespace {

/// What is wrong with the options, on stderr.
void complain_of(OptionError const& error, std::string const& of) {
  flush_output();
  for (auto const& text : {error.said_before, std::string(error.what())})
    if (!text.empty()) std::fprintf(stderr, "%s\nSee '%s --help'.\n", text.c_str(), of.c_str());
}

/// Takes everything before the command apart, and finds the command.
struct Called {
  Parsed global = {};
  Command const* command = nullptr;
  int status = 0;  ///< of the program, if there is no command to run
};

Called find_command(std::vector<std::string> const& words) {
  Called out;
  try {
    out.global = parse(words, global_options());
  } catch (OptionError const& error) {
    std::printf("%s while parsing arguments (1)\n", error.what());
    complain_of(error, usage::program);
    usage::print_program(stderr, settings({}, {}));
    return {.status = 1};
  }
  if (auto const help = out.global.help; help != HelpWord::none) {
    if (help == HelpWord::old)
      std::fputs("Warning: '-help' is deprecated, it will be replaced by '--help' soon. See usage.\n",
                 stderr);
    usage::print_program(help == HelpWord::letter ? stderr : stdout, settings({}, {}));
    if (help != HelpWord::letter) return {.status = 0};
    std::puts("flag: help requested while parsing arguments (1)");
    usage::print_program(stderr, settings({}, {}));
    return {.status = 1};
  }
  if (out.global.rest.empty()) {
    usage::print_program(stderr, settings({}, {}));
    return {.status = 1};
  }
  auto const& name = out.global.rest.front();
  for (auto const& command : commands())
    if (name == command.name || (!name.empty() && name == command.alias)) out.command = &command;
  if (out.command == nullptr) {
    std::printf("%s: unrecognized command.\n", name.c_str());
    out.status = 1;
  }
  return out;
}

int run_command(Called const& called) {
  auto const& command = *called.command;
  Invocation invocation{.name = called.global.rest.front()};
  StoreSettings now;
  try {
    auto specs = std::vector<OptionSpec>(command.options.begin(), command.options.end());
    specs.insert(specs.end(), global_options().begin(), global_options().end());
    auto parsed = parse({called.global.rest.begin() + 1, called.global.rest.end()}, specs);
    if (parsed.help != HelpWord::none) {
      usage::print_command(command, invocation.name, settings(called.global.options, {}));
      return 125;
    }
    now = settings(called.global.options, parsed.options);
    invocation.options = std::move(parsed.options);
    invocation.arguments = std::move(parsed.rest);
  } catch (OptionError const& error) {
    complain_of(error, std::string(usage::program) + ' ' + invocation.name);
    return 125;
  }
  auto const count = invocation.arguments.size();
  if (count < command.least_arguments) {
    std::printf("%s: more arguments required.\n", invocation.name.c_str());
  } else if (count > command.most_arguments) {
    std::string list;
    for (auto const& argument : invocation.arguments) list += (list.empty() ? "" : " ") + argument;
    std::printf("%s: too many arguments ([%s]).\n", invocation.name.c_str(), list.c_str());
  } else {
    return run(command, invocation, now);
  }
  usage::print_command(command, invocation.name, now);
  return 1;
}

/// A descriptor that is closed would be given to the next file that is opened, of the store's for one. What stands there
/// instead can be neither read nor written: who needs it gets an error.
void occupy_standard_descriptors() {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd)
    if (::fcntl(fd, F_GETFD) < 0 && errno == EBADF)
      ::open("/", O_PATH);  // takes the lowest number that is free
}

int run_program(std::vector<std::string> const& words) {
  // What a command throws, `run` tells of; before it, the machine's configuration and /proc are read.
  try {
    if (words.size() == 2 && words.front() == "--generate") return manual::generate(words.back());
    auto const called = find_command(words);
    return called.command == nullptr ? called.status : run_command(called);
  } catch (std::exception const&) {
    complain(current_error_text());
    return 1;
  }
}

}  // namespace

int main(int argc, char** argv) {
  occupy_standard_descriptors();
  begin_output();
  int const status = run_program({argv + 1, argv + argc});
  int const written = output_status();  // what was done is done, but who asked has not been told of it
  return status != 0 ? status : written;
}
