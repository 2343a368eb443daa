#pragma once

#include <strata/error.hpp>
#include <strata/oci/image_config.hpp>
#include <strata/separate.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace strata::oci {

/// Changes how containers run by instructions of a Dockerfile, as `podman commit --change` and `podman import --change` take
/// them, one after the other:
///
/// - `CMD`, `ENTRYPOINT`  a JSON list of texts, or a line for /bin/sh; `null` leaves what there is
/// - `ENV name=value`, `LABEL name=value`  one each; quotes around the name or the value are dropped
/// - `EXPOSE port[/tcp|/udp]`, `ONBUILD instruction`, `USER user[:group]`
/// - `STOPSIGNAL`  a name, with or without "SIG", or a number; the number is what is recorded
/// - `VOLUME`      a JSON list of paths, or paths with one blank between them
/// - `WORKDIR`     a relative path is below that of the `WORKDIR` before it in the list, not below the image's
///
/// The first blank ends the name of the instruction, or else the first "=". An image of OCI's format has no place for what
/// `ONBUILD` says.
/// @throws `std::errc::invalid_argument` with the instruction; `run` is then as before
void apply_changes(RunConfig& run, std::vector<std::string> const& instructions);

namespace detail {

struct Instruction {
  std::string text;   ///< as it was given, for errors
  std::string name;   ///< in upper case
  std::string value;  ///< without blanks around it

  [[noreturn]] void refuse(char const* why) const;
};

Instruction read_instruction(std::string const& text);
/// A JSON list of texts; null is none, and so is null as the text of one empty. @return none if it is something else
std::optional<std::vector<std::string>> read_text_list(std::string const& value);
/// "80/tcp"
std::string exposed_port(Instruction const& change);
/// A number of a signal as text.
std::string stop_signal(Instruction const& change);

}  // namespace detail

}  // namespace strata::oci

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/oci/config_change.ipp>
#endif
