#pragma once

#include <strata/oci/registry_session.hpp>
#include <strata/sys/stream.hpp>
#include <strata/timestamp.hpp>

#include <algorithm>
#include <cstddef>
#include <utility>

namespace strata::oci {

namespace detail {

inline constexpr int most_redirects = 5;

/// Where the registry of a domain is.
inline std::string registry_host(std::string const& domain) {
  return domain == "docker.io" ? "registry-1.docker.io" : domain;
}

inline bool is_redirect(int status) noexcept {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/// Refers to a source.
struct BorrowedSource {
  Source* from;
  Bytes next() { return from->next(); }
};

}  // namespace detail

STRATA_INLINE RegistrySession::RegistrySession(SendRequest send, Reference registry, RegistryOptions options)
    : send_(std::move(send)), registry_(std::move(registry)), options_(std::move(options)) {}

STRATA_INLINE Url RegistrySession::base() {
  std::lock_guard const lock(mutex_);
  if (base_) return *base_;
  auto url = Url::parse("https://" + detail::registry_host(registry_.domain()));
  if (!url) throw Error(Errc::invalid_reference, '"' + registry_.domain() + "\" is no registry's name");
  if (!options_.verify_tls) {
    try {
      auto asked = *url;
      asked.target = "/v2/";
      send_({.url = asked.str(), .policy = policy_for(asked, asked, true)});
    } catch (Error const& error) {
      if (error.code() != Errc::unavailable && error.code() != Errc::tls_failed &&
          error.code() != Errc::unexpected_answer)
        throw;
      url = Url::parse("http://" + detail::registry_host(registry_.domain()));
    }
  }
  base_ = std::move(url);
  return *base_;
}

STRATA_INLINE void RegistrySession::check_place(Url const& from, Url const& to, Url const& base,
                                                std::string const& subject) const {
  auto const refuse = [&](char const* why) {
    return Error(Errc::unexpected_answer, subject + ", it leads to " + shown(to.origin()) + ", " + why);
  };
  if (from.scheme == "https" && to.scheme != "https") throw refuse("without TLS");
  auto const place = place_of_host(to.host);
  if (place != HostPlace::anywhere && place != place_of_host(base.host))
    throw refuse("which is not on the network");
}

STRATA_INLINE Url RegistrySession::url_of(RegistryCall const& call, Url const& base) const {
  auto url = base.resolve(call.target);
  if (!url) throw Error(Errc::unexpected_answer, call.subject + ", it leads to what is no URL of HTTP");
  check_place(base, *url, base, call.subject);
  return *std::move(url);
}

STRATA_INLINE HttpPolicy RegistrySession::policy_for(Url const& url, Url const& base,
                                                     bool is_document) const {
  auto const host = url.host + (url.port.empty() ? std::string() : ':' + url.port);
  bool const is_base = url.same_origin(base);
  HttpPolicy policy{.verify_tls = options_.verify_tls,
                    .certificates = is_base ? options_.certificates : fs::path(),
                    .refuse_local = !is_base && place_of_host(base.host) == HostPlace::anywhere,
                    .connect_timeout = options_.connect_timeout,
                    .stall_timeout = options_.stall_timeout,
                    .stop = options_.stop};
  if (policy.certificates.empty())
    policy.certificates = find_certificates(is_base ? registry_.domain() : host, options_.certificate_roots);
  if (is_document) policy.total_timeout = options_.document_timeout;
  return policy;
}

STRATA_INLINE HttpResponse RegistrySession::follow(HttpRequest request, Url& url, Url const& base,
                                                   RegistryCall const& call) const {
  bool const follows = request.method == "GET" || request.method == "HEAD";
  for (int redirects = 0;; ++redirects) {
    HttpRequest now{.method = request.method, .url = url.str(), .headers = request.headers};
    now.body = std::move(request.body);
    now.body_size = request.body_size;
    now.policy = policy_for(url, base, call.is_document);
    auto response = send_(std::move(now));
    if (!follows || !detail::is_redirect(response.status)) return response;
    auto const location = response.headers.find("Location");
    if (!location || redirects == detail::most_redirects)
      throw Error(Errc::unexpected_answer,
                  call.subject + (location ? ", too many redirects" : ", a redirect without a location"));
    auto next = url.resolve(*location);
    if (!next) {
      auto const scheme = location->substr(0, location->find(':'));
      throw Error(Errc::unexpected_answer,
                  call.subject + ", it leads to \"" + shown(scheme, 20) + ":\", which is no URL of HTTP");
    }
    check_place(url, *next, base, call.subject);
    if (!next->same_origin(url)) request.headers.remove("Authorization");
    url = *std::move(next);
  }
}

STRATA_INLINE HttpResponse RegistrySession::send_once(RegistryCall const& call, Url const& url,
                                                      Url const& base, Backoff& waits) {
  constexpr int most_rounds = 3;  // without a token, with one that is too old, with a new one
  for (int round = 1;; ++round) {
    HttpRequest request{.method = call.method, .headers = call.headers};
    if (call.stream != nullptr) {
      request.body = detail::BorrowedSource{call.stream};
      request.body_size = call.stream_size;
    } else if (call.has_body) {
      request.body = memory_source(call.body);
      request.body_size = call.body.size();
    }
    auto const tried = url.same_origin(base) ? authorization(call, base, waits) : std::string();
    if (!tried.empty()) request.headers.add("Authorization", tried);
    auto from = url;
    auto response = follow(std::move(request), from, base, call);
    if (response.status != 401 && response.status != 403) return response;
    bool const may_learn = response.status == 401 && from.same_origin(base) && call.stream == nullptr;
    if (!may_learn || round == most_rounds || !learn(response, call, tried))
      throw denied(response, call.subject);
  }
}

STRATA_INLINE HttpResponse RegistrySession::send(RegistryCall const& call) {
  auto const base = this->base();
  auto const url = url_of(call, base);
  auto waits = backoff();
  for (;;) {
    std::optional<Error> failure;
    std::optional<std::chrono::seconds> asked;
    try {
      auto response = send_once(call, url, base, waits);
      if (!is_temporary(response.status)) return response;
      failure = refused(response, call.subject);
      asked = retry_after(response.headers, Timestamp::now().seconds);
    } catch (Error const& error) {
      if (error.code() != Errc::unavailable && error.code() != Errc::tls_failed) throw;
      failure = with_subject(error, call.subject);
    }
    bool const may_repeat = failure->code() == Errc::unavailable && call.repeatable && call.stream == nullptr;
    if (!may_repeat || !waits.again(asked)) throw *failure;
  }
}

STRATA_INLINE RegistryDocument RegistrySession::document(RegistryCall const& call) {
  auto const most = options_.documents.bytes;
  auto const too_long = [&] {
    return Error(Errc::over_budget, call.subject + ": more than " + std::to_string(most) + " bytes");
  };
  for (auto waits = backoff();;) {
    auto response = send(call);
    if (response.status != 200) throw refused(response, call.subject);
    if (response.headers.content_length().value_or(0) > most) throw too_long();
    try {
      RegistryDocument out{.headers = std::move(response.headers),
                           .text = read_at_most(response.body, most + 1)};
      if (out.text.size() > most) throw too_long();
      return out;
    } catch (Error const& error) {
      if (error.code() != Errc::unavailable) throw;
      if (!waits.again()) throw with_subject(error, call.subject);
    }
  }
}

STRATA_INLINE std::vector<std::string> RegistrySession::secrets() const {
  std::vector<std::string> out;
  if (credentials_) {
    out = {credentials_->password, credentials_->identity_token};
    if (!credentials_->password.empty())
      out.push_back(basic_authorization(*credentials_).substr(std::string_view("Basic ").size()));
  }
  for (auto const& [scopes, held] : tokens_) out.push_back(held.token.text);
  auto const as_they_are = out.size();  // and as forms and URLs have them
  for (std::size_t i = 0; i < as_they_are; ++i) out.push_back(percent_encoded(out[i]));
  return out;
}

STRATA_INLINE Error RegistrySession::refused(HttpResponse& response, std::string const& subject) const {
  std::unique_lock lock(mutex_);
  auto const hidden = secrets();
  lock.unlock();
  auto const refusal = read_refusal(response, hidden);
  auto code = Errc::unexpected_answer;
  if (is_temporary(response.status))
    code = Errc::unavailable;
  else if (response.status == 404)
    code = Errc::image_unknown;
  else if (response.status == 401 || response.status == 403)
    code = Errc::access_denied;
  else if (refusal.code == "DIGEST_INVALID" || refusal.code == "SIZE_INVALID")
    code = Errc::digest_mismatch;
  return {code, subject + ", " + refusal.text()};
}

STRATA_INLINE Error RegistrySession::denied(HttpResponse& response, std::string const& subject) {
  std::unique_lock lock(mutex_);
  auto const* const how = credentials() ? ", the credentials are refused" : ", there are no credentials";
  lock.unlock();
  return {Errc::access_denied, refused(response, subject).subject() + how};
}

STRATA_INLINE std::optional<Credentials> const& RegistrySession::credentials() {
  if (!looked_for_credentials_ && options_.credentials) credentials_ = options_.credentials(registry_);
  looked_for_credentials_ = true;
  if (credentials_ && credentials_->username.empty() && credentials_->identity_token.empty())
    credentials_.reset();
  return credentials_;
}

STRATA_INLINE bool RegistrySession::learn(HttpResponse const& response, RegistryCall const& call,
                                          std::string const& tried) {
  std::optional<Challenge> basic;
  std::optional<Challenge> bearer;
  for (auto const header : response.headers.all("WWW-Authenticate"))
    for (auto& challenge : parse_challenges(header)) {
      if (challenge.scheme == "basic" && !basic)
        basic = std::move(challenge);
      else if (challenge.scheme == "bearer" && !bearer)
        bearer = std::move(challenge);
    }
  std::lock_guard const lock(mutex_);
  if (bearer) {
    if (auto const held = tokens_.find(call.scopes);
        held != tokens_.end() && tried.ends_with(held->second.token.text))
      tokens_.erase(held);
    challenge_ = std::move(bearer);
    return true;
  }
  if (!basic || !credentials() || credentials()->username.empty() ||
      tried == basic_authorization(*credentials()))
    return false;
  challenge_ = std::move(basic);
  return true;
}

STRATA_INLINE std::string RegistrySession::authorization(RegistryCall const& call, Url const& base,
                                                         Backoff& waits) {
  std::lock_guard const lock(mutex_);
  if (!challenge_) return {};
  if (challenge_->scheme == "basic") return basic_authorization(*credentials());
  auto const now = options_.clock.now();
  auto held = tokens_.find(call.scopes);
  if (held == tokens_.end() || held->second.expires <= now) {
    auto token = fetch_token(call, base, waits);
    auto const expires = now + token.lifetime;
    held = tokens_.insert_or_assign(call.scopes, Held{std::move(token), expires}).first;
  }
  return "Bearer " + held->second.token.text;
}

STRATA_INLINE BearerToken RegistrySession::fetch_token(RegistryCall const& call, Url const& base,
                                                       Backoff& waits) {
  auto const realm = Url::parse(challenge_->parameter("realm"));
  auto const subject = call.subject + ", token of " + (realm ? shown(realm->origin()) : "an unknown server");
  if (!realm) throw Error(Errc::unexpected_answer, subject + ": no URL of HTTP");
  check_place(base, *realm, base, subject);
  RegistryCall const about{.scopes = call.scopes, .subject = subject};
  auto const& known = credentials();
  for (;;) {
    std::optional<Error> failure;
    std::optional<std::chrono::seconds> asked;
    try {
      auto url = *realm;
      auto request = token_request({*realm, challenge_->parameter("service"), call.scopes}, known);
      url = *Url::parse(request.url);
      auto response = follow(std::move(request), url, base, about);
      if (response.status == 200)
        return parse_token(read_at_most(response.body, std::size_t{1} << 20), subject);
      auto const refusal = read_refusal(response, secrets());
      auto const text = subject + ", " + refusal.text();
      if (response.status >= 400 && response.status < 500 && !is_temporary(response.status))
        throw Error(Errc::access_denied,
                    text + (known ? ", the credentials are refused" : ", there are no credentials"));
      failure.emplace(is_temporary(response.status) ? Errc::unavailable : Errc::unexpected_answer, text);
      asked = retry_after(response.headers, Timestamp::now().seconds);
    } catch (Error const& error) {
      if (error.code() != Errc::unavailable) throw;
      failure = with_subject(error, subject);
    }
    if (failure->code() != Errc::unavailable || !waits.again(asked)) throw *failure;
  }
}

}  // namespace strata::oci
