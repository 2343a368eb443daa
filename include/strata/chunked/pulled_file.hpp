#pragma once

#include <strata/chunked/chunked_toc.hpp>
#include <strata/chunked/local_content.hpp>
#include <strata/chunked/range_fetcher.hpp>
#include <strata/codec/zstd.hpp>
#include <strata/concepts/bytes.hpp>
#include <strata/digest.hpp>
#include <strata/error.hpp>
#include <strata/sys/fd.hpp>
#include <strata/tree/file_body.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <sys/types.h>
#include <unistd.h>
#include <utility>
#include <vector>

/// Contents of one file of a partially pulled layer: assembled from files of other layers, from the stream
/// and from zeros, hashed on the way, and rejected if they do not match the table of contents.
namespace strata::detail {

/// Source of one chunk.
struct PiecePlan {
  archive::ChunkedPiece piece = {};
  LocalPlace const* local = nullptr;  ///< null: from the stream, or zeros
};
/// Source of one file: a whole file of the store, or chunks.
struct FilePlan {
  archive::ChunkedEntry entry = {};
  LocalPlace const* whole = nullptr;
  std::vector<PiecePlan> pieces = {};  ///< unless `whole` is set
};

/// Observes the contents of a layer's files.
class ContentObserver {
 public:
  virtual ~ContentObserver() = default;
  virtual void contents(Bytes bytes) = 0;
};

/// Hashes a file's contents and compares the digest at the end.
class CheckedContent {
 public:
  CheckedContent(archive::ChunkedEntry const& entry, ContentObserver* observer)
      : entry_(entry), observer_(observer) {}

  Bytes pass(Bytes bytes) {
    hasher_.update(bytes);
    if (observer_ != nullptr) observer_->contents(bytes);
    return bytes;
  }
  /// @throws `code` if the digest differs
  void finish(Errc code) {
    if (auto const found = hasher_.finish(); found.str() != entry_.digest)
      throw Error(code,
                  "file \"" + entry_.header.name + "\", wanted " + entry_.digest + ", got " + found.str());
  }

 private:
  archive::ChunkedEntry const& entry_;
  ContentObserver* observer_;
  Hasher hasher_ = {};
};

/// A file reused as a whole.
class WholeBody final : public archive::FileBody {
 public:
  WholeBody(sys::Fd file, archive::ChunkedEntry const& entry, ContentObserver* observer, bool may_link)
      : file_(std::move(file)), checked_(entry, observer), may_link_(may_link) {}

  int descriptor() const noexcept override { return file_.get(); }
  bool may_link() const noexcept override { return may_link_; }
  Bytes next() override {
    if (done_) return {};
    auto const n = sys::retry([&] { return ::pread(file_.get(), buffer_.data(), buffer_.size(), at_); });
    if (n < 0) sys::throw_errno("read", "file of a layer");
    at_ += n;
    if (n != 0) return checked_.pass(Bytes(buffer_).first(static_cast<std::size_t>(n)));
    done_ = true;
    checked_.finish(Errc::changed_meanwhile);
    return {};
  }

 private:
  sys::Fd file_;
  CheckedContent checked_;
  bool may_link_;
  off_t at_ = 0;
  bool done_ = false;
  std::vector<std::byte> buffer_ = std::vector<std::byte>(256 * 1024);
};

/// A file assembled from chunks.
class PiecesBody final : public Reader {
 public:
  PiecesBody(FilePlan const& plan, RangeFetcher& fetcher, ContentObserver* observer)
      : plan_(plan), fetcher_(&fetcher), checked_(plan.entry, observer) {}

  Bytes next() override {
    while (at_ < plan_.pieces.size()) {
      if (!open_) open();
      if (auto const bytes = part(); !bytes.empty()) return checked_.pass(bytes);
      close();
    }
    if (!std::exchange(done_, true)) checked_.finish(Errc::digest_mismatch);
    return {};
  }

 private:
  /// Reader of one chunk's compressed bytes.
  struct FromStream {
    RangeFetcher* fetcher;
    std::uint64_t left;
    Bytes next() {
      if (left == 0) return {};
      auto const bytes =
          fetcher->next(static_cast<std::size_t>(std::min<std::uint64_t>(left, std::size_t{1} << 20)));
      left -= bytes.size();
      return bytes;
    }
  };

  archive::ChunkedPiece const& piece() const { return plan_.pieces[at_].piece; }
  [[noreturn]] void fail() const {
    throw Error(Errc::corrupt_archive,
                "file \"" + plan_.entry.header.name + "\", chunk at byte " + std::to_string(piece().offset));
  }

  void open() {
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

  /// Next bytes of the current chunk; empty at its end.
  Bytes part() {
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
  void close() {
    plain_ = {};
    file_ = {};
    open_ = false;
    ++at_;
  }

  static constexpr std::size_t buffer_size = 128 * 1024;
  FilePlan const& plan_;
  RangeFetcher* fetcher_;
  CheckedContent checked_;
  std::size_t at_ = 0;
  std::uint64_t left_ = 0;
  bool open_ = false;
  bool done_ = false;
  Source plain_ = {};
  sys::Fd file_ = {};
  off_t file_at_ = 0;
  std::vector<std::byte> buffer_ = {};
};

}  // namespace strata::detail
