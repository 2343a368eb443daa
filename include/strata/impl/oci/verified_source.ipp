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

}  // namespace strata::oci
