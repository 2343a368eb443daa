#pragma once

#include <strata/clean_path.hpp>
#include <strata/oci/host_document.hpp>
#include <strata/oci/policy.hpp>
#include <strata/sys/fd.hpp>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

namespace strata::oci {

namespace detail {

/// A type of requirement and the members that its object may have. Source: containers-policy.json(5) up to release 5.36 of
/// containers/image.
struct RequirementType {
  std::string_view name;
  std::array<std::string_view, 13> members;  // padded with empty strings
};
inline constexpr std::string_view accepts_anything = "insecureAcceptAnything";
inline constexpr std::string_view rejects = "reject";
inline constexpr std::array requirement_types{
    RequirementType{accepts_anything, {"type"}},
    RequirementType{rejects, {"type"}},
    RequirementType{"signedBy", {"type", "keyType", "keyPath", "keyPaths", "keyData", "signedIdentity"}},
    RequirementType{"signedBaseLayer", {"type", "baseLayerIdentity"}},
    RequirementType{
        "sigstoreSigned",
        {"type", "keyPath", "keyPaths", "keyData", "keyDatas", "fulcio", "pki", "rekorPublicKeyPath",
         "rekorPublicKeyPaths", "rekorPublicKeyData", "rekorPublicKeyDatas", "signedIdentity"}},
};

[[noreturn]] inline void refuse_policy(std::string const& place, std::string const& what) {
  throw Error(Errc::configuration, place + ": " + what);
}

/// @return the members of an object. Null is none, which containers/image refuses as well
inline boost::json::object const& object_of(boost::json::value const& value, std::string const& place) {
  if (!value.is_object()) refuse_policy(place, "not an object");
  return value.get_object();
}

/// True for a path as it can be a scope: absolute, clean, and not "/", for which "" stands.
inline bool is_scope_path(std::string_view path) {
  return path.size() > 1 && path.front() == '/' && is_clean_path(path);
}

/// True if an image in the store could have the scope: "[driver@/root]name" or "[/root]".
inline bool is_scope_of_store(std::string_view scope) {
  auto const end = scope.find(']');
  if (!scope.starts_with('[') || end == std::string_view::npos) return false;
  auto const store = scope.substr(1, end - 1);
  auto const at = store.find('@');
  auto const root = at == std::string_view::npos ? store : store.substr(at + 1);
  return root.starts_with('/');
}

/// True if an image of the transport could have the scope. Those of transports that are not known are not looked at.
inline bool is_scope(std::string_view transport, std::string_view scope) {
  if (scope.empty()) return true;
  if (transport == "dir" || transport == "oci" || transport == "oci-archive") return is_scope_path(scope);
  if (transport == "containers-storage") return is_scope_of_store(scope);
  return transport != "docker-archive" && transport != "tarball";
}

/// The type of a requirement, of a file that may demand it.
inline std::string read_requirement(boost::json::value const& value, std::string const& place) {
  auto const& members = object_of(value, place);
  auto const* const type = members.if_contains("type");
  if (type == nullptr || !type->is_string()) refuse_policy(place, "no type of a requirement");
  std::string name(type->get_string());
  auto const known = std::ranges::find(requirement_types, name, &RequirementType::name);
  if (known == requirement_types.end())
    refuse_policy(place, "\"" + name + "\" is not known as a requirement");
  for (auto const& [key, member] : members)
    if (key.empty() || std::ranges::find(known->members, std::string_view(key)) == known->members.end())
      refuse_policy(place, "member \"" + std::string(key) + "\" is not known in a requirement " + name);
  return name;
}

inline std::vector<std::string> read_requirements(boost::json::value const& value, std::string const& place) {
  if (!value.is_array() || value.get_array().empty()) refuse_policy(place, "not a list with requirements");
  std::vector<std::string> out;
  for (auto const& element : value.get_array())
    out.push_back(read_requirement(element, place + "[" + std::to_string(out.size()) + "]"));
  return out;
}

/// "a/b/c", "a/b", "a".
inline void add_with_parents(std::vector<std::string>& to, std::string name) {
  for (;;) {
    to.push_back(name);
    auto const slash = name.rfind('/');
    if (slash == std::string::npos || slash == 0) return;
    name.resize(slash);
  }
}

}  // namespace detail

STRATA_INLINE PolicyScopes PolicyScopes::of(Reference const& reference) {
  auto const exact = reference.digest() ? reference.with_digest(*reference.digest()) : reference;
  PolicyScopes out{.transport = "docker", .scopes = {exact.str()}};
  detail::add_with_parents(out.scopes, exact.name());
  auto domain = std::string_view(exact.domain());
  domain = domain.substr(0, domain.find(':'));  // without the port, which an exact scope of the host has
  while (domain.find('.') != std::string_view::npos) {
    domain.remove_prefix(domain.find('.') + 1);
    out.scopes.push_back("*." + std::string(domain));
  }
  return out;
}

STRATA_INLINE PolicyScopes PolicyScopes::of_path(std::string transport, fs::path const& path) {
  boost::system::error_code error;
  auto const real = fs::canonical(path, error);
  sys::throw_if(error, "realpath", path);
  PolicyScopes out{.transport = std::move(transport)};
  if (real != "/") detail::add_with_parents(out.scopes, real.native());
  return out;
}

STRATA_INLINE PolicyScopes PolicyScopes::of_docker_archive() { return {.transport = "docker-archive"}; }

STRATA_INLINE PolicyScopes PolicyScopes::of_store(std::string_view driver, fs::path const& graph_root,
                                                  std::optional<Reference> const& reference,
                                                  std::string_view id) {
  auto const store = "[" + std::string(driver) + "@" + graph_root.native() + "]";
  PolicyScopes out{.transport = "containers-storage"};
  auto const suffix = id.empty() ? std::string() : "@" + std::string(id);
  out.scopes.push_back(store + (reference ? reference->str() : std::string()) + suffix);
  if (reference) {
    std::vector<std::string> names;
    if (!id.empty()) names.push_back(reference->str());
    if (reference->digest() && !reference->tag().empty())
      names.push_back(reference->name() + ":" + reference->tag());
    detail::add_with_parents(names, reference->name());
    for (auto const& name : names) out.scopes.push_back(store + name);
  }
  out.scopes.push_back(store);
  out.scopes.push_back("[" + graph_root.native() + "]");
  return out;
}

STRATA_INLINE std::string PolicyScopes::text() const {
  return transport + ":" + (scopes.empty() ? std::string() : scopes.front());
}

STRATA_INLINE Policy Policy::parse(std::string_view text, std::string where) {
  Policy out;
  auto const document = detail::parse_host_document(text, where);
  for (auto const& [key, value] : detail::object_of(document, where)) {
    auto const place = where + ": " + std::string(key);
    if (key == "default") {
      out.standard_ = detail::read_requirements(value, place);
    } else if (key == "transports") {
      for (auto const& [name, scopes] : detail::object_of(value, place)) {
        std::string const transport(name);
        auto const below = place + "[\"" + transport + "\"]";
        auto& to = out.transports_[transport];
        for (auto const& [scope_key, requirements] : detail::object_of(scopes, below)) {
          std::string const scope(scope_key);
          if (!detail::is_scope(transport, scope))
            detail::refuse_policy(below, "\"" + scope + "\" is no scope of it");
          to.emplace(scope, detail::read_requirements(requirements, below + "[\"" + scope + "\"]"));
        }
      }
    } else {
      detail::refuse_policy(place, "not known in a policy");
    }
  }
  if (out.standard_.empty()) detail::refuse_policy(where, "has no default");
  out.where_ = std::move(where);
  return out;
}

STRATA_INLINE Policy Policy::read(fs::path const& path) {
  auto const text = detail::read_host_document(path);
  if (!text) {
    errno = ENOENT;
    sys::throw_errno("open", path);
  }
  return parse(*text, path.native());
}

STRATA_INLINE void Policy::check(PolicyScopes const& image) const {
  auto const* found = &standard_;
  std::string scope = "default";
  if (auto const transport = transports_.find(image.transport); transport != transports_.end()) {
    auto names = image.scopes;
    names.emplace_back();
    for (auto const& name : names)
      if (auto const entry = transport->second.find(name); entry != transport->second.end()) {
        found = &entry->second;
        scope = image.transport + " \"" + name + '"';
        break;
      }
  }
  for (auto const& type : *found) {
    if (type == detail::accepts_anything) continue;
    auto const why = type == detail::rejects ? std::string("rejects it")
                                             : "demands " + type + ", and signatures are not verified here";
    throw Error(Errc::image_forbidden, image.text() + ": " + where_ + " (" + scope + ") " + why);
  }
}

}  // namespace strata::oci
