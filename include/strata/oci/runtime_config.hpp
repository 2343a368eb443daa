#pragma once

#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/oci/image_config.hpp>
#include <strata/separate.hpp>

#include <boost/json/object.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// From an image to a container that runs: what a runtime such as crun is told in the `config.json` of a bundle (OCI runtime
/// specification 1.0).
namespace strata::oci {

/// Who a process is.
struct ProcessUser {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::vector<std::uint32_t> additional_gids = {};
  std::string home = "/";

  bool operator==(ProcessUser const&) const = default;
};

/// Resolves the user that an image's configuration states: "", "user", "uid", and each with ":group" or ":gid". As runc and
/// Podman do it: none is 0, a number need not be known, a user that is known has its groups unless one is stated. The
/// group of a user that is stated is among the additional ones too: else a program could drop it, and get at files whose
/// modes let in all but that group (CVE-2022-2989).
/// @param passwd  text of the image's /etc/passwd, or empty; lines that are none are skipped
/// @param group   text of its /etc/group
/// @throws `std::errc::invalid_argument` for a name that is not known, or a number beyond 2^31 - 1
ProcessUser resolve_user(std::string_view user, std::string_view passwd, std::string_view group);

/// How a container runs where the image does not say.
struct RuntimeOptions {
  std::vector<std::string> arguments = {};  ///< instead of the image's `cmd`
  std::vector<std::string> env = {};        ///< over the image's
  ProcessUser user = {};                    ///< see `resolve_user`
  std::string hostname = "container";
  bool read_only = false;  ///< its root
  bool terminal = false;
  bool no_new_privileges = true;  ///< programs cannot gain any by their set-user-id bits
};

/// The `config.json` of a bundle: what Podman gives a container by default, that is its own namespaces, eleven capabilities for
/// root and none for others, the mounts that Linux programs expect, and what of /proc and /sys is hidden; but for the host's
/// part: a network, files such as /etc/hosts, limits, control groups and a filter of system calls are the caller's to add.
/// @param root  the mounted layer
/// @throws `std::errc::invalid_argument` if neither image nor options say what to run
boost::json::object runtime_config(RunConfig const& image, fs::path const& root,
                                   RuntimeOptions const& options = {});

namespace detail {

std::vector<std::string> command_of(RunConfig const& image, RuntimeOptions const& options);
/// Each name once; PATH, TERM and HOME in any case.
std::vector<std::string> environment_of(RunConfig const& image, RuntimeOptions const& options);
boost::json::object process_of(RunConfig const& image, RuntimeOptions const& options);

}  // namespace detail

}  // namespace strata::oci

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/oci/runtime_config.ipp>
#endif
