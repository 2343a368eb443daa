#pragma once

#include <strata/concepts/bytes.hpp>
#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/separate.hpp>

#include <chrono>
#include <concepts>
#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace strata::oci {

/// Headers of a request or of an answer, in their order. Names are compared without regard to case. A value.
class HttpHeaders {
 public:
  void add(std::string name, std::string value) { items_.emplace_back(std::move(name), std::move(value)); }
  void remove(std::string_view name);

  /// The first value; none if there is no such header.
  std::optional<std::string_view> find(std::string_view name) const;
  std::vector<std::string_view> all(std::string_view name) const;
  /// The value of `Content-Length`; none if it is absent or no number.
  std::optional<std::uint64_t> content_length() const;

  auto begin() const noexcept { return items_.begin(); }
  auto end() const noexcept { return items_.end(); }

 private:
  std::vector<std::pair<std::string, std::string>> items_ = {};  // name and value
};

/// How a request is sent.
struct HttpPolicy {
  bool verify_tls = true;
  /// A directory as of Docker's "certs.d/<host>": `*.crt` are trusted besides the system's authorities, `NAME.cert` with
  /// `NAME.key` is what the server sees. Empty: neither.
  fs::path certificates = {};
  /// No request to loopback and link-local addresses, whatever name leads there: a connection that got there is closed.
  bool refuse_local = false;
  std::chrono::milliseconds connect_timeout = std::chrono::seconds(30);
  /// The answer breaks off if it has brought less than `least_speed` for so long, while somebody waits for it.
  std::chrono::seconds stall_timeout = std::chrono::seconds(60);
  std::uint32_t least_speed = 64;  ///< bytes per second
  /// Of the request as a whole, until the end of the body; zero: none.
  std::chrono::seconds total_timeout = {};
  std::stop_token stop = {};
};

/// A request of HTTP.
struct HttpRequest {
  std::string method = "GET";
  std::string url = {};  ///< http or https, without user and fragment
  HttpHeaders headers = {};
  Source body = {};                             ///< empty: none. What it throws, `send` throws
  std::optional<std::uint64_t> body_size = {};  ///< bytes; none: not known
  HttpPolicy policy = {};
};

/// An answer, whose body arrives as it is read.
struct HttpResponse {
  int status = 0;
  HttpHeaders headers = {};
  Source body = {};  ///< not empty. Destroyed before its end, it ends the answer
};

/// What sends requests of HTTP.
///
/// - `t.send(request)`  returns when the headers of the final answer have come, whatever its status: a redirect is an
///   answer like others, and is not followed. The body is as it was sent, not decompressed, and stays readable when
///   `t` is moved. If it ends before its stated length, reading it throws.
///   `Errc::unavailable`, from `send` or the body, for what may succeed when it is tried again: no connection, one that broke,
///   a timeout. `Errc::tls_failed`; `Errc::unexpected_answer` for what is not HTTP; `Errc::stopped`
///
/// No error's text has a header of the request, a user's part of a URL, or its query.
/// May be called from several threads at once, and so may the bodies be read.
template <class T>
concept Transport = std::movable<T> && requires(T& t, HttpRequest request) {
  { t.send(std::move(request)) } -> std::same_as<HttpResponse>;
};

/// Any `Transport`, for code that does not depend on its type.
using SendRequest = std::function<HttpResponse(HttpRequest)>;

namespace detail {

bool equal_without_case(std::string_view left, std::string_view right) noexcept;
/// Without blanks and tabs at its ends.
std::string_view trimmed(std::string_view text) noexcept;
/// Decimal digits and nothing else; none for anything else, and above 2^63 - 1.
std::optional<std::uint64_t> decimal(std::string_view text) noexcept;

}  // namespace detail

}  // namespace strata::oci

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/oci/transport.ipp>
#endif
