#pragma once

#include <strata/oci/copy_image.hpp>
#include <strata/oci/images_of.hpp>
#include <strata/oci/registry.hpp>

#include "interrupt.hpp"
#include "layer_progress.hpp"
#include "registry_access.hpp"
#include "session.hpp"
#include <string>

/// Brings images in from registries.
namespace oci_storage {

inline int pull_images(Session& session, Invocation const& call) {
  namespace oci = strata::oci;
  auto const& options = call.options;
  bool const quiet = options.flag("quiet");
  Interrupt const interrupt;
  oci::CopyOptions copy{.stop = interrupt.token()};
  if (auto const platform = options.text("platform"); !platform.empty())
    copy.platform = oci::Platform::parse(platform);
  auto const access = registry_options(options, interrupt.token());
  oci::CurlTransport const transport;
  oci::ImagesOf images(session.store);
  for (auto const& argument : call.arguments)
    with_subject(argument, [&] {
      auto const reference = registry_reference(argument);
      copy.reference = reference.digest() ? reference.digest()->str() : reference.tag();
      copy.name = reference.str();
      LayerProgress progress(quiet);
      copy.progress = progress.sink();
      if (!quiet) complain("Trying to pull ", copy.name, "...");
      ImageRegistry registry(transport, reference, access);
      say(oci::copy_image(registry, images, copy).config.hex());
    });
  return 0;
}

}  // namespace oci_storage
