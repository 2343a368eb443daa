#pragma once

#include <strata/chunked/pulled_file.hpp>
#include <strata/codec/zstd.hpp>

#include <algorithm>

namespace strata::detail {

STRATA_INLINE Bytes CheckedContent::pass(Bytes bytes) {
  hasher_.update(bytes);
  if (observer_ != nullptr) observer_->contents(bytes);
  return bytes;
}

STRATA_INLINE void CheckedContent::finish(Errc code) {
  if (auto const found = hasher_.finish(); found.str() != entry_.digest)
    throw Error(code,
                "file \"" + entry_.header.name + "\", wanted " + entry_.digest + ", got " + found.str());
}

STRATA_INLINE Bytes WholeBody::next() {
  if (done_) return {};
  auto const n = sys::retry([&] { return ::pread(file_.get(), buffer_.data(), buffer_.size(), at_); });
  if (n < 0) sys::throw_errno("read", "file of a layer");
  at_ += n;
  if (n != 0) return checked_.pass(Bytes(buffer_).first(static_cast<std::size_t>(n)));
  done_ = true;
  checked_.finish(Errc::changed_meanwhile);
  return {};
}

STRATA_INLINE Bytes PiecesBody::next() {
  while (at_ < plan_.pieces.size()) {
    if (!open_) open();
    if (auto const bytes = part(); !bytes.empty()) return checked_.pass(bytes);
    close();
  }
  if (!std::exchange(done_, true)) checked_.finish(Errc::digest_mismatch);
  return {};
}

STRATA_INLINE Bytes PiecesBody::FromStream::next() {
  if (left == 0) return {};
  auto const bytes =
      fetcher->next(static_cast<std::size_t>(std::min<std::uint64_t>(left, std::size_t{1} << 20)));
  left -= bytes.size();
  return bytes;
}

STRATA_INLINE void PiecesBody::fail() const {
  throw Error(Errc::corrupt_archive,
              "file \"" + plan_.entry.header.name + "\", chunk at byte " + std::to_string(piece().offset));
}

STRATA_INLINE void PiecesBody::open() {
  open_ = true;
  left_ = piece().plain_size;
  auto const* const local = plan_.pieces[at_].local;
  if (piece().zeros) {
    buffer_.assign(buffer_size, std::byte{0});
  } else if (local != nullptr) {
    buffer_.resize(buffer_size);
    auto file = open_place(*local);
    if (!file) throw Error(Errc::changed_meanwhile, "file " + local->path + " of a layer");
    file_ = *std::move(file);
    file_at_ = static_cast<off_t>(local->offset);
  } else {
    plain_ = codec::Zstd::decompress(Source(FromStream{fetcher_, piece().end - piece().offset}));
  }
}

STRATA_INLINE Bytes PiecesBody::part() {
  auto const wanted = static_cast<std::size_t>(std::min<std::uint64_t>(left_, buffer_size));
  Bytes bytes;
  if (plain_) {
    bytes = plain_.next();
    if (bytes.size() > left_ || (bytes.empty() && left_ != 0)) fail();
  } else if (wanted == 0) {
    return {};
  } else if (file_) {
    auto const n = sys::retry([&] { return ::pread(file_.get(), buffer_.data(), wanted, file_at_); });
    if (n < 0) sys::throw_errno("read", "file of a layer");
    if (n == 0) throw Error(Errc::changed_meanwhile, "file \"" + plan_.entry.header.name + "\" of a layer");
    file_at_ += n;
    bytes = Bytes(buffer_).first(static_cast<std::size_t>(n));
  } else {
    bytes = Bytes(buffer_).first(wanted);
  }
  left_ -= bytes.size();
  return bytes;
}

STRATA_INLINE void PiecesBody::close() {
  plain_ = {};
  file_ = {};
  open_ = false;
  ++at_;
}

}  // namespace strata::detail
