#pragma once

#include <strata/stream/compressing_writer.hpp>

#include <algorithm>

namespace strata::archive {

STRATA_INLINE void CompressingWriter::write(Bytes bytes) {
  stop_.check();
  plain_size_ += bytes.size();
  if (plain_) plain_->write(bytes);
  encoder_->write(bytes);
}

STRATA_INLINE CompressingWriterResult CompressingWriter::finish() {
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

STRATA_INLINE CompressingWriter::Output::Output(Sink out, bool hashed) : sink(std::move(out)) {
  if (hashed) hash.emplace();
}

STRATA_INLINE void CompressingWriter::Output::write(Bytes bytes) {
  size += bytes.size();
  if (hash) hash->update(bytes);
  sink.write(bytes);
}

STRATA_INLINE CompressingWriter::PlainHash::~PlainHash() {
  ring_.cancel(std::make_exception_ptr(Error(Errc::stopped, "output no longer written")));
  if (thread_.joinable()) thread_.join();
}

STRATA_INLINE void CompressingWriter::PlainHash::write(Bytes bytes) {
  while (!bytes.empty()) {
    if (block_.empty()) block_ = ring_.claim();
    auto const part = bytes.first(std::min(bytes.size(), block_.size() - filled_));
    std::ranges::copy(part, block_.begin() + static_cast<std::ptrdiff_t>(filled_));
    filled_ += part.size();
    bytes = bytes.subspan(part.size());
    if (filled_ == block_.size()) hand_over();
  }
}

STRATA_INLINE Digest CompressingWriter::PlainHash::finish() {
  if (filled_ != 0) hand_over();
  ring_.close();
  thread_.join();
  return hash_.finish();
}

STRATA_INLINE void CompressingWriter::PlainHash::hand_over() {
  ring_.publish(filled_);
  block_ = {};
  filled_ = 0;
}

STRATA_INLINE void CompressingWriter::PlainHash::run() noexcept {
  try {
    for (Bytes block; !(block = ring_.next(0)).empty();) hash_.update(block);
  } catch (...) {  // only after `cancel()`
  }
}

}  // namespace strata::archive
