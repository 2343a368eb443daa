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

/// Bytes of something larger.
struct ByteRange {
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
  std::uint64_t end() const noexcept { return offset + size; }
  bool operator==(ByteRange const&) const = default;
};

/// Gets what was read: the next bytes of the range with that index.
using RangeBytes = std::function<void(std::size_t range, Bytes bytes)>;

/// Bytes that can be read at any place, several places at once: a file, or a blob of a registry by HTTP range requests.
///
/// - `s.size()`            bytes of the whole
/// - `s.read(ranges, to)`  reads all of these, which are in ascending order, do not overlap and are not empty: calls
///                         `to(index, bytes)` for one range after the other, in order and with all of its bytes, in pieces
///                         as they come. What `to` throws ends the call. `read` is called from another thread than the one
///                         that made the source; never twice at once
///
/// What comes is checked by who asked: a source may lie.
template <class S>
concept RangeSource = std::movable<S> &&
    requires(S& s, std::span<ByteRange const> ranges, RangeBytes const& to) {
  { s.size() } -> std::convertible_to<std::uint64_t>;
  { s.read(ranges, to) } -> std::same_as<void>;
};

/// Owns any `RangeSource`. Movable, not copyable; may not be used after a move.
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
