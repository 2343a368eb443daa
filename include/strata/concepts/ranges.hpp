#pragma once

#include <strata/concepts/bytes.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>

namespace strata {

/// A range of bytes.
struct ByteRange {
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
  std::uint64_t end() const noexcept { return offset + size; }
  bool operator==(ByteRange const&) const = default;
};

/// Receives the next bytes of the range with that index.
using RangeBytes = std::function<void(std::size_t range, Bytes bytes)>;

/// Random access to bytes, several ranges at a time: a file, or a blob of a registry by HTTP range requests.
///
/// - `s.size()`  total number of bytes
/// - `s.read(ranges, to)`  reads these ranges, which are ascending, disjoint and not empty: calls `to(index,
///   bytes)` for one range after the other, each completely, in chunks of any size. Exceptions of `to` end
///   the call. `read` may be called from another thread than the one that made the source; never concurrently
///
/// Callers verify the bytes: a source need not be trusted.
template <class S>
concept RangeSource = std::movable<S> &&
    requires(S& s, std::span<ByteRange const> ranges, RangeBytes const& to) {
  { s.size() } -> std::convertible_to<std::uint64_t>;
  { s.read(ranges, to) } -> std::same_as<void>;
};

/// Owns any `RangeSource`. Movable, not copyable; unusable after a move.
class Ranges final {
 public:
  template <class S>
  requires(!std::same_as<std::remove_cvref_t<S>, Ranges> && RangeSource<std::remove_cvref_t<S>>)
      Ranges(S&& source)
      : held_(std::make_unique<Held<std::remove_cvref_t<S>>>(std::forward<S>(source))) {}

  std::uint64_t size() { return held_->size(); }
  void read(std::span<ByteRange const> ranges, RangeBytes const& to) { held_->read(ranges, to); }

 private:
  struct Base {
    virtual ~Base() = default;
    virtual std::uint64_t size() = 0;
    virtual void read(std::span<ByteRange const> ranges, RangeBytes const& to) = 0;
  };
  template <class S>
  struct Held final : Base {
    template <class T>
    explicit Held(T&& source) : source_(std::forward<T>(source)) {}
    std::uint64_t size() override { return source_.size(); }
    void read(std::span<ByteRange const> ranges, RangeBytes const& to) override { source_.read(ranges, to); }
    S source_;
  };
  std::unique_ptr<Base> held_;
};

}  // namespace strata
