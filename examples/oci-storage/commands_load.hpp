#pragma once

#include <strata/conf/host.hpp>
#include <strata/oci/any_source.hpp>
#include <strata/oci/copy_image.hpp>
#include <strata/oci/images_of.hpp>
#include <strata/oci/policy.hpp>

#include "image_names.hpp"
#include "image_policy.hpp"
#include "interrupt.hpp"
#include "layer_progress.hpp"
#include "session.hpp"
#include "streams.hpp"
#include <algorithm>
#include <set>
#include <stdexcept>
#include <string>
#include <unistd.h>
#include <utility>
#include <vector>

/// Brings images in from files.
namespace oci_storage {

inline constexpr char standard_input[] = "standard input";

inline strata::oci::AnySource open_images(std::string const& file) {
  if (!file.empty()) return strata::oci::AnySource(strata::fs::path(file));
  if (::isatty(STDIN_FILENO) != 0)
    throw std::runtime_error("standard input is a terminal: use --input or redirect it");
  return {open_input(file).source, standard_input};
}

/// @param file  empty: a stream, for which there are only rules of its transport
inline void check_policy_of(strata::oci::AnySource const& source, std::string const& file) {
  using strata::oci::PolicyScopes;
  std::string const transport(source.transport());
  bool const has_scopes = !file.empty() && transport != "docker-archive";
  check_policy(strata::conf::Host::current(),
               has_scopes ? PolicyScopes::of_path(transport, file) : PolicyScopes{.transport = transport});
}

struct WantedImage {
  std::string reference;  ///< as the place has it
  std::string name;       ///< that it gets in the store; empty: none
};

/// The image of a place that a user means by a name, which may be a short one.
inline std::string reference_in(std::vector<std::string> const& references, std::string const& text) {
  for (auto const& name : full_names(text))
    if (std::ranges::find(references, name) != references.end()) return name;
  return text;
}

/// All images of the place, unless some are named.
inline std::vector<WantedImage> wanted_images(strata::oci::AnySource const& source, Invocation const& call) {
  auto references = source.references();
  if (references.empty()) throw std::runtime_error("it has no image");
  if (!call.arguments.empty()) {
    auto const all = std::exchange(references, {});
    for (auto const& argument : call.arguments) references.push_back(reference_in(all, argument));
  }
  auto const name = call.options.text("name");
  if (!name.empty() && references.size() != 1)
    throw std::runtime_error("--name is for one image: which of " + strata::oci::listed(references) + '?');
  std::vector<WantedImage> wanted;
  for (auto const& reference : references)
    wanted.push_back({reference, name.empty() ? source.name_of(reference)
                                              : strata::oci::Reference::parse_local(name).str()});
  return wanted;
}

inline int load_images(Session& session, Invocation const& call) {
  namespace oci = strata::oci;
  auto const& options = call.options;
  auto const file = options.text("input");
  bool const quiet = options.flag("quiet");
  Interrupt const interrupt;
  with_subject(file.empty() ? standard_input : file, [&] {
    oci::CopyOptions copy{.stop = interrupt.token()};
    if (auto const platform = options.text("platform"); !platform.empty())
      copy.platform = oci::Platform::parse(platform);
    auto const source = open_images(file);
    check_policy_of(source, file);
    oci::ImagesOf images(session.store);
    std::set<std::string> loaded;
    for (auto const& [reference, name] : wanted_images(source, call)) {
      copy.reference = reference;
      copy.name = name;
      LayerProgress progress(quiet);
      copy.progress = progress.sink();
      auto const copied = oci::copy_image(source, images, copy);
      if (!quiet) complain("Loaded image: ", name.empty() ? copied.config.str() : name);
      if (std::string const id(copied.config.hex()); loaded.insert(id).second) say(id);
    }
  });
  return 0;
}

}  // namespace oci_storage
