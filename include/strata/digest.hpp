#pragma once

#include <strata/error.hpp>
#include <strata/separate.hpp>

#include <openssl/sha.h>
#ifdef OPENSSL_NO_DEPRECATED_3_0
#include <openssl/evp.h>
#endif

#include <algorithm>
#include <compare>
#include <cstddef>
#include <functional>
#include <iosfwd>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace strata {

/// A validated content digest, "<algorithm>:<lower-case hex>" (OCI image specification, "Digests").
/// Algorithms: sha256, sha384, sha512.
class Digest {
 public:
  /// Validates and stores a digest.
  /// @throws `Errc::digest_invalid_format`, `Errc::digest_unsupported`, `Errc::digest_invalid_length`
  static Digest parse(std::string_view text);
  /// The same without these exceptions. @param error  set to the code, or cleared. @return none after an error
  static std::optional<Digest> parse(std::string_view text, std::error_code& error);

  /// The SHA-256 of bytes in memory.
  [[nodiscard]] static Digest of(std::span<std::byte const> bytes);

  std::string const& str() const noexcept { return text_; }
  std::string_view algorithm() const noexcept { return std::string_view(text_).substr(0, text_.find(':')); }
  std::string_view hex() const noexcept { return std::string_view(text_).substr(text_.find(':') + 1); }
  auto operator<=>(Digest const&) const = default;

  /// Writes `str()`.
  template <class CharTraits>
  friend std::basic_ostream<char, CharTraits>& operator<<(std::basic_ostream<char, CharTraits>& out,
                                                          Digest const& digest) {
    out << std::string_view(digest.text_);
    return out;
  }

 private:
  friend class Hasher;
  explicit Digest(std::string text) : text_(std::move(text)) {}

  static std::error_code check(std::string_view text) noexcept;

  std::string text_;
};

namespace detail {

#ifndef OPENSSL_NO_DEPRECATED_3_0
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
/// Calls the algorithm itself: libcrypto's interface for any algorithm reads its configuration file at first
/// use, and linked statically it is 3 MiB.
class Sha256 {
 public:
  Sha256() noexcept { SHA256_Init(&context_); }
  void update(std::span<std::byte const> bytes) { SHA256_Update(&context_, bytes.data(), bytes.size()); }
  void finish(unsigned char* digest) { SHA256_Final(digest, &context_); }

 private:
  SHA256_CTX context_;
};
#pragma GCC diagnostic pop
#else
/// Where the algorithm itself is hidden, as in a program that defines OPENSSL_NO_DEPRECATED; then all of its
/// sources must.
class Sha256 {
 public:
  /// @throws `Errc::unsupported` if libcrypto has no SHA-256
  Sha256() : context_(EVP_MD_CTX_new()) {
    if (!context_ || EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) != 1)
      throw Error(Errc::unsupported, "SHA-256 in libcrypto");
  }
  void update(std::span<std::byte const> bytes) {
    EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size());
  }
  void finish(unsigned char* digest) { EVP_DigestFinal_ex(context_.get(), digest, nullptr); }

 private:
  struct Free {
    void operator()(EVP_MD_CTX* context) const noexcept { EVP_MD_CTX_free(context); }
  };
  std::unique_ptr<EVP_MD_CTX, Free> context_;
};
#endif

}  // namespace detail

/// Computes the SHA-256 of a stream with OpenSSL's libcrypto (1.3 GB/s and more with the processor's SHA
/// instructions). Satisfies `ByteSink`. Movable. Not safe for concurrent use.
class Hasher {
 public:
  void update(std::span<std::byte const> bytes) { sha256_.update(bytes); }
  void write(std::span<std::byte const> bytes) { update(bytes); }

  /// Returns the digest. Call once; the object must not be used afterwards.
  [[nodiscard]] Digest finish();

 private:
  detail::Sha256 sha256_;
};

}  // namespace strata

template <>
struct std::hash<strata::Digest> {
  std::size_t operator()(strata::Digest const& digest) const noexcept {
    return std::hash<std::string>{}(digest.str());
  }
};

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/digest.ipp>
#endif
