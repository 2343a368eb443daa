#pragma once

#include <strata/error.hpp>
#include <strata/oci/bearer_token.hpp>
#include <strata/oci/credentials.hpp>
#include <strata/oci/reference.hpp>
#include <strata/oci/registry_error.hpp>
#include <strata/oci/registry_options.hpp>
#include <strata/oci/retry.hpp>
#include <strata/oci/transport.hpp>
#include <strata/oci/url.hpp>
#include <strata/oci/www_authenticate.hpp>
#include <strata/separate.hpp>

#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace strata::oci {

/// A request to a registry, which can be sent again.
struct RegistryCall {
  std::string method = "GET";
  std::string target = {};  ///< a path, or a complete URL that the registry has given
  HttpHeaders headers = {};
  std::string body = {};
  bool has_body = false;
  /// Instead of `body`: is read once, so that the call is not sent again once a byte of it was read.
  Source* stream = nullptr;
  std::uint64_t stream_size = 0;
  std::vector<std::string> scopes = {};  ///< of the token that is needed, as "repository:team/tool:pull"
  std::string subject = {};              ///< of errors: "manifest quay.io/team/tool:1"
  bool is_document = true;               ///< its answer must come within `document_timeout`
  bool repeatable = true;                ///< false: is tried once, as its caller has to know what arrived
};

/// An answer of the status 200 that was read to its end.
struct RegistryDocument {
  HttpHeaders headers = {};
  std::string text = {};
};

/// Requests to one registry: finds out whether it speaks TLS and what credentials it wants, follows redirects, and tries
/// again what may then succeed.
///
/// A redirect is followed for GET and HEAD, at most five times, to HTTP and HTTPS, and not from HTTPS to HTTP. Another host
/// gets neither credentials nor the client's certificate, and is not on the loopback or link-local, unless the registry itself
/// is there; the same holds for a server of tokens, but for the credentials, which it gets.
/// Thread-safe.
class RegistrySession {
 public:
  /// @param registry  an image in it, for whose repository credentials are looked for
  RegistrySession(SendRequest send, Reference registry, RegistryOptions options);

  /// Sends a request, if need be with credentials and several times.
  /// @return  an answer, which is none of those that `is_temporary` names, nor 401 or 403
  /// @throws `Errc::unavailable`, `Errc::access_denied`, `Errc::tls_failed`, `Errc::unexpected_answer`, `Errc::stopped`
  HttpResponse send(RegistryCall const& call);

  /// What to throw for an answer of another status than those that were expected.
  Error refused(HttpResponse& response, std::string const& subject) const;
  /// Sends a request and reads the answer, again if it breaks off.
  /// @throws as `send` and `refused`; `Errc::over_budget` for an answer longer than a document may be
  RegistryDocument document(RegistryCall const& call);

  RegistryOptions const& options() const noexcept { return options_; }
  Backoff backoff() const { return {options_.retry, options_.clock, options_.stop}; }

 private:
  struct Held {
    BearerToken token;
    std::chrono::steady_clock::time_point expires;
  };

  Url base();
  Url url_of(RegistryCall const& call, Url const& base) const;
  /// @param waits  of the call, which a server of tokens that does not answer uses up as well
  HttpResponse send_once(RegistryCall const& call, Url const& url, Url const& base, Backoff& waits);
  /// @param url  where the request goes to; afterwards, where the answer came from
  HttpResponse follow(HttpRequest request, Url& url, Url const& base, RegistryCall const& call) const;
  HttpPolicy policy_for(Url const& url, Url const& base, bool is_document) const;
  void check_place(Url const& from, Url const& to, Url const& base, std::string const& subject) const;
  std::string authorization(RegistryCall const& call, Url const& base, Backoff& waits);
  bool learn(HttpResponse const& response, RegistryCall const& call, std::string const& tried);
  Error denied(HttpResponse& response, std::string const& subject);

  // The mutex is held by their callers.
  BearerToken fetch_token(RegistryCall const& call, Url const& base, Backoff& waits);
  std::optional<Credentials> const& credentials();
  std::vector<std::string> secrets() const;

  SendRequest send_;
  Reference registry_;
  RegistryOptions options_;
  mutable std::mutex mutex_ = {};  // of all below
  std::optional<Url> base_ = {};
  std::optional<Challenge> challenge_ = {};
  std::map<std::vector<std::string>, Held> tokens_ = {};  // by scopes
  bool looked_for_credentials_ = false;
  std::optional<Credentials> credentials_ = {};
};

}  // namespace strata::oci

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/oci/registry_session.ipp>
#endif
