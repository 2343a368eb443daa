#pragma once

#include <strata/oci/blob_upload.hpp>

#include <algorithm>
#include <cstddef>
#include <utility>

namespace strata::oci {

namespace detail {

/// Bytes; a larger blob is sent as it is read.
inline constexpr std::uint64_t kept_blob = std::uint64_t{1} << 20;

inline std::string with_query(std::string url, std::string const& query) {
  return std::move(url) + (url.find('?') == std::string::npos ? '?' : '&') + query;
}

/// What a location means in the answer to a request of that target, in both of which the host may be missing.
inline std::string location_at(std::string_view asked, std::string_view location) {
  location = location.substr(0, location.find('#'));
  auto const first = location.find_first_of(":/?");
  if (location.starts_with('/') || (first != std::string_view::npos && location[first] == ':'))
    return std::string(location);
  auto const path = asked.substr(0, asked.find('?'));
  auto out = std::string(location.starts_with('?') ? path : path.substr(0, path.rfind('/') + 1));
  return out += location;
}

/// Verified bytes, of which the last are given after the end was seen: who reads as many bytes as were announced, and no
/// further, has verified ones.
class CheckedEnd {
 public:
  CheckedEnd(Source in, Descriptor const& blob, std::string where)
      : in_(std::move(in), blob, std::move(where)) {}

  Bytes next() {
    auto const part = in_.next();
    if (part.empty() || in_.size() != 0) return part;
    last_ = as_text(part);
    in_.next();
    return as_bytes(last_);
  }

 private:
  VerifiedSource in_;
  std::string last_ = {};
};

}  // namespace detail

STRATA_INLINE std::string repository_scope(std::string_view path, std::string_view actions) {
  return ("repository:" + std::string(path) += ':') += actions;
}

STRATA_INLINE BlobUpload::BlobUpload(RegistrySession& session, std::string path, std::string name,
                                     Descriptor const& blob)
    : session_(session),
      path_(std::move(path)),
      blob_(blob),
      subject_("blob " + blob.digest.str() + " of " + std::move(name)),
      scopes_{repository_scope(path_, "pull,push")} {}

STRATA_INLINE RegistryCall BlobUpload::call(std::string_view method, std::string target) const {
  return {.method = std::string(method), .target = std::move(target), .scopes = scopes_, .subject = subject_};
}

STRATA_INLINE bool BlobUpload::exists() {
  auto response = session_.send(call("HEAD", "/v2/" + path_ + "/blobs/" + blob_.digest.str()));
  if (response.status == 404) return false;
  if (response.status != 200) throw session_.refused(response, subject_);
  return response.headers.content_length().value_or(blob_.size) == blob_.size;
}

STRATA_INLINE void BlobUpload::follow(HttpResponse const& response, std::string const& asked) {
  auto const location = response.headers.find("Location");
  if (!location || location->empty())
    throw Error(Errc::unexpected_answer, subject_ + ", an upload without a location");
  location_ = detail::location_at(asked, *location);
  if (auto const least = response.headers.find("OCI-Chunk-Min-Length"))
    least_chunk_ = std::min(detail::decimal(*least).value_or(0), std::uint64_t{64} << 20);
}

STRATA_INLINE void BlobUpload::begin() {
  if (!location_.empty()) return;
  auto post = call("POST", "/v2/" + path_ + "/blobs/uploads/");
  post.has_body = true;  // of no bytes: some registries want its length
  auto response = session_.send(post);
  if (response.status != 202) throw session_.refused(response, subject_);
  follow(response, post.target);
}

STRATA_INLINE bool BlobUpload::mount(std::vector<std::string> const& repositories) {
  for (auto const& from : repositories) {
    if (from == path_) continue;
    auto post = call("POST", "/v2/" + path_ + "/blobs/uploads/?mount=" + percent_encoded(blob_.digest.str()) +
                                 "&from=" + percent_encoded(from));
    post.has_body = true;
    post.scopes.push_back(repository_scope(from, "pull"));
    try {
      auto response = session_.send(post);
      if (response.status == 201) {
        cancel();  // what another repository has begun
        return true;
      }
      if (response.status != 202) continue;
      cancel();
      follow(response, post.target);
    } catch (Error const& error) {
      if (error.code() != Errc::access_denied) throw;
    }
  }
  return false;
}

STRATA_INLINE void BlobUpload::cancel() noexcept {
  if (location_.empty()) return;
  try {
    auto drop = call("DELETE", std::exchange(location_, {}));
    drop.repeatable = false;
    session_.send(drop);
  } catch (std::exception const&) {  // the registry drops it later
  }
}

STRATA_INLINE void BlobUpload::put(Source in) {
  try {
    if (blob_.size <= detail::kept_blob)
      put_text(read_verified(std::move(in), blob_, subject_, detail::kept_blob));
    else if (session_.options().chunk_bytes != 0)
      put_chunks(std::move(in));
    else
      put_stream(std::move(in));
  } catch (...) {
    cancel();
    throw;
  }
}

STRATA_INLINE void BlobUpload::put_text(std::string text) {
  begin();
  auto last = call("PUT", {});
  last.headers.add("Content-Type", "application/octet-stream");
  last.body = std::move(text);
  commit(std::move(last));
}

STRATA_INLINE void BlobUpload::put_stream(Source in) {
  Source checked = detail::CheckedEnd(std::move(in), blob_, subject_);
  begin();
  auto last = call("PUT", {});
  last.headers.add("Content-Type", "application/octet-stream");
  last.stream = &checked;
  last.stream_size = blob_.size;
  last.is_document = false;
  commit(std::move(last));
}

/// The registry may have committed the blob without our having heard of it.
STRATA_INLINE void BlobUpload::commit(RegistryCall last) {
  last.target = detail::with_query(location_, "digest=" + percent_encoded(blob_.digest.str()));
  last.has_body = true;
  auto response = session_.send(last);
  if (response.status == 201 || response.status == 204 || (response.status == 404 && exists())) {
    location_.clear();
    return;
  }
  throw session_.refused(response, subject_);
}

STRATA_INLINE void BlobUpload::put_chunks(Source in) {
  Source checked = detail::CheckedEnd(std::move(in), blob_, subject_);
  begin();
  auto const most = static_cast<std::size_t>(std::max(session_.options().chunk_bytes, least_chunk_));
  std::string chunk;
  for (std::uint64_t offset = 0;;) {
    auto part = as_text(checked.next());
    bool const at_end = part.empty();
    while (!part.empty() || (at_end && !chunk.empty())) {
      auto const count = std::min(part.size(), most - chunk.size());
      chunk += part.substr(0, count);
      part.remove_prefix(count);
      if (chunk.size() < most && !at_end) break;
      put_chunk(chunk, offset);
      offset += chunk.size();
      chunk.clear();
    }
    if (at_end) break;
  }
  commit(call("PUT", {}));
}

STRATA_INLINE void BlobUpload::put_chunk(std::string const& chunk, std::uint64_t offset) {
  std::size_t sent = 0;
  for (auto waits = session_.backoff(); sent < chunk.size();) {
    auto patch = call("PATCH", location_);
    patch.repeatable = false;
    patch.is_document = false;
    patch.has_body = true;
    patch.body = chunk.substr(sent);
    patch.headers.add("Content-Type", "application/octet-stream");
    patch.headers.add("Content-Range",
                      std::to_string(offset + sent) + '-' + std::to_string(offset + chunk.size() - 1));
    std::optional<Error> failure;
    try {
      auto response = session_.send(patch);
      if (response.status == 202 || response.status == 201 || response.status == 204)
        return follow(response, patch.target);
      failure = session_.refused(response, subject_);
      if (response.status != 416) throw *failure;
    } catch (Error const& error) {
      if (error.code() != Errc::unavailable) throw;
      failure = error;
    }
    if (!waits.again()) throw *failure;
    auto const now = arrived();
    if (now < offset || now > offset + chunk.size()) throw *failure;
    sent = static_cast<std::size_t>(now - offset);
  }
}

STRATA_INLINE std::uint64_t BlobUpload::arrived() {
  auto response = session_.send(call("GET", location_));
  if (response.status != 204 && response.status != 200) throw session_.refused(response, subject_);
  if (response.headers.find("Location")) follow(response, location_);
  auto const range = response.headers.find("Range").value_or("0-0");
  auto const last = detail::decimal(range.substr(std::min(range.find('-') + 1, range.size())));
  if (!range.starts_with("0-") || !last)
    throw Error(Errc::unexpected_answer, subject_ + ", an upload that does not say what arrived");
  return *last == 0 ? 0 : *last + 1;  // "0-0" is how registries say that it is nothing
}

}  // namespace strata::oci
