#pragma once

#include <strata/error.hpp>
#include <strata/oci/verified_source.hpp>

#include <utility>

namespace strata::oci {

STRATA_INLINE VerifiedSource::VerifiedSource(Source in, Descriptor const& blob, std::string where)
    : in_(std::move(in)), digest_(blob.digest), size_(blob.size), left_(blob.size), where_(std::move(where)) {
  if (digest_.algorithm() != "sha256")
    throw Error(Errc::digest_unsupported,
                "blob " + digest_.str() + " of " + where_ + ": only SHA-256 is verified");
}

STRATA_INLINE void VerifiedSource::refuse(std::string const& how) const {
  throw Error(Errc::digest_mismatch, "blob " + digest_.str() + " of " + where_ + ": " + how);
}

STRATA_INLINE Bytes VerifiedSource::next() {
  if (!hasher_) return {};
  auto const part = in_.next();
  if (part.size() > left_) refuse("more than " + std::to_string(size_) + " bytes");
  left_ -= part.size();
  if (!part.empty()) {
    hasher_->update(part);
    return part;
  }
  if (left_ != 0) refuse(std::to_string(size_ - left_) + " bytes instead of " + std::to_string(size_));
  auto const found = hasher_->finish();
  hasher_.reset();
  if (found != digest_) refuse("the bytes have the digest " + found.str());
  return {};
}

STRATA_INLINE std::string read_verified(Source in, Descriptor const& blob, std::string const& where,
                                        std::size_t most) {
  if (blob.size > most)
    throw Error(Errc::over_budget, "blob " + blob.digest.str() + " of " + where + ": " +
                                       std::to_string(blob.size) + " bytes, above " + std::to_string(most));
  VerifiedSource verified(std::move(in), blob, where);
  std::string text;
  for (Bytes part = verified.next(); !part.empty(); part = verified.next()) text += as_text(part);
  return text;
}

STRATA_INLINE void check_manifest(std::string_view bytes, Digest const& digest, std::string const& where) {
  if (digest.algorithm() != "sha256")
    throw Error(Errc::digest_unsupported,
                "manifest " + digest.str() + " of " + where + ": only SHA-256 is verified");
  if (auto const found = Digest::of(as_bytes(bytes)); found != digest)
    throw Error(Errc::digest_mismatch,
                "manifest " + digest.str() + " of " + where + ": the bytes have the digest " + found.str());
}

STRATA_INLINE void check_size(std::uint64_t size, Descriptor const& blob, std::string const& where) {
  if (size != blob.size)
    throw Error(Errc::digest_mismatch, "blob " + blob.digest.str() + " of " + where + ": " +
                                           std::to_string(size) + " bytes instead of " +
                                           std::to_string(blob.size));
}

}  // namespace strata::oci
