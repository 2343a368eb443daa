#pragma once

#include <strata/codec/codec.hpp>
#include <strata/concepts/bytes.hpp>
#include <strata/digest.hpp>
#include <strata/progress.hpp>
#include <strata/stream/block_ring.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

namespace strata::archive {

/// Limits and settings of a `DecompressingReader`.
struct DecompressingReaderOptions {
  std::uint64_t max_bytes = std::uint64_t{256} << 30;  ///< limit on decompressed bytes
  std::uint64_t max_ratio = 1000;  ///< decompressed bytes per input byte, checked beyond …
  std::uint64_t ratio_free_bytes = std::uint64_t{1} << 30;  ///< … this many decompressed bytes
  codec::DecodeOptions decode = {};
  Control control = {};  ///< only `stop` is used; for progress see `bytes_in()`
};

/// Digests and sizes (in bytes) of both sides.
struct DecompressingReaderResult {
  Digest compressed_digest;  ///< of the whole input as read
  std::uint64_t compressed_size = 0;
  Digest plain_digest;  ///< equals `compressed_digest` if the input was not compressed
  std::uint64_t plain_size = 0;
  Compression compression = Compression::none;
};

/// Decompresses an input if it is compressed, and computes the digest and size of both sides.
///
/// Reading with hashing, decompression, and hashing of the output each run on their own thread; the caller
/// pulls the output with `next()`. An input known to be below 256 KiB is processed by the caller. Memory: 8 MiB plus the decoder's. An exception of the source or of a stage
/// is rethrown by `next()` after all data that precedes it. Destruction ends the threads, as soon as the
/// source returns. Not safe for concurrent use, except `bytes_in()`.
///
/// Throws, besides the source's exceptions: `Errc::corrupt_archive` (damaged, truncated, or followed by other
/// data), `Errc::over_budget`, `Errc::stopped`.
///
///     archive::DecompressingReader in(file_source("layer.tar.gz"), codec::All{});
///     archive::TarReader tar(in);
class DecompressingReader final : public Reader {
 public:
  /// Waits for the first bytes of `in`, to detect the compression.
  /// @param codecs the supported compressions: `codec::All{}` or another `codec::List`
  /// @throws `Errc::unsupported_compression` if it is detected but no codec of the list decodes it
  template <codec::Codec... Codecs>
  DecompressingReader(Source in, codec::List<Codecs...> codecs,
                      DecompressingReaderOptions const& options = {})
      : stages_(std::make_unique<Stages>(std::move(in), options)) {
    auto const compression = decltype(codecs)::detect(stages_->read_first());
    stages_->prepare(compression);
    auto decoder = compression == Compression::none
                       ? Source()
                       : decltype(codecs)::decompress(compression, Source(BlockReader(*stages_->input, 0)),
                                                      options.decode);
    if (stages_->small && !stages_->try_read_block())
      stages_->own_decoder = std::move(decoder);
    else
      stages_->start(std::move(decoder));
  }

  Bytes next() override {
    auto& s = *stages_;
    if (s.small) s.limits.control.check();
    if (s.own_decoder && !s.try_decode_block(s.own_decoder)) s.own_decoder = {};
    auto const block = s.plain->next(0);
    if (s.small && s.compression != Compression::none && !s.plain_hashing.joinable())
      s.plain_hash.update(block);
    taken_ += block.size();
    return block;
  }

  /// Reads the rest of the input and returns its digests and sizes. Call once.
  DecompressingReaderResult finish() {
    while (!next().empty()) {
    }
    stages_->join();
    auto& s = *stages_;
    auto const compressed = s.compressed_hash.finish();
    return {.compressed_digest = compressed,
            .compressed_size = s.bytes_in,
            .plain_digest = s.compression == Compression::none ? compressed : s.plain_hash.finish(),
            .plain_size = taken_,
            .compression = s.compression};
  }

  /// The detected compression.
  Compression compression() const noexcept { return stages_->compression; }
  /// Number of input bytes read so far; somewhat ahead of `next()`.
  std::uint64_t bytes_in() const noexcept { return stages_->bytes_in; }

 private:
  static constexpr std::size_t block_bytes = std::size_t{256} << 10;
  static constexpr std::size_t input_blocks = 8;
  static constexpr std::size_t plain_blocks = 24;

  struct Stages {
    Stages(Source source, DecompressingReaderOptions const& options)
        : in(std::move(source)), limits(options), small(in.size().value_or(block_bytes) < block_bytes) {}
    Stages(Stages const&) = delete;
    Stages& operator=(Stages const&) = delete;
    ~Stages() {
      cancel(stopped("input no longer read"));
      join();
    }

    /// An exception with this message; bad_alloc if there is no memory for it.
    static std::exception_ptr stopped(std::string_view by) noexcept {
      try {
        return std::make_exception_ptr(Error(Errc::stopped, std::string(by)));
      } catch (...) {
        return std::current_exception();
      }
    }

    /// Reads as much of the input as detection needs.
    Bytes read_first() {
      limits.control.check();
      while (first_bytes < first.size()) {
        auto const count = in.fill(std::span(first).subspan(first_bytes));
        if (count == 0) break;
        first_bytes += count;
      }
      return Bytes(first).first(first_bytes);
    }

    void prepare(Compression found) {
      compression = found;
      if (found == Compression::none) {
        plain = &input.emplace(plain_blocks, block_bytes, 1);
      } else {
        input.emplace(input_blocks, block_bytes, 1);
        plain = &decoded.emplace(plain_blocks, block_bytes, small ? 1 : 2);
      }
    }

    void start(Source decoder) {
      if (decoder) {
        decompression = std::thread([this, d = std::move(decoder)]() mutable {
          while (try_decode_block(d)) {
          }
        });
        if (!small) plain_hashing = std::thread([this] { hash_plain(); });
      }
      reading = std::thread([this] {
        while (try_read_block()) {
        }
      });
      if (limits.control.stop.stop_possible())
        on_stop.emplace(limits.control.stop, [this] { cancel(stopped("the caller's request")); });
    }

    /// Fills a block from the source, passes it on, and hashes it while it is cached. False at the end.
    bool read_block() {
      auto const block = input->claim();
      auto have = std::exchange(first_bytes, 0);
      std::ranges::copy_n(first.begin(), static_cast<std::ptrdiff_t>(have), block.begin());
      bool ended = false;
      while (have < block.size() && !ended && !limits.control.stop.stop_requested()) {
        auto const count = in.fill(block.subspan(have));
        have += count;
        ended = count == 0;
      }
      bytes_in += have;
      if (compression == Compression::none) check_size(bytes_in);
      if (have != 0) {
        input->publish(have);
        compressed_hash.update(block.first(have));
      }
      return !ended;
    }
    bool try_read_block() noexcept {
      try {
        if (read_block()) return true;
        input->close();
      } catch (...) {
        input->close(std::current_exception());
      }
      return false;
    }

    /// The same from the decoder.
    bool decode_block(Source& decoder) {
      auto const block = decoded->claim();
      auto const count = decoder.fill(block);
      if (count == 0) return false;
      bytes_out += count;
      check_size(bytes_out);
      if (bytes_out > limits.ratio_free_bytes &&
          bytes_out / std::max(limits.max_ratio, std::uint64_t{1}) > bytes_in)
        throw Error(Errc::over_budget, "compression ratio of the input");
      decoded->publish(count);
      return true;
    }
    bool try_decode_block(Source& decoder) noexcept {
      try {
        if (decode_block(decoder)) return true;
        decoded->close();
      } catch (...) {
        decoded->close(std::current_exception());
        input->cancel(std::current_exception());
      }
      return false;
    }

    void hash_plain() noexcept {
      try {
        for (Bytes block; !(block = decoded->next(1)).empty();) plain_hash.update(block);
      } catch (...) {  // the caller gets the exception from its own `next()`
      }
    }

    void check_size(std::uint64_t bytes) const {
      if (bytes > limits.max_bytes) throw Error(Errc::over_budget, "size of the input");
    }

    void cancel(std::exception_ptr reason) noexcept {
      if (input) input->cancel(reason);
      if (decoded) decoded->cancel(reason);
    }

    void join() noexcept {
      for (auto* thread : {&reading, &decompression, &plain_hashing})
        if (thread->joinable()) thread->join();
    }

    Source in;
    DecompressingReaderOptions limits;
    bool small;  ///< fits into one block: no thread is started unless there is more than the source said
    std::array<std::byte, codec::magic_bytes> first{};
    std::size_t first_bytes = 0;
    std::optional<BlockRing> input;
    std::optional<BlockRing> decoded;
    Source own_decoder = {};     // of a small input, used by the caller's thread
    BlockRing* plain = nullptr;  // the ring that the caller reads: `decoded` if present, else `input`
    Compression compression = Compression::none;
    std::atomic<std::uint64_t> bytes_in = 0;
    std::uint64_t bytes_out = 0;  // of the decoder
    Hasher compressed_hash;       // used by their threads until these are joined
    Hasher plain_hash;
    std::thread reading, decompression, plain_hashing;
    std::optional<std::stop_callback<std::function<void()>>> on_stop;
  };

  std::unique_ptr<Stages> stages_;
  std::uint64_t taken_ = 0;
};

}  // namespace strata::archive
