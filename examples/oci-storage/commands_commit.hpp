#pragma once

#include <strata/concepts/bytes.hpp>
#include <strata/oci/commit.hpp>
#include <strata/oci/config_change.hpp>
#include <strata/oci/reference.hpp>

#include "interrupt.hpp"
#include "session.hpp"
#include "streams.hpp"
#include <stdexcept>
#include <string>

/// Makes images of containers.
namespace oci_storage {

inline strata::oci::Format format_option(Options const& options) {
  auto const word = options.given("format") ? options.text("format") : "oci";
  if (word == "oci") return strata::oci::Format::oci;
  if (word == "docker") return strata::oci::Format::docker;
  throw std::runtime_error("--format " + word + ": must be one of oci docker");
}

inline int commit_container(Session& session, Invocation const& call) {
  namespace oci = strata::oci;
  auto const& options = call.options;
  auto const changes = options.list("change");
  Interrupt const interrupt;
  oci::CommitImageOptions commit{.author = options.text("author"),
                                 .message = options.text("message"),
                                 .change = [&](oci::RunConfig& run) { oci::apply_changes(run, changes); },
                                 .format = format_option(options),
                                 .stop = interrupt.token()};
  oci::RunConfig scratch;
  commit.change(scratch);  // what is wrong with them is said before anything is done
  if (!commit.message.empty() && commit.format == oci::Format::oci)
    throw std::runtime_error("--message is for images of Docker's format: --format docker");
  if (call.arguments.size() > 1) commit.name = oci::Reference::parse_local(call.arguments[1]).str();
  auto const container = session.store.containers().get(call.arguments.front());
  auto const id = oci::commit(session.store, container, commit).id().str();
  if (auto const file = options.text("iidfile"); !file.empty()) open_output(file).write(strata::as_bytes(id));
  if (!options.flag("quiet")) complain("Committed image: ", commit.name.empty() ? id : commit.name);
  say(id);
  return 0;
}

}  // namespace oci_storage
