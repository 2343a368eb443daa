#pragma once

#include <strata/codec/codec.hpp>
#include <strata/concepts/bytes.hpp>
#include <strata/digest.hpp>
#include <strata/progress.hpp>

#include <cstdint>
#include <memory>
#include <optional>

namespace strata::archive {

/// Limits and company of an `Inlet`.
struct InletOptions {
  std::uint64_t max_bytes = std::uint64_t{256} << 30;  ///< plain bytes
  std::uint64_t max_ratio = 1000;  ///< plain bytes for one byte of input, once more than …
  std::uint64_t ratio_free_bytes = std::uint64_t{1} << 30;  ///< … so many plain bytes have come out
  codec::DecodeOptions decode = {};
  Control control = {};  ///< only `stop` is used: who reads knows better how far it is, see `bytes_in()`
};

struct InletResult {
  Digest compressed_digest;  ///< of the whole input, as it came
  std::uint64_t compressed_size = 0;
  Digest plain_digest;  ///< the same as `compressed_digest` when the input was not compressed
  std::uint64_t plain_size = 0;
  Compression compression = Compression::none;
};

/// The plain bytes of a stream; its interface comes first, the stages behind it follow.
class Inlet final : public Reader {
 public:
  template <codec::Codec... Codecs>
  Inlet(Source in, codec::List<Codecs...> codecs, InletOptions const& options = {});
  Bytes next() override;
  InletResult finish();
  Compression compression() const noexcept;
  std::uint64_t bytes_in() const noexcept;
};

struct OutletOptions {
  codec::EncodeOptions encode = {};
  bool hash_output = false;
  bool hash_plain = false;
};

struct OutletResult {
  std::optional<Digest> output_digest;
  std::uint64_t output_size = 0;
  std::optional<Digest> plain_digest;
  std::uint64_t plain_size = 0;
};

class Outlet final : public Writer {
 public:
  template <codec::Codec... Codecs>
  Outlet(Sink out, Compression compression, codec::List<Codecs...> codecs, OutletOptions const& options = {});
  void write(Bytes bytes) override;
  OutletResult finish();
};

}  // namespace strata::archive
