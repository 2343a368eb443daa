#pragma once

#include <strata/concepts/bytes.hpp>
#include <strata/fs.hpp>
#include <strata/separate.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <thread>

namespace strata::oci {

namespace detail {

class Spool;

}  // namespace detail

/// Brings blobs from a place where that takes long, several at once, while an earlier one is used: each on a thread of its own
/// into an unnamed file, which is read while it grows. Not safe for concurrent use.
///
///     ReadAhead ahead([&](std::size_t i) { return source.blob(blobs[i]); });
///     for (std::size_t i = 0; i < blobs.size(); ++i) {
///       for (auto next = i + 1; next < blobs.size() && ahead.has_room(); ++next) ahead.start(next);
///       use(ahead.take(i));
///     }
class ReadAhead {
 public:
  /// @param open     gives the bytes of a blob. Called, and what it gives is read, on other threads
  /// @param at_once  blobs that are begun and not yet taken; 0: each is opened by `take`
  /// @param scratch  directory of the files; empty: `$TMPDIR`, or /var/tmp
  explicit ReadAhead(std::function<Source(std::size_t)> open, std::size_t at_once = 3, fs::path scratch = {});
  ReadAhead(ReadAhead const&) = delete;
  ReadAhead& operator=(ReadAhead const&) = delete;
  /// Ends what is under way, and waits until that has read its next bytes.
  ~ReadAhead();

  bool has_room() const noexcept { return started_.size() < at_once_; }
  /// Brings a blob. No effect if that has begun; without a thread or a file for it, `take` opens it.
  void start(std::size_t blob);
  /// The bytes of a blob, also while they arrive. Reading throws what bringing them threw, where it did. Call it in
  /// ascending order: those before it that were begun and not taken are given up, and make room for others.
  Source take(std::size_t blob);

 private:
  std::function<Source(std::size_t)> open_;
  std::size_t at_once_;
  fs::path scratch_;
  std::map<std::size_t, std::shared_ptr<detail::Spool>> started_ = {};
  std::map<std::size_t, std::jthread> threads_ = {};
};

}  // namespace strata::oci

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/oci/read_ahead.ipp>
#endif
