#pragma once

#include "command.hpp"
#include <span>
#include <string>
#include <string_view>

/// What `oci-storage --generate man|bash` prints, which is for the build, not for users: both are made of the table of
/// commands, and say nothing of the machine that they are made on.
namespace oci_storage::manual {

/// Each name of an option: "--name", "-n".
std::vector<std::string_view> names_of(OptionSpec const& spec);

/// The manual page, section 1, in man(7)'s macros.
/// @param date  "2026-11-30"
std::string man_page(std::span<Command const> table, std::string_view date);

/// The script by which bash completes commands, options, their values, and, by calling the program, items of the store. It
/// uses functions of the package bash-completion.
std::string bash_completion(std::span<Command const> table);

/// The date of `$SOURCE_DATE_EPOCH`, or of today, in UTC.
std::string build_date();

/// Prints one of both.
/// @param what  "man" or "bash"
/// @return the exit status
int generate(std::string_view what);

}  // namespace oci_storage::manual
