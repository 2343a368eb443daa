#pragma once

#include <strata/concepts/bytes.hpp>
#include <strata/concepts/ranges.hpp>
#include <strata/error.hpp>
#include <strata/oci/descriptor.hpp>
#include <strata/oci/registry_session.hpp>
#include <strata/oci/retry.hpp>
#include <strata/separate.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace strata::oci {

/// Bytes of a blob of a registry, as they arrive. When the answer breaks off, what is missing is asked for; a registry that does
/// not know ranges sends the blob once more, of which what was read is skipped. Satisfies `SizedSource`.
///
/// It gives up where `RetryOptions::tries` answers in a row broke off with less than 1 MiB.
class RegistryBlob {
 public:
  /// Sends the request.
  /// @param call   for the whole blob
  /// @param range  of the blob
  /// @throws what `RegistrySession::send` and `refused` throw; `Errc::digest_mismatch` if the registry has the blob in another
  ///   size, or it ends before the range does
  RegistryBlob(std::shared_ptr<RegistrySession> session, RegistryCall call, Descriptor const& blob,
               ByteRange range);

  /// @throws the same
  Bytes next();
  std::optional<std::uint64_t> size() const noexcept { return left_.size; }

 private:
  void open();
  Bytes read();
  void check_end();
  [[noreturn]] void refuse_size(std::string const& found) const;

  std::shared_ptr<RegistrySession> session_;
  RegistryCall call_;
  std::uint64_t size_;
  ByteRange left_;
  std::uint64_t skip_ = 0;      // bytes of the answer before those that are wanted
  bool is_part_ = false;        // the answer is a part of the blob
  std::uint64_t progress_ = 0;  // bytes since the last failure
  Source body_ = {};
  Backoff waits_;
};

namespace detail {

/// "bytes 0-99/200" (RFC 9110, section 14.4).
struct ContentRange {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  std::optional<std::uint64_t> size = {};  ///< of all; none: not stated

  static std::optional<ContentRange> parse(std::string_view text);
};

}  // namespace detail

}  // namespace strata::oci

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/oci/registry_blob.ipp>
#endif
