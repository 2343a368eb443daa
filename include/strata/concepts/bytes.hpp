#pragma once

#include <strata/error.hpp>
#include <strata/separate.hpp>

#include <algorithm>
#include <cerrno>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>

namespace strata {

using Bytes = std::span<std::byte const>;

/// A stream to read from: `next()` returns the next bytes, valid until the following call; empty at the end
/// and from then on. Chunks may have any size; from 64 KiB on the cost of a call is negligible.
template <class S>
concept ByteSource = requires(S& s) {
  { s.next() } -> std::same_as<Bytes>;
};

/// A stream that can write its bytes to where the caller wants them: `fill()` writes at most `into.size()`
/// bytes to the front of `into` and returns how many; 0 only at the end. Avoids a copy for a caller that
/// keeps the bytes. Calls of both kinds may be mixed.
template <class S>
concept FillingSource = ByteSource<S> && requires(S& s, std::span<std::byte> into) {
  { s.fill(into) } -> std::same_as<std::size_t>;
};

/// A stream that may know its length: `size()` returns the number of bytes from the current position to the
/// end, or none if unknown. Used for progress reports only.
template <class S>
concept SizedSource = ByteSource<S> && requires(S const& s) {
  { s.size() } -> std::same_as<std::optional<std::uint64_t>>;
};

/// A stream to write to: `write()` takes all bytes or throws.
template <class S>
concept ByteSink = requires(S& s, Bytes bytes) {
  { s.write(bytes) } -> std::same_as<void>;
};

/// Reference to any `ByteSource`, for library code that does not depend on its type.
class Reader {
 public:
  virtual ~Reader() = default;
  virtual Bytes next() = 0;
};

/// Reference to any `ByteSink`.
class Writer {
 public:
  virtual ~Writer() = default;
  virtual void write(Bytes bytes) = 0;
};

/// Owns any `ByteSource`. Movable, not copyable; empty after a move, and reading it then throws EBADF.
class Source final : public Reader {
 public:
  Source() = default;
  template <class S>
  requires(!std::same_as<std::remove_cvref_t<S>, Source> && ByteSource<std::remove_cvref_t<S>>)
      Source(S&& source)
      : held_(std::make_unique<Held<std::remove_cvref_t<S>>>(std::forward<S>(source))) {}

  Bytes next() override { return held().next(); }
  /// As `FillingSource::fill`; chunks of other sources are copied.
  std::size_t fill(std::span<std::byte> into) { return held().fill(into); }
  /// As `SizedSource::size`; none for other sources.
  std::optional<std::uint64_t> size() const { return held_ ? held_->size() : std::nullopt; }
  explicit operator bool() const noexcept { return held_ != nullptr; }

 private:
  struct Base : Reader {
    virtual std::size_t fill(std::span<std::byte> into) = 0;
    virtual std::optional<std::uint64_t> size() const = 0;
  };
  template <class S>
  struct Held final : Base {
    template <class T>
    explicit Held(T&& source) : source_(std::forward<T>(source)) {}
    Bytes next() override {
      if constexpr (!FillingSource<S>)
        if (!rest_.empty()) return std::exchange(rest_, {});
      return source_.next();
    }
    std::size_t fill(std::span<std::byte> into) override {
      if constexpr (FillingSource<S>) {
        return source_.fill(into);
      } else {
        if (rest_.empty()) rest_ = source_.next();
        auto const count = std::min(into.size(), rest_.size());
        if (count != 0) std::memcpy(into.data(), rest_.data(), count);
        rest_ = rest_.subspan(count);
        return count;
      }
    }
    std::optional<std::uint64_t> size() const override {
      if constexpr (SizedSource<S>)
        return source_.size();
      else
        return std::nullopt;
    }
    S source_;
    Bytes rest_;  // of the last chunk, if `fill()` took only a part of it
  };
  Base& held() const;
  std::unique_ptr<Base> held_;
};

/// Owns any `ByteSink`. Movable, not copyable; empty after a move, and writing to it then throws EBADF.
class Sink final : public Writer {
 public:
  Sink() = default;
  template <class S>
  requires(!std::same_as<std::remove_cvref_t<S>, Sink> && ByteSink<std::remove_cvref_t<S>>) Sink(S&& sink)
      : held_(std::make_unique<Held<std::remove_cvref_t<S>>>(std::forward<S>(sink))) {}

  void write(Bytes bytes) override;
  explicit operator bool() const noexcept { return held_ != nullptr; }

 private:
  template <class S>
  struct Held final : Writer {
    template <class T>
    explicit Held(T&& sink) : sink_(std::forward<T>(sink)) {}
    void write(Bytes bytes) override { sink_.write(bytes); }
    S sink_;
  };
  std::unique_ptr<Writer> held_;
};

inline Bytes as_bytes(std::string_view text) { return std::as_bytes(std::span(text.data(), text.size())); }
std::string_view as_text(Bytes bytes);

}  // namespace strata

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/concepts/bytes.ipp>
#endif
