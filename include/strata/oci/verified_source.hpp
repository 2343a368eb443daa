#pragma once

#include <strata/concepts/bytes.hpp>
#include <strata/digest.hpp>
#include <strata/oci/descriptor.hpp>
#include <strata/separate.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace strata::oci {

/// The bytes of a blob on their way to a place, which are found to be those of its descriptor, or an error before their
/// end is reported. Satisfies `SizedSource`.
class VerifiedSource {
 public:
  /// @param where  of the blob, for errors: a path
  /// @throws `Errc::digest_unsupported` for other digests than SHA-256
  VerifiedSource(Source in, Descriptor const& blob, std::string where);

  /// @throws what the source throws; `Errc::digest_mismatch` for another size or digest
  Bytes next();

  std::optional<std::uint64_t> size() const noexcept { return left_; }

 private:
  [[noreturn]] void refuse(std::string const& how) const;

  Source in_;
  Digest digest_;
  std::uint64_t size_;
  std::uint64_t left_;
  std::string where_;
  std::optional<Hasher> hasher_ = Hasher();  // empty once the end was reported
};

}  // namespace strata::oci

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/oci/verified_source.ipp>
#endif
