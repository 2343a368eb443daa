// Invariant: whatever a registry answers is refused or read. No request goes to a place where the registry must not lead to,
// credentials go to none but the registry and, as user name and password, the server of tokens, no error has a secret, and
// the number of requests is bounded.

#include <strata/oci/registry.hpp>
#include <strata/sys/stream.hpp>

#include "fuzz.hpp"
#include <map>
#include <optional>

using namespace strata;

namespace {

constexpr std::string_view secret = "hunter2";

/// Answers from the input, one after the other, separated by 0x1f: three digits, lines of headers, an empty line, a body. The
/// body of an answer whose status is followed by "!" breaks off.
struct Script {
  std::string_view rest;
  int requests = 0;

  oci::HttpResponse answer(oci::HttpRequest const& request) {
    fuzz::require(++requests < 20'000, "the number of requests is bounded");
    check(request);
    if (rest.empty()) throw Error(Errc::unavailable, "the end of the script");
    auto text = rest.substr(0, rest.find('\x1f'));
    rest.remove_prefix(std::min(rest.size(), text.size() + 1));
    oci::HttpResponse response{.status =
                                   static_cast<int>(oci::detail::decimal(text.substr(0, 3)).value_or(200))};
    bool const breaks = text.size() > 3 && text[3] == '!';
    text.remove_prefix(std::min(text.find('\n'), text.size()));
    while (text.starts_with('\n') && !text.starts_with("\n\n")) {
      auto const line = text.substr(1, text.find('\n', 1) - 1);
      text.remove_prefix(line.size() + 1);
      auto const colon = std::min(line.find(':'), line.size());
      response.headers.add(std::string(line.substr(0, colon)),
                           std::string(oci::detail::trimmed(line.substr(std::min(colon + 1, line.size())))));
    }
    response.body = Body{std::string(text.substr(std::min<std::size_t>(2, text.size()))), breaks};
    return response;
  }

  struct Body {
    std::string text;
    bool breaks;
    bool is_given = false;
    Bytes next() {
      if (!std::exchange(is_given, true) && !text.empty()) return as_bytes(text);
      if (breaks) throw Error(Errc::unavailable, "the connection");
      return {};
    }
  };

  static void check(oci::HttpRequest const& request) {
    auto const url = oci::Url::parse(request.url);
    fuzz::require(url.has_value(), "a request has a URL of HTTP");
    fuzz::require(url->scheme == "https", "TLS is kept");
    fuzz::require(oci::place_of_host(url->host) == oci::HostPlace::anywhere, "a request goes to the network");
    fuzz::require(request.url.find(secret) == std::string::npos, "a URL has no secret");
    bool const is_registry = url->origin() == "https://registry.example";
    auto const sent = request.headers.find("Authorization").value_or("");
    fuzz::require(!sent.starts_with("Bearer ") || is_registry, "a token is for the registry");
    for (auto const& [name, value] : request.headers)
      fuzz::require((name + value).find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos,
                    "a header is one line");
    if (!is_registry)
      fuzz::require(request.policy.refuse_local, "other hosts are looked at when they are reached");
  }
};

/// Runs what may fail.
template <class Call>
void attempt(Call&& call) {
  try {
    fuzz::outcome({Errc::unavailable, Errc::access_denied, Errc::unexpected_answer, Errc::image_unknown,
                   Errc::digest_mismatch, Errc::corrupt_document, Errc::over_budget, Errc::unsupported,
                   Errc::not_an_image},
                  [&] {
                    try {
                      call();
                    } catch (Error const& error) {
                      std::string_view const text = error.what();
                      fuzz::require(text.find(secret) == text.npos, "an error has no secret");
                      fuzz::require(text.find("registry.example/team/tool") != text.npos,
                                    "an error says of what");
                      fuzz::require(std::ranges::all_of(text, [](char c) { return c >= ' ' && c < 0x7f; }),
                                    "an error is fit to be shown");
                      throw;
                    }
                  });
  } catch (std::bad_alloc const&) {
    fuzz::require(false, "memory for what an answer states only");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  fuzz::Input input(data, size);
  auto const what = input.choice(6);
  if (input.text().find(secret) != std::string_view::npos)
    return 0;  // which the registry has then said itself
  Script script{input.text()};
  auto now = std::chrono::steady_clock::time_point();
  oci::RegistryOptions options{
      .credentials =
          [](auto const&) { return oci::Credentials{.username = "me", .password = std::string(secret)}; },
      .clock = {.now = [&] { return now += std::chrono::seconds(1); }, .wait = [](auto, auto) {}},
      .documents = {.bytes = 1U << 16U}};
  options.chunk_bytes = what == 5 ? 1'000'000 : 0;
  oci::RegistryRepository registry([&](oci::HttpRequest const& request) { return script.answer(request); },
                                   oci::Reference::parse("registry.example/team/tool:1"), options);
  std::string const bytes = "0123456789";
  oci::Descriptor const blob{.media_type = "x", .digest = Digest::of(as_bytes(bytes)), .size = bytes.size()};
  auto const read = [&](ByteRange range) {
    auto in = registry.blob(blob, range);
    std::uint64_t count = 0;
    for (auto part = in.next(); !part.empty(); part = in.next()) count += part.size();
    fuzz::require(count == range.size, "as many bytes as were asked for");
  };
  attempt([&] {
    switch (what) {
      case 0:
        registry.manifest("");
        break;
      case 1:
        for (auto const& tag : registry.references())
          fuzz::require(oci::detail::is_tag(tag), "what is listed is a tag");
        break;
      case 2:
        read({0, blob.size});
        break;
      case 3:
        read({3, 4});
        break;
      case 4:
        if (!registry.has_blob(blob)) registry.put_blob(blob, memory_source(bytes));
        break;
      default: {
        static std::string const large(1'500'000, 'x');
        static auto const digest = Digest::of(as_bytes(large));
        registry.put_blob({.media_type = "x", .digest = digest, .size = large.size()}, memory_source(large));
      }
    }
  });
  return 0;
}
