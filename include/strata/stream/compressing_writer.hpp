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

/// How an `CompressingWriter` works.
struct CompressingWriterOptions {
  codec::EncodeOptions encode = {};
  bool hash_plain = false;   ///< want the digest of what is written to the outlet
  bool hash_output = false;  ///< want the digest of what comes out; free where that is the plain bytes
  Control control = {};      ///< only `stop` is used
};

struct CompressingWriterResult {
  std::optional<Digest> plain_digest;  ///< where asked for; when nothing is compressed, both where one is
  std::uint64_t plain_size = 0;
  std::optional<Digest> output_digest;  ///< where asked for
  std::uint64_t output_size = 0;
};

/// Compresses what is written to it into a sink, with the digest and size of either side.
///
/// Compression and hashing of the plain bytes have threads of their own. The sink may be called from another thread than the
/// caller's, by one at a time. What it throws, a later `write()` or `finish()` throws. Without `finish()` the output
/// ends in the middle.
class CompressingWriter final : public Writer {
 public:
  /// @param codecs  which compressions there are: `codec::All{}`, or another `codec::List`
  /// @throws        `Errc::unsupported_compression`: no codec of the list produces `compression`
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

  /// Returns when the sink has got everything. Call once.
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

  /// Hashes copies of the bytes in a thread of its own: copying takes a tenth of the time that hashing takes.
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
      } catch (...) {  // only `cancel()` leads here
      }
    }

    BlockRing ring_{16, std::size_t{256} << 10, 1};
    std::span<std::byte> block_;
    std::size_t filled_ = 0;
    Hasher hash_;
    std::thread thread_;  // last: it uses the members above
  };

  Control stop_;
  bool same_;                       // what comes out is what goes in: hashed once
  std::unique_ptr<Output> output_;  // before the encoder, whose threads write to it until it is gone
  std::unique_ptr<codec::Encoder> encoder_;
  std::unique_ptr<PlainHash> plain_;
  std::uint64_t plain_size_ = 0;
};

}  // namespace strata::archive
