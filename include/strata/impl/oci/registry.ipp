#pragma once

#include <strata/oci/blob_upload.hpp>
#include <strata/oci/layout_index.hpp>
#include <strata/oci/media_type.hpp>
#include <strata/oci/registry.hpp>
#include <strata/oci/registry_blob.hpp>
#include <strata/oci/tag_list.hpp>
#include <strata/oci/verified_source.hpp>

#include <algorithm>
#include <cstddef>
#include <set>

namespace strata::oci {

STRATA_INLINE RegistryRepository::RegistryRepository(SendRequest send, Reference reference,
                                                     RegistryOptions options)
    : reference_(std::move(reference)),
      session_(std::make_shared<RegistrySession>(std::move(send), reference_, std::move(options))) {}

STRATA_INLINE std::string RegistryRepository::subject(std::string_view kind, std::string_view name) const {
  std::string out(kind);
  if (kind == "manifest") {
    out += ' ' + reference_.name();
    return (out += name.find(':') == std::string_view::npos ? ':' : '@') += name;
  }
  if (!name.empty()) (out += ' ') += name;
  return out += " of " + reference_.name();
}

STRATA_INLINE RegistryCall RegistryRepository::call(std::string_view method, std::string_view kind,
                                                    std::string_view name, std::string_view actions) const {
  RegistryCall out{.method = std::string(method),
                   .scopes = {repository_scope(reference_.path(), actions)},
                   .subject = subject(kind, name)};
  out.target = "/v2/" + reference_.path() + '/' + std::string(kind) + "s/" + std::string(name);
  if (kind == "manifest" && method != "PUT")
    for (auto const accepted : {media_type::oci_manifest, media_type::docker_manifest, media_type::oci_index,
                                media_type::docker_index})
      out.headers.add("Accept", std::string(accepted));
  return out;
}

STRATA_INLINE RawManifest RegistryRepository::get_manifest(std::string const& reference) const {
  auto answer = session_->document(call("GET", "manifest", reference, "pull"));
  auto const type = answer.headers.find("Content-Type").value_or("");
  RawManifest out{.bytes = std::move(answer.text),
                  .media_type = std::string(detail::trimmed(type.substr(0, type.find(';'))))};
  std::error_code no_digest;
  if (auto const digest = Digest::parse(reference, no_digest))
    check_manifest(out.bytes, *digest, reference_.name());
  return out;
}

STRATA_INLINE RawManifest RegistryRepository::manifest(std::string_view reference) const {
  if (!reference.empty()) {
    std::error_code no_digest;
    if (!Digest::parse(reference, no_digest)) return get_manifest(reference_.with_tag(reference).tag());
    return get_manifest(std::string(reference));
  }
  try {
    return get_manifest(reference_.digest() ? reference_.digest()->str() : reference_.tag());
  } catch (Error const& error) {
    if (error.code() != Errc::image_unknown || reference_.digest()) throw;
    throw Error(Errc::image_unknown, error.subject() + ", which of " + listed(references()))
        .about(Subject::image, reference_.str());
  }
}

STRATA_INLINE Source RegistryRepository::blob(Descriptor const& blob) const {
  return this->blob(blob, {0, blob.size});
}

STRATA_INLINE Source RegistryRepository::blob(Descriptor const& blob, ByteRange range) const {
  auto get = call("GET", "blob", blob.digest.str(), "pull");
  get.is_document = false;
  return RegistryBlob(session_, std::move(get), blob, range);
}

STRATA_INLINE std::vector<std::string> RegistryRepository::references() const {
  constexpr std::size_t most_tags = 100'000;
  constexpr int most_pages = 10'000;
  std::set<std::string> found;
  auto next = call("GET", "tag", "", "pull");
  next.target = "/v2/" + reference_.path() + "/tags/list?n=1000";
  next.subject = "tags of " + reference_.name();
  auto const too_many = [&] { return Error(Errc::over_budget, next.subject + ": too many"); };
  for (int page = 0;; ++page) {
    auto const answer = session_->document(next);
    auto tags = parse_tags(answer.text, next.subject, session_->options().documents);
    found.insert(std::make_move_iterator(tags.begin()), std::make_move_iterator(tags.end()));
    auto link = next_page(answer.headers);
    if (!link) return {found.begin(), found.end()};
    if (found.size() > most_tags || page == most_pages) throw too_many();
    // A link that is relative to the page, which is always below this path.
    bool const is_relative = !link->starts_with('/') && link->find("://") == std::string::npos;
    next.target = is_relative ? "/v2/" + reference_.path() + "/tags/" + *link : *std::move(link);
  }
}

STRATA_INLINE bool RegistryRepository::has_blob(Descriptor const& blob) {
  if (auto const known = known_.find(blob.digest); known != known_.end()) return known->second;
  bool const exists = BlobUpload(*session_, reference_.path(), reference_.name(), blob).exists();
  known_.emplace(blob.digest, exists);
  return exists;
}

STRATA_INLINE void RegistryRepository::put_blob(Descriptor const& blob, Source in) {
  known_.erase(blob.digest);
  BlobUpload upload(*session_, reference_.path(), reference_.name(), blob);
  if (!upload.mount(session_->options().mount_from)) upload.put(std::move(in));
  known_[blob.digest] = true;
}

STRATA_INLINE bool RegistryRepository::has_manifest(std::string const& reference) const {
  auto response = session_->send(call("HEAD", "manifest", reference, "pull,push"));
  if (response.status != 200 && response.status != 404)
    throw session_->refused(response, subject("manifest", reference));
  return response.status == 200;
}

STRATA_INLINE void RegistryRepository::put_manifest(std::string_view reference, RawManifest const& manifest,
                                                    ManifestRole role) {
  auto const descriptor = manifest_descriptor(manifest);
  std::string name(reference);
  if (role == ManifestRole::child || (name.empty() && reference_.digest()))
    name = descriptor.digest.str();
  else if (name.empty())
    name = reference_.tag();
  std::error_code no_digest;
  if (auto const digest = Digest::parse(name, no_digest)) {
    check_manifest(manifest.bytes, *digest, subject("manifest", name));
  } else {
    name = reference_.with_tag(name).tag();
  }
  waiting_.push_back({std::move(name), {manifest.bytes, descriptor.media_type}, role});
}

STRATA_INLINE void RegistryRepository::finish() {
  std::ranges::stable_partition(waiting_, [](auto const& each) { return each.role == ManifestRole::child; });
  for (auto const& [reference, manifest, role] : waiting_) {
    if (role == ManifestRole::child && has_manifest(reference)) continue;
    auto put = call("PUT", "manifest", reference, "pull,push");
    put.headers.add("Content-Type", manifest.media_type);
    put.body = manifest.bytes;
    put.has_body = true;
    auto response = session_->send(put);
    if (response.status != 201 && response.status != 200)
      throw session_->refused(response, subject("manifest", reference));
  }
  waiting_.clear();
}

}  // namespace strata::oci
