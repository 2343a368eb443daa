#pragma once

#include <strata/codec/codec.hpp>
#include <strata/concepts/bytes.hpp>
#include <strata/digest.hpp>
#include <strata/progress.hpp>
#include <strata/separate.hpp>
#include <strata/stream/block_ring.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <thread>
#include <utility>

namespace strata::archive {

/// Settings of a `CompressingWriter`.
struct CompressingWriterOptions {
  codec::EncodeOptions encode = {};
  bool hash_plain = false;   ///< compute the digest of the input
  bool hash_output = false;  ///< compute the digest of the output; free if that equals the input
  Control control = {};      ///< only `stop` is used
};

/// Digests and sizes (in bytes) of both sides.
struct CompressingWriterResult {
  std::optional<Digest> plain_digest;  ///< if requested; without compression, if either is
  std::uint64_t plain_size = 0;
  std::optional<Digest> output_digest;  ///< if requested
  std::uint64_t output_size = 0;
};

/// Compresses what is written to it into a sink and computes the digest and size of both sides.
///
/// Compression and input hashing run on their own threads. The sink is called by one thread at a time, not
/// necessarily the caller's; its exceptions are rethrown by a later `write()` or `finish()`. Without
/// `finish()` the output is truncated. Not safe for concurrent use.
///
///     archive::CompressingWriter out(file_sink(path), Compression::zstd, codec::All{});
///     out.write(bytes);
///     auto const result = out.finish();
class CompressingWriter final : public Writer {
 public:
  /// @param codecs the available compressions: `codec::All{}` or another `codec::List`
  /// @throws `Errc::unsupported_compression` if no codec of the list encodes `compression`
  template <codec::Codec... Codecs>
  CompressingWriter(Sink out, Compression compression, codec::List<Codecs...> codecs,
                    CompressingWriterOptions const& options = {})
      : stop_(options.control),
        same_(compression == Compression::none),
        output_(std::make_unique<Output>(std::move(out), options.hash_output && !same_)),
        encoder_(decltype(codecs)::compress(compression, Sink(ToOutput{output_.get()}), options.encode)),
        plain_(options.hash_plain || (options.hash_output && same_) ? std::make_unique<PlainHash>()
                                                                    : nullptr) {}

  void write(Bytes bytes) override;

  /// Writes the remaining output; returns once the sink has received everything. Call once.
  /// @throws exceptions of the sink; `Errc::stopped`
  CompressingWriterResult finish();

 private:
  struct Output {
    Output(Sink out, bool hashed);
    void write(Bytes bytes);
    Sink sink;
    std::optional<Hasher> hash;
    std::uint64_t size = 0;
  };
  struct ToOutput {
    void write(Bytes bytes) { output->write(bytes); }
    Output* output;
  };

  /// Hashes copies of the bytes on its own thread; copying takes a tenth of the time of hashing.
  class PlainHash {
   public:
    PlainHash() : thread_([this] { run(); }) {}
    PlainHash(PlainHash const&) = delete;
    PlainHash& operator=(PlainHash const&) = delete;
    ~PlainHash();

    void write(Bytes bytes);

    Digest finish();

   private:
    void hand_over();
    void run() noexcept;

    BlockRing ring_{16, std::size_t{256} << 10, 1};
    std::span<std::byte> block_;
    std::size_t filled_ = 0;
    Hasher hash_;
    std::thread thread_;  // last: it uses the members above
  };

  Control stop_;
  bool same_;                       // the output equals the input and is hashed once
  std::unique_ptr<Output> output_;  // before the encoder, whose threads write to it
  std::unique_ptr<codec::Encoder> encoder_;
  std::unique_ptr<PlainHash> plain_;
  std::uint64_t plain_size_ = 0;
};

}  // namespace strata::archive

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/stream/compressing_writer.ipp>
#endif
