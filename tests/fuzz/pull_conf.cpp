// Invariant: any bytes as a file of credentials, a policy or a registries.conf are one or are refused as a configuration;
// what is read gives the same answers each time; a policy lets nothing through that it does not say so of; an image has a
// place to come from unless its registry is blocked; and no helper is asked that the file does not name.

#include <strata/conf/registries.hpp>
#include <strata/oci/auth_file.hpp>
#include <strata/oci/policy.hpp>

#include "fuzz.hpp"
#include <string>
#include <sys/mman.h>
#include <unistd.h>
#include <vector>

using namespace strata;

namespace {

std::vector<oci::Reference> const& references() {
  static std::vector<oci::Reference> const all{
      oci::Reference::parse("a.b/c/d:1"), oci::Reference::parse("debian"),
      oci::Reference::parse(
          "a.b:5/c@sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824")};
  return all;
}

void look_at_credentials(std::string_view text, oci::AuthFormat format) {
  auto const file = oci::AuthFile::parse(text, "auth.json", format);
  std::vector<std::string> asked;
  auto const ask = [&](std::string const& name,
                       std::string const& server) -> std::optional<oci::Credentials> {
    asked.push_back(name);
    fuzz::require(server == "https://index.docker.io/v1/" || server == "a.b" || server == "a.b:5" ||
                      server == "docker.io",
                  "a server that the reference is of");
    return oci::Credentials{.username = "u", .password = "p"};
  };
  for (auto const& reference : references()) {
    auto const find = [&]() -> std::string {
      std::string out;
      fuzz::outcome({Errc::configuration}, [&] {
        if (auto const found = file.find(reference, ask)) {
          fuzz::require(
              !found->identity_token.empty() || (!found->username.empty() && !found->password.empty()),
              "credentials are complete");
          out = found->username + '\0' + found->password + '\0' + found->identity_token;
        }
      });
      return out;
    };
    fuzz::require(find() == find(), "the same twice");
  }
  if (text.find('\\') == std::string_view::npos)
    for (auto const& name : asked)
      fuzz::require(text.find(name) != std::string_view::npos, "a helper that is named");
}

void look_at_policy(std::string_view text) {
  auto const policy = oci::Policy::parse(text, "policy.json");
  bool const says_so = text.find("insecureAcceptAnything") != std::string_view::npos ||
                       text.find('\\') != std::string_view::npos;  // perhaps in other letters
  auto const allows = [&](oci::PolicyScopes const& scopes) {
    return !fuzz::outcome({Errc::image_forbidden}, [&] { policy.check(scopes); });
  };
  for (auto const& reference : references())
    for (auto const& scopes : {oci::PolicyScopes::of(reference), oci::PolicyScopes::of_docker_archive(),
                               oci::PolicyScopes::of_store("overlay", "/g", reference, "01")}) {
      fuzz::require(!allows(scopes) || says_so, "what is not accepted is refused");
      fuzz::require(allows(scopes) == allows(scopes), "the same twice");
    }
}

/// A file in memory, with a path.
std::string const& file_of(std::string_view text) {
  static int const fd = ::memfd_create("registries.conf", MFD_CLOEXEC);
  static std::string const path = "/proc/self/fd/" + std::to_string(fd);
  fuzz::require(::ftruncate(fd, 0) == 0, "memfd");
  fuzz::require(::pwrite(fd, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()), "memfd");
  return path;
}

void look_at_registries(std::string_view text) {
  auto const registries = conf::Registries::load({.system = "/nonexistent"}, file_of(text));
  for (auto const& reference : references()) {
    auto const* const rule = registries.find_rule(reference);
    auto const code = fuzz::outcome({Errc::image_forbidden, Errc::configuration}, [&] {
      auto const sources = registries.sources_of(reference);
      fuzz::require(!sources.empty(), "an image has a place to come from");
      if (rule == nullptr)
        fuzz::require(sources.size() == 1 && sources[0].reference == reference && !sources[0].insecure,
                      "no rule changes nothing");
      for (auto const& source : sources)
        fuzz::require(
            source.reference.digest() == reference.digest() && source.reference.tag() == reference.tag(),
            "the same image");
    });
    fuzz::require((code == Errc::image_forbidden) == (rule != nullptr && rule->blocked),
                  "blocked is blocked");
  }
  for (auto const* name : {"x", "c/d:1", "a.b/c"})
    fuzz::outcome({Errc::invalid_reference}, [&] {
      auto const found = registries.candidates(name);
      fuzz::require(found == registries.candidates(name) && !found.empty(), "the same twice");
    });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  fuzz::Input input(data, size);
  auto const kind = input.choice(4);
  fuzz::outcome({Errc::configuration, Errc::over_budget}, [&] {
    if (kind < 2)
      look_at_credentials(input.text(), kind == 0 ? oci::AuthFormat::current : oci::AuthFormat::legacy);
    else if (kind == 2)
      look_at_policy(input.text());
    else
      look_at_registries(input.text());
  });
  return 0;
}
