#pragma once

#include <strata/concepts/bytes.hpp>
#include <strata/digest.hpp>
#include <strata/oci/descriptor.hpp>
#include <strata/separate.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

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

/// All bytes of a blob, verified.
/// @param most  bytes
/// @throws as `VerifiedSource`; `Errc::over_budget` for a larger blob, of which nothing is read
std::string read_verified(Source in, Descriptor const& blob, std::string const& where, std::size_t most);

/// @throws `Errc::digest_mismatch` if the manifest is another one; `Errc::digest_unsupported` for other digests than SHA-256
void check_manifest(std::string_view bytes, Digest const& digest, std::string const& where);

/// @throws `Errc::digest_mismatch` if a place has a blob in another size than its descriptor's
void check_size(std::uint64_t size, Descriptor const& blob, std::string const& where);

}  // namespace strata::oci

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/oci/verified_source.ipp>
#endif
