#pragma once

#include <strata/error.hpp>
#include <strata/oci/copy_image.hpp>
#include <strata/oci/images_of.hpp>
#include <strata/oci/reference.hpp>
#include <strata/oci/registry.hpp>

#include "commands_save.hpp"
#include "image_names.hpp"
#include "interrupt.hpp"
#include "layer_progress.hpp"
#include "registry_access.hpp"
#include "session.hpp"
#include "streams.hpp"
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

/// Puts images into registries.
namespace oci_storage {

inline std::optional<strata::oci::Format> manifest_option(Options const& options) {
  auto const word = options.text("format");
  if (word.empty()) return {};
  if (word == "oci") return strata::oci::Format::oci;
  if (word == "v2s2" || word == "docker") return strata::oci::Format::docker;
  throw std::runtime_error("--format " + word + ": must be one of oci v2s2");
}

/// Repositories of the registry in which the image is as well.
inline std::vector<std::string> other_repositories(strata::oci::Reference const& target,
                                                   std::vector<std::string> const& names) {
  std::vector<std::string> out;
  for (auto const& name : names) {
    std::error_code no_reference;
    auto const other = strata::oci::Reference::parse(name, no_reference);
    if (other && other->domain() == target.domain() && other->path() != target.path())
      out.push_back(other->path());
  }
  return out;
}

inline int push_image(Session& session, Invocation const& call) {
  namespace oci = strata::oci;
  auto const& options = call.options;
  auto const chosen = get_image(session, call.arguments[0]);
  if (call.arguments.size() < 2 && chosen.name.empty())
    throw std::runtime_error(call.arguments[0] + ": an image without a name needs a destination");
  auto const target = call.arguments.size() < 2 ? chosen.name : call.arguments[1];
  Interrupt const interrupt;
  with_subject(target, [&] {
    RegistryAccess const access;
    auto const reference = strata::oci::Reference::parse(after_transport(target).value_or(target));
    auto const* const rule = access.registries.find_rule(reference);
    if (rule != nullptr && rule->blocked)
      throw strata::Error(strata::Errc::image_forbidden, "registries.conf blocks \"" + rule->prefix + '"');
    oci::CopyOptions copy{.reference = chosen.image.id().str(),
                          .name = reference.tag(),
                          .compression = compression_option(options),
                          .format = manifest_option(options),
                          .stop = interrupt.token()};
    LayerProgress progress(options.flag("quiet"));
    copy.progress = progress.sink();
    auto how =
        registry_options(access, options, rule != nullptr && rule->endpoint.insecure, interrupt.token());
    how.mount_from = other_repositories(reference, chosen.image.names());
    oci::ImagesOf images(session.store);
    ImageRegistry registry(oci::CurlTransport(), reference, how);
    auto const copied = oci::copy_image(images, registry, copy);
    registry.finish();
    if (auto const file = options.text("digestfile"); !file.empty())
      open_output(file).write(strata::as_bytes(copied.manifest.str()));
  });
  return 0;
}

}  // namespace oci_storage
