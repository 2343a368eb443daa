#pragma once

#include <strata/codec/codec.hpp>
#include <strata/concepts/bytes.hpp>
#include <strata/digest.hpp>
#include <strata/progress.hpp>
#include <strata/separate.hpp>
#include <strata/stream/block_ring.hpp>

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

  Bytes next() override;

  /// Reads the rest of the input and returns its digests and sizes. Call once.
  DecompressingReaderResult finish();

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
    ~Stages();

    /// An exception with this message; bad_alloc if there is no memory for it.
    static std::exception_ptr stopped(std::string_view by) noexcept;

    /// Reads as much of the input as detection needs.
    Bytes read_first();

    void prepare(Compression found);

    void start(Source decoder);

    /// Fills a block from the source, passes it on, and hashes it while it is cached. False at the end.
    bool read_block();
    bool try_read_block() noexcept;

    /// The same from the decoder.
    bool decode_block(Source& decoder);
    bool try_decode_block(Source& decoder) noexcept;

    void hash_plain() noexcept;

    void check_size(std::uint64_t bytes) const;

    void cancel(std::exception_ptr reason) noexcept;

    void join() noexcept;

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

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/stream/decompressing_reader.ipp>
#endif
