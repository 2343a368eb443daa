#pragma once

#include <strata/stream/decompressing_reader.hpp>

#include <algorithm>

namespace strata::archive {

STRATA_INLINE Bytes DecompressingReader::next() {
  auto& s = *stages_;
  if (s.small) s.limits.control.check();
  if (s.own_decoder && !s.try_decode_block(s.own_decoder)) s.own_decoder = {};
  auto const block = s.plain->next(0);
  if (s.small && s.compression != Compression::none && !s.plain_hashing.joinable())
    s.plain_hash.update(block);
  taken_ += block.size();
  return block;
}

STRATA_INLINE DecompressingReaderResult DecompressingReader::finish() {
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

STRATA_INLINE DecompressingReader::Stages::~Stages() {
  cancel(stopped("input no longer read"));
  join();
}

STRATA_INLINE std::exception_ptr DecompressingReader::Stages::stopped(std::string_view by) noexcept {
  try {
    return std::make_exception_ptr(Error(Errc::stopped, std::string(by)));
  } catch (...) {
    return std::current_exception();
  }
}

STRATA_INLINE Bytes DecompressingReader::Stages::read_first() {
  limits.control.check();
  while (first_bytes < first.size()) {
    auto const count = in.fill(std::span(first).subspan(first_bytes));
    if (count == 0) break;
    first_bytes += count;
  }
  return Bytes(first).first(first_bytes);
}

STRATA_INLINE void DecompressingReader::Stages::prepare(Compression found) {
  compression = found;
  if (found == Compression::none) {
    plain = &input.emplace(plain_blocks, block_bytes, 1);
  } else {
    input.emplace(input_blocks, block_bytes, 1);
    plain = &decoded.emplace(plain_blocks, block_bytes, small ? 1 : 2);
  }
}

STRATA_INLINE void DecompressingReader::Stages::start(Source decoder) {
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

STRATA_INLINE bool DecompressingReader::Stages::read_block() {
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

STRATA_INLINE bool DecompressingReader::Stages::try_read_block() noexcept {
  try {
    if (read_block()) return true;
    input->close();
  } catch (...) {
    input->close(std::current_exception());
  }
  return false;
}

STRATA_INLINE bool DecompressingReader::Stages::decode_block(Source& decoder) {
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

STRATA_INLINE bool DecompressingReader::Stages::try_decode_block(Source& decoder) noexcept {
  try {
    if (decode_block(decoder)) return true;
    decoded->close();
  } catch (...) {
    decoded->close(std::current_exception());
    input->cancel(std::current_exception());
  }
  return false;
}

STRATA_INLINE void DecompressingReader::Stages::hash_plain() noexcept {
  try {
    for (Bytes block; !(block = decoded->next(1)).empty();) plain_hash.update(block);
  } catch (...) {  // the caller gets the exception from its own `next()`
  }
}

STRATA_INLINE void DecompressingReader::Stages::check_size(std::uint64_t bytes) const {
  if (bytes > limits.max_bytes) throw Error(Errc::over_budget, "size of the input");
}

STRATA_INLINE void DecompressingReader::Stages::cancel(std::exception_ptr reason) noexcept {
  if (input) input->cancel(reason);
  if (decoded) decoded->cancel(reason);
}

STRATA_INLINE void DecompressingReader::Stages::join() noexcept {
  for (auto* thread : {&reading, &decompression, &plain_hashing})
    if (thread->joinable()) thread->join();
}

}  // namespace strata::archive
