#pragma once

#include <strata/conf/registries.hpp>
#include <strata/error.hpp>
#include <strata/oci/copy_image.hpp>
#include <strata/oci/images_of.hpp>
#include <strata/oci/platform.hpp>
#include <strata/oci/policy.hpp>
#include <strata/oci/reference.hpp>
#include <strata/oci/registry.hpp>

#include "image_policy.hpp"
#include "interrupt.hpp"
#include "layer_progress.hpp"
#include "registry_access.hpp"
#include "session.hpp"
#include <stdexcept>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

/// Brings images in from registries.
namespace oci_storage {

/// Brings an image from the first place that has it.
class Pull {
 public:
  Pull(Session& session, Options const& options, std::stop_token stop)
      : options_(options),
        images_(session.store),
        quiet_(options.flag("quiet")),
        copy_{.stop = std::move(stop)} {
    if (auto const platform = options.text("platform"); !platform.empty())
      copy_.platform = strata::oci::Platform::parse(platform);
  }

  /// @return the image's id
  std::string image(std::string const& text) {
    std::vector<strata::Error> failures;
    for (auto const& meant : images_meant(access_, text)) {
      check_policy(access_.host, strata::oci::PolicyScopes::of(meant));
      for (auto const& place : access_.registries.sources_of(meant)) try {
          return from(place, meant);
        } catch (strata::Error const& error) {
          if (!is_of_place(error)) throw;
          failures.push_back(error);
        }
    }
    if (failures.size() == 1) throw failures.front();
    std::string all;
    for (auto const& failure : failures) all += std::string(all.empty() ? "" : "; ") + failure.what();
    throw std::runtime_error("no place has it: " + all);
  }

 private:
  std::string from(strata::conf::PullSource const& place, strata::oci::Reference const& meant) {
    namespace oci = strata::oci;
    copy_.reference = meant.digest() ? meant.digest()->str() : meant.tag();
    copy_.name = meant.str();
    LayerProgress progress(quiet_);
    copy_.progress = progress.sink();
    if (!quiet_) complain("Trying to pull ", place.reference.str(), "...");
    ImageRegistry registry(transport_, place.reference,
                           registry_options(access_, options_, place.insecure, copy_.stop));
    return std::string(oci::copy_image(registry, images_, copy_).config.hex());
  }

  /// Whether another place may have the image all the same.
  static bool is_of_place(strata::Error const& error) {
    using strata::Errc;
    return error.code() == Errc::image_unknown || error.code() == Errc::unavailable ||
           error.code() == Errc::access_denied || error.code() == Errc::tls_failed ||
           error.code() == Errc::unexpected_answer;
  }

  Options const& options_;
  RegistryAccess access_ = {};
  strata::oci::ImagesOf<Store> images_;
  strata::oci::CurlTransport transport_ = {};
  bool quiet_;
  strata::oci::CopyOptions copy_;
};

inline int pull_images(Session& session, Invocation const& call) {
  Interrupt const interrupt;
  Pull pull(session, call.options, interrupt.token());
  for (auto const& argument : call.arguments) with_subject(argument, [&] { say(pull.image(argument)); });
  return 0;
}

}  // namespace oci_storage
