#include <strata/error.hpp>
#include <strata/oci/copy_image.hpp>
#include <strata/oci/curl_transport.hpp>
#include <strata/oci/oci_layout.hpp>
#include <strata/oci/registry.hpp>
#include <strata/sys/stream.hpp>
#include <strata/testing/image_destination_suite.hpp>
#include <strata/testing/image_source_suite.hpp>
#include <strata/testing/temp_dir.hpp>

#include <catch2/catch.hpp>

#include "fake_server.hpp"
#include "oci_tools.hpp"

using namespace strata;
using namespace std::chrono_literals;

namespace curl_transport_tests {  // several files of tests are compiled as one

using fake_registry::Answer;
using fake_registry::Request;
using oci::CurlTransport;
using oci::HttpRequest;
using oci_tools::error_of;
using testing::read_all;
using CurlRegistry = oci::Registry<CurlTransport>;

namespace {

struct Fixture {
  std::shared_ptr<fake_registry::Registry> registry = std::make_shared<fake_registry::Registry>();
  fake_registry::Registry& fake = *registry;
  fake_registry::Server server{registry};
  CurlTransport transport = {};
  oci::RegistryOptions options = {.verify_tls = false, .retry = {.first_wait = 1ms}};

  CurlRegistry open(std::string const& repository = "/team/tool:1") const {
    return {transport, oci::Reference::parse(server.address() + repository), options};
  }
  /// Each request gets this.
  void answer(Answer const& with) {
    fake.before = [with](Request const&) { return std::optional(with); };
  }
  oci::HttpResponse get(oci::HttpPolicy policy = {}) {
    return transport.send({.url = server.url() + "/x", .policy = std::move(policy)});
  }
};

}  // namespace

TEST_CASE("oci::Registry keeps its contracts over libcurl", "[oci][curl_transport]") {
  Fixture at;
  auto const open = [&](fs::path const&) { return at.open("/team/tool"); };
  testing::image_destination_suite<CurlRegistry, CurlRegistry>(open, open, {.first_name = "latest"});
}

TEST_CASE("requests and answers of libcurl", "[oci][curl_transport]") {
  Fixture at;
  at.answer(
      Answer{.status = 418, .body = std::string(3'000'000, 'x')}.with("X-Two", "1").with("x-two", " 2 "));
  HttpRequest request{.method = "PATCH", .url = at.server.url() + "/x?y=z"};
  request.headers.add("Content-Range", "0-9");
  request.body = memory_source("0123456789");
  request.body_size = 10;
  auto response = at.transport.send(std::move(request));
  CHECK(response.status == 418);
  CHECK(response.headers.all("X-TWO") == std::vector<std::string_view>{"1", "2"});
  CHECK(read_all(std::move(response.body)).size() == 3'000'000);
  auto const seen = at.fake.requests().at(0);
  CHECK(seen.method == "PATCH");
  CHECK(seen.target == "/x?y=z");
  CHECK(seen.body == "0123456789");
  CHECK(seen.header("Content-Range") == "0-9");
  CHECK(seen.header("Content-Length") == "10");
  CHECK(seen.header("User-Agent").starts_with("strata/"));
  CHECK(seen.header("Expect").empty());
  CHECK(seen.header("Authorization").empty());
}

TEST_CASE("libcurl sends each method as it is", "[oci][curl_transport]") {
  Fixture at;
  at.answer({.body = "body"});
  for (std::string const method : {"GET", "HEAD", "DELETE", "POST", "PUT"}) {
    HttpRequest request{.method = method, .url = at.server.url() + "/x"};
    if (method.starts_with('P')) request.body = memory_source("");
    if (method.starts_with('P')) request.body_size = 0;
    auto response = at.transport.send(std::move(request));
    CHECK(read_all(std::move(response.body)) == (method == "HEAD" ? "" : "body"));
    CHECK(at.fake.requests().back().method == method);
    CHECK(at.fake.requests().back().header("Content-Length") == (method.starts_with('P') ? "0" : ""));
  }
  CHECK(at.server.connections() == 1);  // which is kept
}

TEST_CASE("a connection is used again, unless its answer was left", "[oci][curl_transport]") {
  Fixture at;
  at.answer({.body = std::string(10'000'000, 'x')});
  for (int i = 0; i < 3; ++i) CHECK(read_all(at.get().body).size() == 10'000'000);
  CHECK(at.server.connections() == 1);
  { auto const left = at.get(); }
  CHECK(read_all(at.get().body).size() == 10'000'000);
  CHECK(at.server.connections() == 2);
  auto first = at.get();
  auto second = at.get();  // at once
  CHECK(read_all(std::move(first.body)) == read_all(std::move(second.body)));
  CHECK(at.server.connections() == 3);
}

TEST_CASE("an answer that nobody reads waits", "[oci][curl_transport]") {
  Fixture at;
  at.answer({.body = std::string(1'000'000, 'x'), .is_endless = true});
  auto response = at.get();
  for (std::size_t size = 0; size < 50'000'000;) {
    auto const part = response.body.next();
    REQUIRE(!part.empty());
    CHECK(part.size() <= 2'000'000);
    size += part.size();
  }
}

TEST_CASE("what libcurl cannot get", "[oci][curl_transport]") {
  Fixture at;
  SECTION("a body that breaks off") {
    at.answer({.body = std::string(1000, 'x'), .cut = 500});
    auto response = at.get();
    CHECK(response.body.next().size() == 500);
    CHECK(error_of([&] { response.body.next(); }, at.server.address()) == Errc::unavailable);
  }
  SECTION("a server that closes") {
    at.answer({.status = 0});
    CHECK(error_of([&] { at.get(); }) == Errc::unavailable);
  }
  SECTION("headers that break off") {
    at.answer({.raw = "HTTP/1.1 200 OK\r\nContent-Le"});
    CHECK(error_of([&] { at.get(); }) == Errc::unavailable);
  }
  SECTION("a server that does not speak HTTP") {
    at.answer({.raw = "SSH-2.0-OpenSSH_9.2\r\n\r\n"});
    CHECK(error_of([&] { at.get(); }) == Errc::unexpected_answer);
  }
  SECTION("headers without an end") {
    at.answer({.raw = "HTTP/1.1 200 OK\r\n" + [] {
      std::string lines;
      for (int i = 0; i < 100'000; ++i) lines += "X: y\r\n";
      return lines;
    }()});
    CHECK(error_of([&] { at.get(); }) == Errc::over_budget);
  }
  SECTION("a server that says nothing") {
    at.answer({.body = "x", .pause = 3000});
    auto response = at.get({.stall_timeout = 1s});
    CHECK(error_of([&] { response.body.next(); }) == Errc::unavailable);
  }
  SECTION("in the time that there is") {
    at.answer({.body = "x", .pause = 3000});
    auto response = at.get({.total_timeout = 1s});
    CHECK(error_of([&] { response.body.next(); }) == Errc::unavailable);
  }
  SECTION("before it was stopped") {
    at.answer({.body = "x", .pause = 3000});
    std::stop_source stop;
    auto response = at.get({.stop = stop.get_token()});
    stop.request_stop();
    CHECK(error_of([&] { response.body.next(); }) == Errc::stopped);
  }
  SECTION("TLS of a server that has none") {
    auto const url = "https://" + at.server.address() + "/";
    CHECK(error_of([&] { at.transport.send({.url = url}); }) == Errc::tls_failed);
  }
  SECTION("from nobody") {
    CHECK(error_of([&] { at.transport.send({.url = "http://127.0.0.1:1/"}); }, "127.0.0.1:1") ==
          Errc::unavailable);
  }
  SECTION("by another protocol") {
    CHECK(error_of([&] { at.transport.send({.url = "file:///etc/passwd"}); }) == Errc::unexpected_answer);
  }
  SECTION("from this machine, if that is refused") {
    CHECK(error_of([&] { at.get({.refuse_local = true}); }) == Errc::unexpected_answer);
    CHECK(at.fake.requests().empty());
  }
  SECTION("because of what it sends") {
    HttpRequest request{.method = "PUT", .url = at.server.url() + "/x"};
    request.body = testing::detail::CutSource{"0123456789"};
    request.body_size = 100;
    CHECK(error_of([&] { at.transport.send(std::move(request)); }, "the connection") == Errc::stopped);
  }
  SECTION("with certificates that are not there") {
    testing::TempDir const place;
    sys::replace_file(place / "me.cert", "x");
    CHECK(error_of([&] { at.get({.certificates = place.path()}); }) == Errc::configuration);
  }
}

TEST_CASE("a layer whose connections break arrives whole", "[oci][curl_transport]") {
  Fixture at;
  auto const image = testing::sample_image("image", 1, oci::Format::oci, 5'000'000);
  auto registry = at.open();
  testing::detail::put_blobs(registry, image);
  registry.put_manifest("1", image.manifest);
  registry.finish();
  int cuts = 3;
  at.fake.before = [&](Request const& request) -> std::optional<Answer> {
    auto const range = request.header("Range");
    if (request.method != "GET" || request.target.find("blobs") == std::string::npos || cuts == 0) return {};
    --cuts;
    auto const first = range.empty() ? 0 : std::stoull(range.substr(6));
    Answer out{.status = range.empty() ? 200 : 206, .body = image.layers[0].substr(first), .cut = 1'000'000};
    auto const size = std::to_string(image.layers[0].size());
    if (!range.empty())
      out.headers.add("Content-Range", "bytes " + std::to_string(first) + '-' +
                                           std::to_string(image.layers[0].size() - 1) + '/' + size);
    return out;
  };
  CHECK(read_all(registry.blob(image.blobs()[1])) == image.layers[0]);
  CHECK(cuts == 0);
}

}  // namespace curl_transport_tests
