#include <strata/error.hpp>
#include <strata/oci/copy_image.hpp>
#include <strata/oci/oci_layout.hpp>
#include <strata/oci/registry.hpp>
#include <strata/testing/image_destination_suite.hpp>
#include <strata/testing/image_source_suite.hpp>
#include <strata/testing/temp_dir.hpp>

#include <catch2/catch.hpp>

#include "fake_registry.hpp"
#include "oci_tools.hpp"
#include <thread>

using namespace strata;

namespace registry_tests {  // several files of tests are compiled as one

using fake_registry::Answer;
using fake_registry::Auth;
using fake_registry::error;
using fake_registry::MemoryTransport;
using fake_registry::Request;
using oci_tools::error_of;
using testing::sample_image;
using testing::SampleImage;
using testing::TempDir;
using FakeRegistry = oci::Registry<MemoryTransport>;

namespace {

/// A registry on the network, and all that a test may ask of it.
struct Fixture {
  MemoryTransport transport = {};
  fake_registry::Registry& fake = *transport.registry;
  std::vector<std::chrono::milliseconds> waits = {};
  oci::RegistryOptions options = {};

  Fixture() {
    options.clock.wait = [this](std::chrono::milliseconds wait, std::stop_token const&) {
      waits.push_back(wait);
    };
    fake.realm = "https://tokens.example/token";
  }

  FakeRegistry open(std::string const& name = "registry.example/team/tool:1") const {
    return {transport, oci::Reference::parse(name), options};
  }
  void with_user() {
    options.credentials = [this](oci::Reference const&) { return fake.user; };
  }
  SampleImage put(std::string const& tag = "1", std::size_t layer_bytes = 1000) {
    auto image = sample_image("image", 2, oci::Format::oci, layer_bytes);
    auto registry = open();
    testing::detail::put_blobs(registry, image);
    registry.put_manifest(tag, image.manifest);
    registry.finish();
    fake.forget();
    return image;
  }
  /// The fake answers so to what has this text in "METHOD target", `times` times.
  void answer(std::string const& text, Answer const& with, int times = 1'000'000) {
    fake.before = [text, with, times](Request const& request) mutable -> std::optional<Answer> {
      if ((request.method + ' ' + request.target).find(text) == std::string::npos || times == 0) return {};
      --times;
      return with;
    };
  }
};

std::string error_text(std::function<void()> const& call) {
  try {
    call();
  } catch (Error const& error) {
    return error.what();
  }
  return {};
}

bool has(std::string const& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("oci::Registry keeps the contracts of image sources and destinations", "[oci][registry]") {
  Fixture at;
  auto const open = [&](fs::path const&) { return at.open("registry.example/team/tool"); };
  auto const chunk = GENERATE(0U, 3'000'000U);
  at.options.chunk_bytes = chunk;
  testing::image_destination_suite<FakeRegistry, FakeRegistry>(open, open, {.first_name = "latest"});
  CHECK(at.fake.uploads.empty());
}

TEST_CASE("what an empty reference means in a registry", "[oci][registry]") {
  Fixture at;
  auto const image = at.put("1");
  CHECK(at.open().manifest("").bytes == image.manifest.bytes);
  // another image than the one that was named is never taken for it
  CHECK(error_of([&] { at.open("registry.example/team/tool:2").manifest(""); }, "which of 1") ==
        Errc::image_unknown);
  auto const digest = image.parsed().digest().str();
  CHECK(at.open("registry.example/team/tool@" + digest).manifest("").bytes == image.manifest.bytes);
  auto registry = at.open("registry.example/team/tool:3");
  registry.put_manifest("", image.manifest);
  registry.finish();
  CHECK(at.fake.tags["team/tool"].contains("3"));
  CHECK(error_of([&] { at.open("registry.example/team/tool:4").manifest(""); }, "1, 3") ==
        Errc::image_unknown);
  CHECK(error_of([&] { at.open("registry.example/none:4").manifest(""); }, "registry.example/none") ==
        Errc::image_unknown);
}

TEST_CASE("a manifest is asked for in all formats, and verified by its digest", "[oci][registry]") {
  Fixture at;
  auto const image = at.put();
  auto const registry = at.open();
  CHECK(registry.manifest("1").media_type == image.manifest.media_type);
  auto const accepted = at.fake.requests().back().headers.all("Accept");
  CHECK(accepted.size() == 4);
  auto const digest = image.parsed().digest().str();
  at.answer("manifests", Answer{.body = "{}"}.with("Docker-Content-Digest", digest));
  CHECK(error_of([&] { registry.manifest(digest); }, digest) == Errc::digest_mismatch);
  CHECK(error_of([&] { registry.manifest("a b"); }) == Errc::invalid_reference);
  CHECK(error_of([&] { registry.manifest("../../x"); }) == Errc::invalid_reference);
}

TEST_CASE("documents of a registry are bounded", "[oci][registry]") {
  Fixture at;
  at.put();
  at.options.documents.bytes = 5000;
  auto const registry = at.open();
  at.answer("manifests", {.body = std::string(1000, ' '), .is_endless = true});
  CHECK(error_of([&] { registry.manifest("1"); }, "registry.example/team/tool:1") == Errc::over_budget);
  at.answer("manifests", {.body = "{}", .length = 200'000'000});
  CHECK(error_of([&] { registry.manifest("1"); }) == Errc::over_budget);
  at.answer("tags", Answer{.body = R"({"tags":["a"]})"}.with("Link", "<list?n=1>; rel=\"next\""));
  CHECK(error_of([&] { registry.references(); }) == Errc::over_budget);  // for ever the same page
}

TEST_CASE("tags come in pages, and what is no tag is left out", "[oci][registry]") {
  Fixture at;
  at.fake.page = 2;
  auto const image = at.put("a");
  auto registry = at.open();
  for (auto const* const tag : {"b", "c", "d", "e"}) registry.put_manifest(tag, image.manifest);
  registry.finish();
  at.fake.forget();
  CHECK(registry.references() == std::vector<std::string>{"a", "b", "c", "d", "e"});
  CHECK(at.fake.count("tags/list") == 3);
  at.answer("tags", {.body = R"({"tags":["ok","../x","a b",""]})"});
  CHECK(registry.references() == std::vector<std::string>{"ok"});
  at.answer("tags", {.body = R"({"tags":null})"});
  CHECK(registry.references().empty());
  at.answer("tags", {.body = "<html>"});
  CHECK(error_of([&] { registry.references(); }, "tags of registry.example/team/tool") ==
        Errc::corrupt_document);
  at.answer("tags", Answer{.body = R"({"tags":[]})"}.with("Link", "<http://127.0.0.1/>; rel=next"));
  CHECK(error_of([&] { registry.references(); }) == Errc::unexpected_answer);
}

TEST_CASE("a blob that breaks off is resumed where it broke", "[oci][registry]") {
  Fixture at;
  auto const image = at.put("1", 100'000);
  auto const layer = image.parsed().layers().at(0);
  bool const knows_ranges = GENERATE(true, false);
  at.fake.knows_ranges = knows_ranges;
  int cuts = 3;
  at.fake.before = [&](Request const& request) -> std::optional<Answer> {
    if (request.method != "GET" || cuts == 0) return {};
    --cuts;
    auto const range = request.header("Range");
    auto const first = range.empty() || !knows_ranges ? 0 : std::stoull(range.substr(6));
    Answer out{.body = image.layers[0].substr(first)};
    out.cut = (knows_ranges ? 20'000 : 20'000 * static_cast<std::size_t>(3 - cuts)) + 7;
    if (!range.empty() && knows_ranges) {
      out.status = 206;
      auto const last = std::to_string(layer.size - 1);
      out.headers.add("Content-Range",
                      "bytes " + std::to_string(first) + '-' + last + '/' + std::to_string(layer.size));
    }
    return out;
  };
  CHECK(testing::read_all(at.open().blob(layer)) == image.layers[0]);
  CHECK(cuts == 0);
  auto const requests = at.fake.requests();
  REQUIRE(requests.size() == 4);
  CHECK(requests[0].header("Range").empty());
  CHECK(requests[1].header("Range") == "bytes=20007-" + std::to_string(layer.size - 1));
  CHECK(at.waits.size() == 3);
}

TEST_CASE("a blob that breaks off for ever is given up", "[oci][registry]") {
  Fixture at;
  auto const image = at.put("1", 100'000);
  auto const layer = image.parsed().layers().at(0);
  at.answer("blobs", {.body = image.layers[0], .cut = 100});
  auto const registry = at.open();
  CHECK(error_of([&] { testing::read_all(registry.blob(layer)); },
                 layer.digest.str() + " of registry.example/team/tool") == Errc::unavailable);
  CHECK(at.fake.requests().size() == 5);
}

TEST_CASE("wrong ranges and sizes of a blob", "[oci][registry]") {
  Fixture at;
  auto const image = at.put("1", 10'000);
  auto const layer = image.parsed().layers().at(0);
  auto const size = std::to_string(layer.size);
  auto const registry = at.open();
  auto const read = [&](ByteRange range) {
    return [&, range] { testing::read_all(registry.blob(layer, range)); };
  };
  auto const with = [&](std::string const& range, std::string body = "0123456789") {
    at.answer("blobs", Answer{.status = 206, .body = std::move(body)}.with("Content-Range", range));
  };
  with("bytes 0-9/" + size);
  CHECK(error_of(read({10, 10}), layer.digest.str()) == Errc::unexpected_answer);
  with("bytes 10-29/" + size);
  CHECK(error_of(read({10, 10})) == Errc::unexpected_answer);
  with("pages 10-19/" + size);
  CHECK(error_of(read({10, 10})) == Errc::unexpected_answer);
  with("bytes 10-19/1000000");
  CHECK(error_of(read({10, 10})) == Errc::digest_mismatch);
  at.answer("blobs", Answer{.status = 206, .body = "x"});
  CHECK(error_of(read({10, 10})) == Errc::unexpected_answer);
  at.answer("blobs", Answer{.status = 416});
  CHECK(error_of(read({10, 10})) == Errc::digest_mismatch);
  at.answer("blobs", {.body = image.layers[0] + "x"});
  CHECK(error_of(read({0, layer.size})) == Errc::digest_mismatch);
  at.answer("blobs", {.body = image.layers[0], .is_endless = true});
  CHECK(error_of(read({0, layer.size})) == Errc::digest_mismatch);
  at.answer("blobs", {.body = image.layers[0].substr(1)});
  CHECK(error_of(read({0, layer.size})) == Errc::digest_mismatch);
  at.answer("blobs", {.body = image.layers[0]});  // all of it, whatever the range
  CHECK(testing::read_all(registry.blob(layer, {10, 10})) == image.layers[0].substr(10, 10));
  CHECK(error_of(read({10, layer.size})) == Errc::digest_mismatch);
}

TEST_CASE("what may succeed is tried again, with waits that grow", "[oci][registry]") {
  Fixture at;
  auto const image = at.put();
  SECTION("a server that is out of order for a while") {
    auto const status = GENERATE(0, 429, 500, 502, 503, 504);
    at.answer("manifests", Answer{.status = status}, 3);
    CHECK(at.open().manifest("1").bytes == image.manifest.bytes);
    REQUIRE(at.waits.size() == 3);
    for (std::size_t i = 0; i < 3; ++i) {
      CHECK(at.waits[i].count() <= 500 << i);
      CHECK(at.waits[i].count() >= 250 << i);
    }
  }
  SECTION("and for ever") {
    at.answer("manifests", error(429, "TOOMANYREQUESTS", "slow \\u001b[31m down"));
    auto const registry = at.open();
    CHECK(error_of([&] { registry.manifest("1"); },
                   "registry.example/team/tool:1, status 429, TOOMANYREQUESTS, \"slow \\x1b[31m down\"") ==
          Errc::unavailable);
    CHECK(at.fake.count("manifests") == 5);
  }
  SECTION("a wait that the server asks for") {
    at.answer("manifests", Answer{.status = 429}.with("Retry-After", "7"), 1);
    at.open().manifest("1");
    CHECK(at.waits == std::vector<std::chrono::milliseconds>{std::chrono::seconds(7)});
  }
  SECTION("which is bounded") {
    at.answer("manifests", Answer{.status = 503}.with("Retry-After", "999999999"), 1);
    at.open().manifest("1");
    CHECK(at.waits == std::vector<std::chrono::milliseconds>{std::chrono::seconds(60)});
  }
  SECTION("a document that breaks off") {
    at.answer("manifests", {.body = image.manifest.bytes, .cut = 5}, 2);
    CHECK(at.open().manifest("1").bytes == image.manifest.bytes);
  }
  SECTION("until it is stopped") {
    std::stop_source stop;
    at.options.stop = stop.get_token();
    at.options.clock.wait = [&](auto, auto) { stop.request_stop(); };
    at.answer("manifests", Answer{.status = 503});
    auto const registry = at.open();
    CHECK(error_of([&] { registry.manifest("1"); }) == Errc::stopped);
    CHECK(at.fake.count("manifests") == 1);
  }
  SECTION("but not what will fail again") {
    at.answer("manifests", {.status = 400, .body = "<html><script>alert(1)</script></html>"});
    auto const registry = at.open();
    auto const text = error_text([&] { registry.manifest("1"); });
    CHECK(text == "manifest registry.example/team/tool:1, status 400: unexpected answer");
    CHECK(at.fake.count("manifests") == 1);
  }
}

TEST_CASE("redirects are followed only to where they may lead", "[oci][registry]") {
  Fixture at;
  auto const image = at.put();
  auto const layer = image.parsed().layers().at(0);
  at.fake.auth = Auth::basic;
  at.with_user();
  auto const to = [&](std::string const& where, int status = 307) {
    at.answer("team/tool/blobs", Answer{.status = status}.with("Location", where));
  };
  at.fake.blobs["cdn"] = at.fake.blobs["team/tool"];
  auto const elsewhere = "/v2/cdn/blobs/" + layer.digest.str();
  auto const registry = at.open();
  auto const read = [&] { return testing::read_all(registry.blob(layer)); };
  registry.manifest("1");  // with credentials from here on

  SECTION("on the same host, with credentials") {
    to(elsewhere, GENERATE(301, 302, 303, 307, 308));
    CHECK(read() == image.layers[0]);
    CHECK(!at.fake.requests().back().header("Authorization").empty());
  }
  SECTION("to another host, without") {
    to("https://cdn.example" + elsewhere + "?signature=hidden");
    CHECK(error_of(read, "status 401") == Errc::access_denied);
    CHECK(at.fake.requests().back().header("Authorization").empty());
    CHECK(!has(error_text([&] { read(); }), "hidden"));
    at.fake.auth = Auth::none;
    CHECK(read() == image.layers[0]);
    CHECK(at.fake.requests().back().header("Host") == "https://cdn.example");
  }
  SECTION("what another host wants to know is not told") {
    at.fake.before = [&](Request const& request) -> std::optional<Answer> {
      if (request.header("Host") == "https://registry.example")
        return Answer{.status = 302}.with("Location", "https://evil.example/x");
      return Answer{.status = 401}.with("WWW-Authenticate", "Bearer realm=\"https://evil.example/token\"");
    };
    CHECK(error_of(read) == Errc::access_denied);
    CHECK(at.fake.count("/token") == 0);
  }
  SECTION("never without TLS, to this machine or to files") {
    for (std::string const where : {"http://cdn.example/x",
                                    "http://registry.example/x",
                                    "file:///etc/passwd",
                                    "ftp://cdn.example/x",
                                    "https://127.0.0.1/x",
                                    "https://127.1/x",
                                    "https://2130706433/x",
                                    "https://0x7f000001/x",
                                    "https://[::1]/x",
                                    "https://[::ffff:127.0.0.1]/x",
                                    "https://localhost/x",
                                    "https://LOCALHOST./x",
                                    "https://a.localhost/x",
                                    "https://169.254.169.254/latest/meta-data",
                                    "https://[fe80::1]/x",
                                    "https://0.0.0.0/x",
                                    "https://user:hidden@cdn.example/x",
                                    "gopher:x",
                                    "https://",
                                    "https://cdn.example:0/",
                                    "https://a b/"}) {
      INFO(where);
      to(where);
      at.fake.forget();
      CHECK(error_of(read, layer.digest.str()) == Errc::unexpected_answer);
      CHECK(at.fake.requests().size() == 1);
      CHECK(!has(error_text([&] { read(); }), "hidden"));
    }
  }
  SECTION("not in circles") {
    to("/v2/team/tool/blobs/" + layer.digest.str());
    at.fake.forget();
    CHECK(error_of(read, "redirects") == Errc::unexpected_answer);
    CHECK(at.fake.requests().size() == 6);
  }
  SECTION("nor without a location") {
    at.answer("team/tool/blobs", {.status = 302});
    CHECK(error_of(read) == Errc::unexpected_answer);
  }
}

TEST_CASE("a registry on the loopback may lead to the loopback", "[oci][registry]") {
  Fixture at;
  auto const image = at.put();
  auto const layer = image.parsed().layers().at(0);
  at.fake.blobs["cdn"] = at.fake.blobs["team/tool"];
  auto const registry = at.open("localhost:5000/team/tool:1");
  at.answer("team/tool/blobs",
            Answer{.status = 307}.with("Location", "https://127.0.0.1:9/v2/cdn/blobs/" + layer.digest.str()));
  CHECK(testing::read_all(registry.blob(layer)) == image.layers[0]);
  at.answer("team/tool/blobs", Answer{.status = 307}.with("Location", "https://169.254.169.254/"));
  CHECK(error_of([&] { registry.blob(layer); }) == Errc::unexpected_answer);
}

TEST_CASE("basic credentials", "[oci][registry]") {
  Fixture at;
  auto const image = at.put();
  at.fake.auth = Auth::basic;
  SECTION("are sent when the registry wants them, and from then on") {
    int asked = 0;
    at.options.credentials = [&](oci::Reference const& of) {
      CHECK(of.str() == "registry.example/team/tool:1");
      ++asked;
      return at.fake.user;
    };
    auto const registry = at.open();
    registry.manifest("1");
    registry.manifest("1");
    CHECK(asked == 1);
    CHECK(at.fake.requests().size() == 3);
    CHECK(at.fake.requests()[0].header("Authorization").empty());
  }
  SECTION("that are wrong") {
    at.options.credentials = [](auto const&) {
      return oci::Credentials{.username = "me", .password = "wrong"};
    };
    auto const registry = at.open();
    CHECK(error_of([&] { registry.manifest("1"); },
                   "registry.example/team/tool:1, status 401, UNAUTHORIZED") == Errc::access_denied);
    CHECK(has(error_text([&] { registry.manifest("1"); }), "the credentials are refused"));
    CHECK(at.fake.requests().size() == 3);
  }
  SECTION("that there are none of") {
    auto const registry = at.open();
    CHECK(error_of([&] { registry.manifest("1"); }, "there are no credentials") == Errc::access_denied);
    CHECK(at.fake.requests().size() == 1);
  }
}

TEST_CASE("tokens", "[oci][registry]") {
  Fixture at;
  auto const image = at.put();
  at.fake.auth = Auth::bearer;
  at.with_user();
  auto now = std::chrono::steady_clock::now();
  at.options.clock.now = [&] { return now; };
  auto const registry = at.open();
  SECTION("are kept until they expire") {
    for (int i = 0; i < 3; ++i) CHECK(registry.manifest("1").bytes == image.manifest.bytes);
    testing::read_all(registry.blob(image.blobs()[1]));
    CHECK(at.fake.count("/token") == 1);
    CHECK(at.fake.count("GET /token?service=fake&scope=repository%3Ateam%2Ftool%3Apull&account=me") == 1);
    CHECK(at.fake.requests()[1].header("Host") == "https://tokens.example");
    now += std::chrono::seconds(301);
    registry.manifest("1");
    CHECK(at.fake.count("/token") == 2);
  }
  SECTION("are got anew when the registry no longer takes them") {
    registry.manifest("1");
    int refusals = 1;
    at.fake.before = [&](Request const& request) -> std::optional<Answer> {
      if (request.path() == "/token" || refusals-- <= 0) return {};
      return Answer{.status = 401}.with("WWW-Authenticate", "Bearer realm=\"https://tokens.example/token\"");
    };
    registry.manifest("1");
    CHECK(at.fake.count("/token") == 2);
  }
  SECTION("one for pushing has both rights") {
    auto copy = at.open();
    copy.put_manifest("2", image.manifest);
    copy.finish();
    CHECK(at.fake.count("scope=repository%3Ateam%2Ftool%3Apull%2Cpush") == 1);
  }
  SECTION("by an identity token") {
    at.fake.user = {.identity_token = "refresh"};
    registry.manifest("1");
    auto const asked = at.fake.requests()[1];
    CHECK(asked.method == "POST");
    CHECK(asked.body ==
          "grant_type=refresh_token&service=fake&client_id=strata&scope=repository%3Ateam%2Ftool%3Apull&"
          "refresh_token=refresh");
    CHECK(asked.header("Authorization").empty());
  }
  SECTION("by wrong credentials") {
    at.options.credentials = [](auto const&) {
      return oci::Credentials{.username = "me", .password = "wr0ng"};
    };
    auto const other = at.open();
    auto const text = error_text([&] { other.manifest("1"); });
    CHECK(text ==
          "manifest registry.example/team/tool:1, token of https://tokens.example, status 401, UNAUTHORIZED, "
          "\"who are you\", the credentials are refused: access denied");
  }
  SECTION("that the registry never takes") {
    at.answer("/v2/", Answer{.status = 401}.with("WWW-Authenticate",
                                                 "Bearer realm=\"https://tokens.example/token\""));
    CHECK(error_of([&] { registry.manifest("1"); }, "the credentials are refused") == Errc::access_denied);
    CHECK(at.fake.count("/v2/") == 3);
  }
  SECTION("from where they must not come from") {
    for (std::string const realm :
         {"http://tokens.example/token", "file:///token", "https://127.0.0.1/token", ""}) {
      INFO(realm);
      at.fake.realm = realm;
      auto const other = at.open();
      CHECK(error_of([&] { other.manifest("1"); }, "registry.example/team/tool:1") ==
            Errc::unexpected_answer);
      CHECK(at.fake.count("/token") == 0);
    }
  }
  SECTION("that are none") {
    auto const body =
        GENERATE("", "{}", "[]", "<html>", R"({"token":""})", R"({"token":5})", R"({"token":"a\r\nX: b"})");
    at.answer("/token", {.body = body});
    CHECK(error_of([&] { registry.manifest("1"); }) == Errc::unexpected_answer);
  }
  SECTION("of a server that is out of order are asked for as often as anything else") {
    at.answer("/token", Answer{.status = 503});
    CHECK(error_of([&] { registry.manifest("1"); }, "token of https://tokens.example") == Errc::unavailable);
    CHECK(at.fake.count("/token") == 5);
    CHECK(at.waits.size() == 4);
  }
  SECTION("by threads at once are got once") {
    std::vector<std::thread> threads;
    registry.manifest("1");
    now += std::chrono::seconds(301);
    for (int i = 0; i < 4; ++i) threads.emplace_back([&] { registry.manifest("1"); });
    for (auto& thread : threads) thread.join();
    CHECK(at.fake.count("/token") == 2);
  }
}

TEST_CASE("no error of a registry has a credential", "[oci][registry]") {
  Fixture at;
  at.put();
  at.with_user();
  at.fake.user.password = "pa55/word";
  auto const registry = at.open();
  SECTION("though the registry repeats what it got") {
    at.fake.auth = Auth::basic;
    at.fake.before = [](Request const& request) -> std::optional<Answer> {
      auto const given = request.header("Authorization");
      if (given.empty()) return {};
      return error(403, "DENIED", "not with " + given + " of pa55/word, pa55%2Fword");
    };
    auto const text = error_text([&] { registry.manifest("1"); });
    CHECK(has(text, "DENIED, \"not with Basic *** of ***, ***\""));
  }
  SECTION("nor a token") {
    at.fake.auth = Auth::bearer;
    at.fake.before = [](Request const& request) -> std::optional<Answer> {
      if (request.path() == "/token" || request.header("Authorization").empty()) return {};
      return error(400, "BAD", request.header("Authorization"));
    };
    CHECK(has(error_text([&] { registry.manifest("1"); }), "\"Bearer ***\""));
  }
}

TEST_CASE("pushing asks before it sends", "[oci][registry]") {
  Fixture at;
  auto const image = at.put();
  auto const blob = image.blobs()[1];
  auto registry = at.open();
  CHECK(registry.has_blob(blob));
  CHECK(at.fake.count("HEAD") == 1);
  auto other = at.open("registry.example/team/other");
  CHECK(!other.has_blob(blob));
  SECTION("a blob of another repository is taken from there") {
    at.options.mount_from = {"no/such", "team/tool"};
    auto mounting = at.open("registry.example/team/other");
    mounting.put_blob(blob, memory_source("nobody reads this"));
    CHECK(mounting.has_blob(blob));
    CHECK(at.fake.uploads.empty());
    CHECK(at.fake.blobs["team/other"].at(blob.digest.str()) == image.layers[0]);
  }
  SECTION("or sent, if the registry does not do that") {
    at.options.mount_from = {"team/tool"};
    at.fake.mounts = false;
    auto mounting = at.open("registry.example/team/other");
    mounting.put_blob(blob, memory_source(image.layers[0]));
    CHECK(at.fake.count("POST") == 1);
    CHECK(at.fake.blobs["team/other"].at(blob.digest.str()) == image.layers[0]);
  }
  SECTION("to a location that is a complete URL") {
    at.fake.before = [&](Request const& request) -> std::optional<Answer> {
      if (request.method != "POST") return {};
      at.fake.uploads["mine"] = {};
      return Answer{.status = 202}.with("Location",
                                        "https://uploads.example/v2/team/other/blobs/uploads/mine");
    };
    other.put_blob(blob, memory_source(image.layers[0]));
    CHECK(at.fake.requests().back().header("Host") == "https://uploads.example");
  }
  SECTION("to a location that is relative to the request") {
    for (std::string const where : {"mine", "mine?state=x", "../uploads/mine#part", "./mine"}) {
      INFO(where);
      at.fake.blobs["team/other"].clear();
      at.fake.before = [&](Request const& request) -> std::optional<Answer> {
        if (request.method == "POST") {
          at.fake.uploads["mine"] = {};
          return Answer{.status = 202}.with("Location", where);
        }
        if (request.method != "PUT") return {};
        auto const path = request.target.substr(0, request.target.find('?'));
        CHECK(path == "/v2/team/other/blobs/uploads/" + where.substr(0, where.find_first_of("?#")));
        CHECK_FALSE(request.query("digest").empty());
        return Answer{.status = 201};
      };
      other.put_blob(blob, memory_source(image.layers[0]));
    }
  }
  SECTION("but not to any") {
    for (std::string const where : {"http://uploads.example/x", "https://127.0.0.1/x", "file:///x", ""}) {
      INFO(where);
      at.answer("POST", Answer{.status = 202}.with("Location", where));
      CHECK(error_of([&] { other.put_blob(blob, memory_source(image.layers[0])); }, blob.digest.str()) ==
            Errc::unexpected_answer);
    }
    at.answer("POST", Answer{.status = 202});
    CHECK(error_of([&] { other.put_blob(blob, memory_source(image.layers[0])); }) == Errc::unexpected_answer);
  }
  SECTION("a commit of which the answer was lost") {
    at.fake.before = [&](Request const& request) -> std::optional<Answer> {
      if (request.method != "PUT" || at.fake.blobs["team/other"].contains(blob.digest.str())) return {};
      at.fake.blobs["team/other"][blob.digest.str()] = request.body;
      at.fake.uploads.clear();
      return Answer{.status = 0};
    };
    other.put_blob(blob, memory_source(image.layers[0]));
    CHECK(other.has_blob(blob));
  }
  SECTION("a registry that does not want it") {
    at.answer("PUT", error(413, "TOO_LARGE", "quota"));
    CHECK(error_of([&] { other.put_blob(blob, memory_source(image.layers[0])); },
                   "413, TOO_LARGE, \"quota\"") == Errc::unexpected_answer);
    CHECK(at.fake.uploads.empty());
    CHECK(!other.has_blob(blob));
  }
}

TEST_CASE("chunks of a blob that did not arrive are sent again", "[oci][registry]") {
  Fixture at;
  auto const image = sample_image("large", 1, oci::Format::oci, 5'000'000);
  auto const blob = image.blobs()[1];
  at.options.chunk_bytes = 1'500'000;
  auto registry = at.open();
  int failures = 3;
  at.fake.before = [&](Request const& request) -> std::optional<Answer> {
    if (request.method != "PATCH" || failures == 0) return {};
    --failures;
    if (at.fake.uploads.empty()) return {};
    auto& arrived = at.fake.uploads.begin()->second;
    if (std::to_string(arrived.size()) !=
        request.header("Content-Range").substr(0, std::to_string(arrived.size()).size()))
      return {};
    arrived += request.body.substr(0, 300'000);  // and no answer
    return Answer{.status = failures == 1 ? 503 : 0};
  };
  registry.put_blob(blob, memory_source(image.layers[0]));
  CHECK(at.fake.blobs["team/tool"].at(blob.digest.str()) == image.layers[0]);
  CHECK(failures == 0);
  CHECK(at.fake.count("PATCH") == 7);
}

TEST_CASE("a registry without TLS is spoken to only if that is allowed", "[oci][registry]") {
  Fixture at;
  auto const image = at.put();
  auto const without_tls = [&](oci::HttpRequest request) {
    if (request.url.starts_with("https:")) throw Error(Errc::tls_failed, "the fake connection");
    return at.transport.send(std::move(request));
  };
  auto const name = oci::Reference::parse("registry.example/team/tool:1");
  oci::RegistryRepository const strict(without_tls, name, at.options);
  CHECK(error_of([&] { strict.manifest("1"); }, "registry.example/team/tool:1") == Errc::tls_failed);
  at.options.verify_tls = false;
  oci::RegistryRepository const lax(without_tls, name, at.options);
  CHECK(lax.manifest("1").bytes == image.manifest.bytes);
}

TEST_CASE("docker.io is found where it is, and asked for by its name", "[oci][registry]") {
  Fixture at;
  at.fake.auth = Auth::basic;
  std::string asked;
  at.options.credentials = [&](oci::Reference const& of) {
    asked = of.str();
    return std::nullopt;
  };
  auto const registry = at.open("debian");
  CHECK(error_of([&] { registry.manifest(""); }, "docker.io/library/debian:latest") == Errc::access_denied);
  CHECK(at.transport.urls->back() == "https://registry-1.docker.io/v2/library/debian/manifests/latest");
  CHECK(asked == "docker.io/library/debian:latest");
}

TEST_CASE("images are copied from and to registries", "[oci][registry]") {
  Fixture at;
  auto const image = at.put();
  TempDir const place;
  auto source = at.open();
  oci::OciLayout layout(place / "layout", Flush::none);
  oci::copy_image(source, layout, {.reference = "1", .name = "one"});
  layout.finish();
  auto mirror = at.open("mirror.example/tool");
  oci::copy_image(layout, mirror, {.reference = "one", .name = "2"});
  CHECK(error_of([&] { mirror.manifest("2"); }) == Errc::image_unknown);
  mirror.finish();
  CHECK(mirror.manifest("2").bytes == image.manifest.bytes);
  at.fake.forget();
  oci::copy_image(source, mirror, {.reference = "1", .name = "3"});
  mirror.finish();
  CHECK(at.fake.count("PUT") == 1);  // the blobs are there
  CHECK(at.fake.blobs["tool"] == at.fake.blobs["team/tool"]);
}

}  // namespace registry_tests
