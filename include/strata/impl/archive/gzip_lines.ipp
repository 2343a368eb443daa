#pragma once

#include <strata/archive/gzip_lines.hpp>

#include <algorithm>

namespace strata::archive {

STRATA_INLINE GzipTextWriter::GzipTextWriter(Writer& out)
    : out_(out),
      text_(std::make_unique_for_overwrite<char[]>(capacity)),
      packed_(std::make_unique_for_overwrite<std::uint8_t[]>(capacity)),
      level_(std::make_unique_for_overwrite<std::uint8_t[]>(ISAL_DEF_LVL1_DEFAULT)),
      stream_(std::make_unique<isal_zstream>()) {
  isal_deflate_init(stream_.get());
  stream_->gzip_flag = IGZIP_GZIP;
  stream_->level = 1;  // level 0 is no faster here and its output is a fifth larger
  stream_->level_buf = level_.get();
  stream_->level_buf_size = ISAL_DEF_LVL1_DEFAULT;
}

STRATA_INLINE void GzipTextWriter::append(std::string_view text) {
  while (!text.empty()) {
    auto const n = std::min(text.size(), capacity / 2);
    std::memcpy(room(n), text.data(), n);
    advance(n);
    text.remove_prefix(n);
  }
}

STRATA_INLINE char* GzipTextWriter::room(std::size_t size) {
  if (size > capacity - used_) deflate();
  return text_.get() + used_;
}

STRATA_INLINE void GzipTextWriter::finish() {
  stream_->end_of_stream = 1;
  deflate();
}

STRATA_INLINE void GzipTextWriter::deflate() {
  stream_->next_in = reinterpret_cast<std::uint8_t*>(text_.get());
  stream_->avail_in = static_cast<std::uint32_t>(used_);
  used_ = 0;
  do {
    stream_->next_out = packed_.get();
    stream_->avail_out = capacity;
    if (isal_deflate(stream_.get()) != COMP_OK) throw Error(Errc::unsupported, "deflate in ISA-L");
    if (auto const n = capacity - stream_->avail_out; n != 0)
      out_.write(std::as_bytes(std::span(packed_.get(), n)));
  } while (stream_->avail_out == 0);
}

STRATA_INLINE GzipLineReader::GzipLineReader(Reader& in, std::size_t limit)
    : in_(in), limit_(limit), state_(std::make_unique<inflate_state>()) {
  text_.resize(256U * 1024);
}

STRATA_INLINE std::optional<std::string_view> GzipLineReader::next() {
  std::size_t searched = begin_;
  while (true) {
    auto const* const found =
        static_cast<char const*>(std::memchr(text_.data() + searched, '\n', end_ - searched));
    if (found != nullptr) {
      auto const start = std::exchange(begin_, static_cast<std::size_t>(found - text_.data()) + 1);
      return std::string_view(text_).substr(start, begin_ - 1 - start);
    }
    if (begin_ != 0) {
      std::memmove(text_.data(), text_.data() + begin_, end_ - begin_);
      end_ -= std::exchange(begin_, 0);
    }
    if (end_ == text_.size()) {
      if (end_ >= limit_) throw damaged("a line above " + std::to_string(limit_) + " bytes");
      text_.resize(2 * end_);
    }
    searched = end_;
    if (!inflate()) {
      if (begin_ == end_) return {};
      auto const start = std::exchange(begin_, end_);
      return std::string_view(text_).substr(start, end_ - start);
    }
  }
}

STRATA_INLINE Error GzipLineReader::damaged(std::string const& what) {
  return Error(Errc::corrupt_tar_split, "gzip data: " + what);
}

STRATA_INLINE bool GzipLineReader::inflate() {
  auto const before = end_;
  while (end_ == before) {
    bool ended = false;
    if (state_->avail_in == 0) {
      auto const chunk = in_.next();
      if (chunk.empty() && !within_) {
        if (members_ == 0) throw damaged("empty");
        return false;
      }
      ended = chunk.empty();  // ISA-L may still hold text that had no room before
      if (chunk.size() > 0xffffffffU) throw damaged("a chunk above 4 GiB");
      // ISA-L takes its input as a pointer to non-const but does not write to it.
      state_->next_in = const_cast<std::uint8_t*>(reinterpret_cast<std::uint8_t const*>(chunk.data()));
      state_->avail_in = static_cast<std::uint32_t>(chunk.size());
    }
    if (!within_) {
      auto* const next_in = state_->next_in;
      auto const avail_in = state_->avail_in;
      isal_inflate_init(state_.get());
      state_->crc_flag = ISAL_GZIP_NO_HDR_VER;
      state_->next_in = next_in;
      state_->avail_in = avail_in;
      isal_gzip_header_init(&header_);
      within_ = in_header_ = true;
    }
    // A separate call, which keeps its state in `header_`: isal_inflate() forgets a header's flags between
    // two calls, and would only accept a header with a name in one piece.
    if (in_header_) {
      auto const result = isal_read_gzip_header(state_.get(), &header_);
      if (result != ISAL_DECOMP_OK && result != ISAL_END_INPUT)
        throw damaged("header error " + std::to_string(result));
      in_header_ = result == ISAL_END_INPUT;
      if (in_header_ && ended) throw damaged("cut off");
      if (in_header_) continue;
    }
    state_->next_out = reinterpret_cast<std::uint8_t*>(text_.data() + end_);
    auto const space = static_cast<std::uint32_t>(std::min<std::size_t>(text_.size() - end_, 1U << 30U));
    state_->avail_out = space;
    if (auto const result = isal_inflate(state_.get()); result != ISAL_DECOMP_OK)
      throw damaged("error " + std::to_string(result));
    end_ += space - state_->avail_out;
    bool const idle = state_->avail_in == 0 && state_->avail_out == space;
    if (state_->block_state == ISAL_BLOCK_FINISH) {
      within_ = false;
      ++members_;
    } else if (idle && ended) {
      throw damaged("cut off");
    }
  }
  return true;
}

}  // namespace strata::archive
