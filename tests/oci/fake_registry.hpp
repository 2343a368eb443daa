#pragma once

#include <strata/concepts/bytes.hpp>
#include <strata/digest.hpp>
#include <strata/error.hpp>
#include <strata/oci/bearer_token.hpp>
#include <strata/oci/credentials.hpp>
#include <strata/oci/transport.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// A registry in memory that behaves, until a test tells it not to.
namespace fake_registry {

namespace oci = strata::oci;

struct Request {
  std::string method = {};
  std::string target = {};  ///< path and query
  oci::HttpHeaders headers = {};
  std::string body = {};

  std::string header(std::string_view name) const { return std::string(headers.find(name).value_or("")); }
  std::string path() const { return target.substr(0, target.find('?')); }
  std::string query(std::string_view name) const {
    auto rest = std::string_view(target).substr(std::min(target.find('?'), target.size()));
    while (!rest.empty()) {
      rest.remove_prefix(1);
      auto const field = rest.substr(0, rest.find('&'));
      rest.remove_prefix(field.size());
      if (field.substr(0, field.find('=')) == name) return unescaped(field.substr(field.find('=') + 1));
    }
    return {};
  }

 private:
  static std::string unescaped(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '%' && i + 2 < text.size()) {
        out += static_cast<char>(std::stoi(std::string(text.substr(i + 1, 2)), nullptr, 16));
        i += 2;
      } else {
        out += text[i];
      }
    }
    return out;
  }
};

struct Answer {
  int status = 200;
  oci::HttpHeaders headers = {};
  std::string body = {};
  std::optional<std::size_t> cut = {};       ///< the connection breaks after so many bytes of the body
  std::optional<std::uint64_t> length = {};  ///< what is stated instead of the body's
  bool is_endless = false;                   ///< the body comes again and again, and no length is stated
  int pause = 0;                             ///< milliseconds before the body
  std::string raw = {};                      ///< instead of an answer of HTTP, by `fake_server`

  Answer&& with(std::string name, std::string value) && {
    headers.add(std::move(name), std::move(value));
    return std::move(*this);
  }
};

inline Answer error(int status, std::string const& code, std::string const& message = "no reason") {
  return {.status = status,
          .body = R"({"errors":[{"code":")" + code + R"(","message":")" + message + R"("}]})"};
}

enum class Auth { none, basic, bearer };

/// Serves repositories of any name. Thread-safe.
class Registry {
 public:
  Auth auth = Auth::none;
  oci::Credentials user = {.username = "me", .password = "secret"};
  std::string realm = "http://localhost/token";  ///< of tokens; its path is served
  bool knows_ranges = true;
  bool mounts = true;
  std::size_t page = 1000;      ///< tags
  std::string expires = "300";  ///< seconds, of tokens
  /// Asked first; none: the registry answers.
  std::function<std::optional<Answer>(Request const&)> before = {};

  Answer answer(Request const& request) {
    std::lock_guard const lock(mutex_);
    requests_.push_back(request);
    if (before)
      if (auto said = before(request)) return *std::move(said);
    auto out = request.path() == "/token" ? token(request) : authorized(request);
    if (request.method == "HEAD") {
      out.length = out.length.value_or(out.body.size());
      out.body.clear();
    }
    return out;
  }

  std::vector<Request> requests() const {
    std::lock_guard const lock(mutex_);
    return requests_;
  }
  /// How many requests there were whose "METHOD target" has the text.
  std::size_t count(std::string_view text) const {
    auto const all = requests();
    return static_cast<std::size_t>(std::ranges::count_if(all, [&](auto const& each) {
      return (each.method + ' ' + each.target).find(text) != std::string::npos;
    }));
  }
  void forget() {
    std::lock_guard const lock(mutex_);
    requests_.clear();
  }

  /// By repository.
  std::map<std::string, std::map<std::string, std::string>> blobs = {};  // by digest
  std::map<std::string, std::map<std::string, std::pair<std::string, std::string>>> manifests =
      {};                                                               // by digest: bytes, type
  std::map<std::string, std::map<std::string, std::string>> tags = {};  // digests
  std::map<std::string, std::string> uploads = {};                      // by id

 private:
  Answer token(Request const& request) {
    auto const now = std::to_string(tokens_.size());
    bool is_known = request.header("Authorization") == oci::basic_authorization(user);
    if (request.method == "POST")
      is_known = !user.identity_token.empty() &&
                 request.body.find("refresh_token=" + user.identity_token) != std::string::npos;
    if (!is_known) return error(401, "UNAUTHORIZED", "who are you");
    tokens_.insert("token-" + now);
    return {.body = R"({"token":"token-)" + now + R"(","expires_in":)" + expires + '}'};
  }

  Answer authorized(Request const& request) {
    auto const given = request.header("Authorization");
    if (auth == Auth::basic && given != oci::basic_authorization(user))
      return error(401, "UNAUTHORIZED").with("WWW-Authenticate", "Basic realm=\"fake\"");
    if (auth == Auth::bearer && (!given.starts_with("Bearer ") || !tokens_.contains(given.substr(7))))
      return error(401, "UNAUTHORIZED")
          .with("WWW-Authenticate",
                "Bearer realm=\"" + realm + "\",service=\"fake\",scope=\"repository:x:pull\"");
    return served(request);
  }

  Answer served(Request const& request) {
    auto const path = request.path();
    if (path == "/v2/") return {.body = "{}"};
    for (std::string_view const kind : {"/manifests/", "/blobs/uploads/", "/blobs/", "/tags/"}) {
      auto const at = path.rfind(kind);
      if (at == std::string::npos) continue;
      auto const repository = path.substr(4, at - 4);
      auto const name = path.substr(at + kind.size());
      if (kind == "/manifests/") return manifest(request, repository, name);
      if (kind == "/blobs/uploads/") return upload(request, repository, name);
      if (kind == "/blobs/") return blob(request, repository, name);
      return list(request, repository);
    }
    return error(404, "NOT_FOUND");
  }

  Answer manifest(Request const& request, std::string const& repository, std::string const& name) {
    auto& known = manifests[repository];
    if (request.method == "PUT") {
      auto const digest = strata::Digest::of(strata::as_bytes(request.body)).str();
      known[digest] = {request.body, request.header("Content-Type")};
      if (name.find(':') == std::string::npos) tags[repository][name] = digest;
      return {.status = 201};
    }
    auto const tagged = tags[repository].find(name);
    auto const found = known.find(tagged == tags[repository].end() ? name : tagged->second);
    if (found == known.end()) return error(404, "MANIFEST_UNKNOWN");
    return Answer{.body = found->second.first}.with("Content-Type", found->second.second);
  }

  Answer blob(Request const& request, std::string const& repository, std::string const& digest) {
    auto const found = blobs[repository].find(digest);
    if (found == blobs[repository].end()) return error(404, "BLOB_UNKNOWN");
    auto const& bytes = found->second;
    auto const range = request.header("Range");
    if (range.empty() || !knows_ranges) return {.body = bytes};
    auto const dash = range.find('-');
    auto const first = std::stoull(range.substr(6, dash - 6));
    auto const last = std::min<std::uint64_t>(std::stoull(range.substr(dash + 1)), bytes.size() - 1);
    if (first > last) return error(416, "RANGE");
    return Answer{.status = 206, .body = bytes.substr(first, last - first + 1)}.with(
        "Content-Range",
        "bytes " + std::to_string(first) + '-' + std::to_string(last) + '/' + std::to_string(bytes.size()));
  }

  Answer upload(Request const& request, std::string const& repository, std::string const& id) {
    auto const here = "/v2/" + repository + "/blobs/uploads/";
    if (request.method == "POST") {
      auto const digest = request.query("mount");
      auto const from = blobs.find(request.query("from"));
      if (mounts && from != blobs.end() && from->second.contains(digest)) {
        blobs[repository][digest] = from->second.at(digest);
        return {.status = 201};
      }
      auto const fresh = "upload" + std::to_string(++last_upload_);
      uploads[fresh] = {};
      return Answer{.status = 202}.with("Location", here + fresh + "?state=x");
    }
    auto const found = uploads.find(id);
    if (found == uploads.end()) return error(404, "BLOB_UPLOAD_UNKNOWN");
    auto const last = std::to_string(found->second.empty() ? 0 : found->second.size() - 1);
    if (request.method == "DELETE") {
      uploads.erase(found);
      return {.status = 204};
    }
    if (request.method == "GET")
      return Answer{.status = 204}.with("Location", here + id).with("Range", "0-" + last);
    if (request.method == "PATCH") {
      auto const range = request.header("Content-Range");
      if (range.substr(0, range.find('-')) != std::to_string(found->second.size()))
        return error(416, "BLOB_UPLOAD_INVALID");
      found->second += request.body;
      return Answer{.status = 202}.with("Location", here + id);
    }
    auto const bytes = found->second + request.body;
    if (strata::Digest::of(strata::as_bytes(bytes)).str() != request.query("digest"))
      return error(400, "DIGEST_INVALID");
    uploads.erase(found);
    blobs[repository][request.query("digest")] = bytes;
    return {.status = 201};
  }

  Answer list(Request const& request, std::string const& repository) {
    if (!manifests.contains(repository) || manifests[repository].empty()) return error(404, "NAME_UNKNOWN");
    std::string out;
    std::size_t count = 0;
    auto const last = request.query("last");
    for (auto const& [tag, digest] : tags[repository]) {
      if (tag <= last) continue;
      if (count == page)
        return Answer{.body = R"({"tags":[)" + out + "]}"}.with(
            "Link", "</v2/" + repository + "/tags/list?last=" + last_of(out) + ">; rel=\"next\"");
      out += (count++ == 0 ? "\"" : ",\"") + tag + '"';
    }
    return {.body = R"({"name":"x","tags":[)" + out + "]}"};
  }

  static std::string last_of(std::string const& tags) {
    auto const end = tags.size() - 1;
    auto const begin = tags.rfind('"', end - 1) + 1;
    return tags.substr(begin, end - begin);
  }

  mutable std::mutex mutex_ = {};
  std::vector<Request> requests_ = {};
  std::set<std::string> tokens_ = {};
  int last_upload_ = 0;
};

/// Gives the body of an answer in small chunks, and breaks off where the answer does.
class AnswerBody {
 public:
  explicit AnswerBody(Answer answer) : answer_(std::make_unique<Answer>(std::move(answer))) {}
  strata::Bytes next() {
    auto& body = answer_->body;
    auto const end = std::min(answer_->cut.value_or(body.size()), body.size());
    if (at_ == end && answer_->is_endless) at_ = 0;
    auto const part = std::string_view(body).substr(at_, std::min<std::size_t>(end - at_, 1000));
    at_ += part.size();
    if (part.empty() && (answer_->cut || answer_->length.value_or(at_) > at_))
      throw strata::Error(strata::Errc::unavailable, "the fake connection broke");
    return strata::as_bytes(part);
  }

 private:
  std::unique_ptr<Answer> answer_;
  std::size_t at_ = 0;
};

/// Requests go to the registry by a call, without a network.
struct MemoryTransport {
  std::shared_ptr<Registry> registry = std::make_shared<Registry>();
  std::shared_ptr<std::vector<std::string>> urls = std::make_shared<std::vector<std::string>>();
  std::shared_ptr<std::mutex> mutex = std::make_shared<std::mutex>();

  oci::HttpResponse send(oci::HttpRequest asked) const {
    Request request{.method = asked.method, .headers = asked.headers};
    auto const path = asked.url.find('/', asked.url.find("://") + 3);
    request.target = path == std::string::npos ? "/" : asked.url.substr(path);
    if (asked.body)
      for (auto part = asked.body.next(); !part.empty(); part = asked.body.next())
        request.body += strata::as_text(part);
    {
      std::lock_guard const lock(*mutex);
      urls->push_back(asked.url);
    }
    request.headers.add("Host", asked.url.substr(0, path));
    auto answer = registry->answer(request);
    if (answer.status == 0) throw strata::Error(strata::Errc::unavailable, "the fake server does not answer");
    oci::HttpResponse response{.status = answer.status, .headers = answer.headers};
    if (!answer.is_endless)
      response.headers.add("Content-Length", std::to_string(answer.length.value_or(answer.body.size())));
    if (asked.method == "HEAD") answer.length.reset();
    response.body = AnswerBody(std::move(answer));
    return response;
  }
};

}  // namespace fake_registry
