#pragma once

#include <strata/codec/codec.hpp>
#include <strata/concepts/bytes.hpp>
#include <strata/digest.hpp>
#include <strata/progress.hpp>
#include <strata/stream/block_ring.hpp>

#include <algorithm>
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

  void write(Bytes bytes) override {
    stop_.check();
    plain_size_ += bytes.size();
    if (plain_) plain_->write(bytes);
    encoder_->write(bytes);
  }

  /// Writes the remaining output; returns once the sink has received everything. Call once.
  /// @throws exceptions of the sink; `Errc::stopped`
  CompressingWriterResult finish() {
    stop_.check();
    encoder_->finish();
    CompressingWriterResult result;
    result.plain_size = plain_size_;
    result.output_size = output_->size;
    if (plain_) result.plain_digest = plain_->finish();
    if (output_->hash) result.output_digest = output_->hash->finish();
    if (same_) result.output_digest = result.plain_digest;
    return result;
  }

 private:
  struct Output {
    Output(Sink out, bool hashed) : sink(std::move(out)) {
      if (hashed) hash.emplace();
    }
    void write(Bytes bytes) {
      size += bytes.size();
      if (hash) hash->update(bytes);
      sink.write(bytes);
    }
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
    ~PlainHash() {
      ring_.cancel(std::make_exception_ptr(Error(Errc::stopped, "output no longer written")));
      if (thread_.joinable()) thread_.join();
    }

    void write(Bytes bytes) {
      while (!bytes.empty()) {
        if (block_.empty()) block_ = ring_.claim();
        auto const part = bytes.first(std::min(bytes.size(), block_.size() - filled_));
        std::ranges::copy(part, block_.begin() + static_cast<std::ptrdiff_t>(filled_));
        filled_ += part.size();
        bytes = bytes.subspan(part.size());
        if (filled_ == block_.size()) hand_over();
      }
    }

    Digest finish() {
      if (filled_ != 0) hand_over();
      ring_.close();
      thread_.join();
      return hash_.finish();
    }

   private:
    void hand_over() {
      ring_.publish(filled_);
      block_ = {};
      filled_ = 0;
    }
    void run() noexcept {
      try {
        for (Bytes block; !(block = ring_.next(0)).empty();) hash_.update(block);
      } catch (...) {  // only after `cancel()`
      }
    }

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
