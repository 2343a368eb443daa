#pragma once

#include <strata/oci/reference.hpp>
#include <strata/records/names.hpp>

#include "session.hpp"
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

/// Images as a user of Podman names them.
namespace oci_storage {

struct ChosenImage {
  Store::Image image;
  std::string name;  ///< the one that was meant; empty if it was chosen by its id
};

/// What a short name may stand for: "tool" is "localhost/tool:latest" or "docker.io/library/tool:latest".
inline std::vector<std::string> full_names(std::string const& text) {
  std::vector<std::string> names{text};
  std::error_code no_reference;
  if (auto const reference = strata::oci::Reference::parse(text, no_reference)) {
    names.push_back(strata::oci::Reference::parse_local(text).str());
    names.push_back(reference->str());
  }
  return names;
}

/// An image by its name, which may be short, its id or the beginning of that, or "repository@digest".
inline ChosenImage get_image(Session& session, std::string const& text) {
  auto const images = session.store.images();
  for (auto const& name : full_names(text))  // before what only begins an id
    if (auto found = images.find(name); found && strata::names::contains(found->names(), name))
      return {*std::move(found), name};
  if (auto found = images.find(text)) return {*std::move(found), {}};
  std::error_code no_reference;
  auto const reference = strata::oci::Reference::parse(text, no_reference);
  if (reference && reference->digest())
    if (auto found = images.by_digest(*reference->digest()); !found.empty()) return {found.front(), {}};
  throw std::runtime_error(text + ": image not known");
}

}  // namespace oci_storage
