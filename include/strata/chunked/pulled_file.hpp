#pragma once

#include <strata/chunked/chunked_toc.hpp>
#include <strata/chunked/local_content.hpp>
#include <strata/chunked/range_fetcher.hpp>
#include <strata/concepts/bytes.hpp>
#include <strata/digest.hpp>
#include <strata/error.hpp>
#include <strata/separate.hpp>
#include <strata/sys/fd.hpp>
#include <strata/tree/file_body.hpp>

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

  Bytes pass(Bytes bytes);
  /// @throws `code` if the digest differs
  void finish(Errc code);

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
  Bytes next() override;

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

  Bytes next() override;

 private:
  /// Reader of one chunk's compressed bytes.
  struct FromStream {
    RangeFetcher* fetcher;
    std::uint64_t left;
    Bytes next();
  };

  archive::ChunkedPiece const& piece() const { return plan_.pieces[at_].piece; }
  [[noreturn]] void fail() const;

  void open();

  /// Next bytes of the current chunk; empty at its end.
  Bytes part();
  void close();

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

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/chunked/pulled_file.ipp>
#endif
