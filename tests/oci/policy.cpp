#include <strata/error.hpp>
#include <strata/oci/policy.hpp>
#include <strata/sys/file.hpp>
#include <strata/testing/temp_dir.hpp>

#include <catch2/catch.hpp>

#include "oci_tools.hpp"
#include <cerrno>
#include <cstdlib>
#include <string>
#include <unistd.h>
#include <vector>

using namespace strata;

namespace policy_tests {

using oci::Policy;
using oci::PolicyScopes;
using oci::Reference;
using oci_tools::error_of;

namespace {

std::string const anything = R"([{"type":"insecureAcceptAnything"}])";
std::string const nothing = R"([{"type":"reject"}])";
std::string const is_signed = R"([{"type":"signedBy","keyType":"GPGKeys","keyPath":"/key"}])";

std::string policy(std::string const& standard, std::string const& transports = "") {
  return R"({"default":)" + standard + (transports.empty() ? "" : R"(,"transports":{)" + transports + "}") +
         "}";
}

std::string docker(std::string const& scope, std::string const& requirements) {
  return R"("docker":{")" + scope + R"(":)" + requirements + "}";
}

bool allows(std::string const& text, PolicyScopes const& image) {
  auto const code = error_of([&] { Policy::parse(text, "policy.json").check(image); }, "policy.json");
  CHECK((!code || code == Errc::image_forbidden));
  return !code;
}

bool allows(std::string const& text, std::string const& reference) {
  return allows(text, PolicyScopes::of(Reference::parse(reference)));
}

/// Policies that are refused as a whole.
std::vector<std::string> const wrong = {
    "",
    "[]",
    "{}",
    R"({"default":[]})",
    R"({"default":null})",
    R"({"default":{}})",
    R"({"Default":)" + anything + "}",
    R"({"default":)" + anything + R"(,"x":1})",
    R"({"default":)" + anything + R"(,"default":)" + anything + "}",
    R"({"default":)" + anything + R"(,"transports":null})",
    policy(anything) + "x",
    R"({"default":[{"type":"insecureAcceptAnything","x":1}]})",
    R"({"default":[{"type":"signedBy","keyType":"GPGKeys","keyPath":"/x","x":1}]})",
    R"({"default":[{"type":"insecureAcceptAnything","":1}]})",
    R"({"default":[{"type":"unheardOf"}]})",
    R"({"default":[{}]})",
    R"({"default":["reject"]})",
    policy(anything, R"("other":{"any scope":[]})"),
    policy(anything, R"("dir":{"relative":)" + nothing + "}"),
    policy(anything, R"("dir":{"/":)" + nothing + "}"),
    policy(anything, R"("oci":{"/a/":)" + nothing + "}"),
    policy(anything, R"("oci-archive":{"/a/../b":)" + nothing + "}"),
    policy(anything, R"("docker-archive":{"x":)" + nothing + "}"),
    policy(anything, R"("containers-storage":{"name":)" + nothing + "}"),
    policy(anything, R"("containers-storage":{"[overlay]":)" + nothing + "}"),
};

/// Policies that are taken, whatever they say of an image.
std::vector<std::string> const right = {
    policy(anything),
    policy(nothing),
    policy(is_signed),
    policy(anything, R"("other":{"any scope":)" + nothing + "}"),
    policy(anything, R"("docker":{"":)" + nothing + R"(,"any scope":)" + nothing + "}"),
    policy(anything, R"("dir":{"/a":)" + nothing + "}"),
    policy(anything, R"("containers-storage":{"[overlay@/a]":)" + nothing + R"(,"[/a]":)" + nothing + "}"),
    policy(R"([{"type":"sigstoreSigned","keyPath":"/key"}])"),
};

/// A directory with an image in it, as skopeo's `dir:` has it, that skopeo is asked to copy under a policy.
struct Skopeo {
  testing::TempDir dir = {};
  std::string image = (dir / "image").native();

  Skopeo() {
    fs::create_directory(image);
    sys::replace_file(image + "/version", "Directory Transport Version: 1.1\n");
    sys::replace_file(
        image + "/manifest.json",
        R"({"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2},"layers":[]})");
    sys::replace_file(image + "/44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a", "{}");
  }

  bool run(std::string const& words) const {
    return std::system(("cd " + dir.path().native() + " && { " + words + "; } >/dev/null 2>&1").c_str()) == 0;
  }
  /// True if it copies `source` under the policy.
  bool takes(std::string const& text, std::string const& source) const {
    sys::replace_file(dir / "policy.json", text);
    return run("rm -rf out && skopeo --policy policy.json copy --src-tls-verify=false -q " + source +
               " dir:out");
  }
};

/// A registry on the loopback, which ends with this.
class DockerRegistry {
 public:
  explicit DockerRegistry(Skopeo const& skopeo) : skopeo_(skopeo) {
    for (int attempt = 0; attempt < 5; ++attempt) {
      host_ = "127.0.0.1:" + std::to_string(20'000 + (::getpid() * 7 + attempt * 1009) % 30'000);
      sys::replace_file(skopeo.dir / "registry.yml", "version: 0.1\nstorage: {filesystem: {rootdirectory: " +
                                                         (skopeo.dir / "registry").native() +
                                                         "}}\nhttp: {addr: '" + host_ + "'}\n");
      skopeo.run("docker-registry serve registry.yml & echo $! >pid");
      for (int look = 0; look < 20 && !pushed_; ++look) {
        pushed_ = skopeo.run(
            "sleep 0.2; kill -0 $(cat pid) && skopeo --insecure-policy copy --dest-tls-verify=false -q "
            "dir:image docker://" +
            host_ + "/ns/x:1");
      }
      if (pushed_) return;
      stop();
    }
  }
  DockerRegistry(DockerRegistry&&) = delete;
  DockerRegistry& operator=(DockerRegistry&&) = delete;
  ~DockerRegistry() { stop(); }

  /// True if it runs and has the image "/ns/x:1".
  bool has_image() const noexcept { return pushed_; }
  std::string const& host() const noexcept { return host_; }

 private:
  void stop() const { skopeo_.run("kill $(cat pid)"); }

  Skopeo const& skopeo_;
  std::string host_ = {};
  bool pushed_ = false;
};

bool is_installed(char const* program) {
  if (std::system((std::string("command -v ") + program + " >/dev/null").c_str()) == 0) return true;
  WARN(program << " is not installed");
  return false;
}

}  // namespace

TEST_CASE("a policy: only what accepts anything lets an image through", "[oci][policy]") {
  CHECK(allows(policy(anything), "debian"));
  CHECK_FALSE(allows(policy(nothing), "debian"));
  CHECK_FALSE(allows(policy(R"([{"type":"insecureAcceptAnything"},{"type":"reject"}])"), "debian"));
  for (
      auto const& requirement :
      {is_signed, std::string(R"([{"type":"sigstoreSigned","keyPath":"/key"}])"),
       std::string(
           R"([{"type":"insecureAcceptAnything"},{"type":"signedBy","keyType":"GPGKeys","keyPath":"/key"}])")})
    CHECK(error_of(
              [&] {
                Policy::parse(policy(requirement), "p").check(PolicyScopes::of(Reference::parse("debian")));
              },
              "docker:docker.io/library/debian:latest: p (default) demands sig") == Errc::image_forbidden);
  CHECK(error_of([] { Policy::parse(policy(is_signed), "p").check(PolicyScopes::of_docker_archive()); },
                 "signatures are not verified here") == Errc::image_forbidden);
  CHECK(Error(Errc::image_forbidden, "").code() == std::errc::permission_denied);
}

TEST_CASE("a policy: the most specific scope counts", "[oci][policy]") {
  std::string const digest = "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
  for (auto const* scope :
       {"a.r.io:5000/ns/x:1", "a.r.io:5000/ns/x", "a.r.io:5000/ns", "a.r.io:5000", "*.r.io", "*.io", ""}) {
    INFO(scope);
    CHECK_FALSE(allows(policy(anything, docker(scope, nothing)), "a.r.io:5000/ns/x:1"));
    CHECK(allows(policy(nothing, docker(scope, anything)), "a.r.io:5000/ns/x:1"));
  }
  for (auto const* scope :
       {"a.r.io:5000/ns/x:2", "a.r.io:5000/n", "r.io:5000", "*.a.r.io", "*.r.io:5000", "*", "a.r.io"}) {
    INFO(scope);
    CHECK(allows(policy(anything, docker(scope, nothing)), "a.r.io:5000/ns/x:1"));
  }
  CHECK_FALSE(allows(policy(anything, docker("r.io/x@" + digest, nothing)), "r.io/x:1@" + digest));
  CHECK(allows(policy(anything, docker("r.io/x:1", nothing)), "r.io/x:1@" + digest));
  CHECK(
      allows(policy(nothing, R"("docker":{"r.io":)" + nothing + R"(,"r.io/x":)" + anything + "}"), "r.io/x"));
  CHECK(allows(policy(anything, R"("oci":{"":)" + nothing + "}"), "r.io/x"));
}

TEST_CASE("a policy: scopes of paths and stores", "[oci][policy]") {
  testing::TempDir const dir;
  auto const real = fs::canonical(dir.path()).native();
  fs::create_directory(dir / "image");
  fs::create_symlink("image", dir / "link");
  auto const of_link = PolicyScopes::of_path("dir", dir / "link");
  CHECK(of_link.scopes.front() == real + "/image");
  CHECK(of_link.scopes[1] == real);
  CHECK(of_link.scopes.back().rfind('/') == 0);
  CHECK(of_link.text() == "dir:" + real + "/image");
  CHECK(PolicyScopes::of_path("dir", "/").scopes.empty());
  CHECK(error_of([&] { PolicyScopes::of_path("dir", dir / "none"); }) == oci_tools::system(ENOENT));
  CHECK(PolicyScopes::of_store("overlay", "/g", Reference::parse("r.io/ns/x:1"), "01").scopes ==
        std::vector<std::string>{"[overlay@/g]r.io/ns/x:1@01", "[overlay@/g]r.io/ns/x:1",
                                 "[overlay@/g]r.io/ns/x", "[overlay@/g]r.io/ns", "[overlay@/g]r.io",
                                 "[overlay@/g]", "[/g]"});
  CHECK(PolicyScopes::of_store("overlay", "/g", {}, "01").scopes ==
        std::vector<std::string>{"[overlay@/g]@01", "[overlay@/g]", "[/g]"});
}

TEST_CASE("a policy that is not understood is refused as a whole", "[oci][policy]") {
  for (auto const& text : wrong) {
    INFO(text);
    CHECK(error_of([&] { Policy::parse(text, "policy.json"); }, "policy.json") == Errc::configuration);
  }
  for (auto const& text : right) {
    INFO(text);
    CHECK_FALSE(error_of([&] { Policy::parse(text, "policy.json"); }));
  }
  CHECK(error_of([] { Policy::parse(std::string(100'000, '['), "p"); }) == Errc::over_budget);
  CHECK(error_of([] { Policy::read("/dev/zero"); }) == Errc::over_budget);
  testing::TempDir const dir;
  CHECK(error_of([&] { Policy::read(dir / "none"); }, "open " + (dir / "none").native()) ==
        oci_tools::system(ENOENT));
}

TEST_CASE("skopeo takes and refuses the same policies", "[oci][policy][skopeo]") {
  if (!is_installed("skopeo")) return;
  Skopeo const skopeo;
  fs::create_symlink("image", skopeo.dir / "link");
  auto const real = fs::canonical(skopeo.image).native();
  auto of_scopes = right;
  for (auto const& scope :
       {real, real + "/x", fs::path(real).parent_path().native(), std::string("/none"), std::string()}) {
    of_scopes.push_back(policy(anything, R"("dir":{")" + scope + R"(":)" + nothing + "}"));
    of_scopes.push_back(policy(nothing, R"("dir":{")" + scope + R"(":)" + anything + "}"));
    of_scopes.push_back(policy(anything, R"("oci":{")" + scope + R"(":)" + nothing + "}"));
  }
  for (auto const& text : of_scopes) {
    INFO(text);
    CHECK(skopeo.takes(text, "dir:link") == allows(text, PolicyScopes::of_path("dir", skopeo.dir / "link")));
  }
  for (auto const& text : wrong) {
    INFO(text);
    CHECK_FALSE(skopeo.takes(text, "dir:image"));
  }
}

TEST_CASE("skopeo has the same scopes for images of a registry", "[oci][policy][skopeo]") {
  if (!is_installed("skopeo") || !is_installed("docker-registry")) return;
  Skopeo const skopeo;
  DockerRegistry const registry(skopeo);
  REQUIRE(registry.has_image());
  auto const& host = registry.host();
  auto const port = host.substr(host.find(':'));
  auto const digest = Digest::of(as_bytes(sys::read_file(skopeo.image + "/manifest.json"))).str();
  for (auto const& scope :
       {host + "/ns/x:1", host + "/ns/x@" + digest, host + "/ns/x", host + "/ns", host + "/n", host,
        std::string("127.0.0.1"), std::string("*.0.0.1"), std::string("*.0.1"), std::string("*.1"),
        "*.0.0.1" + port, std::string("*.127.0.0.1"), std::string("*"), std::string()})
    for (auto const& reference : {host + "/ns/x:1", host + "/ns/x@" + digest}) {
      auto const text = policy(anything, docker(scope, nothing));
      INFO(text << ' ' << reference);
      CHECK(skopeo.takes(text, "docker://" + reference) == allows(text, reference));
    }
}

}  // namespace policy_tests
