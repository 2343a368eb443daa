#pragma once

#include <concepts>
#include <cstddef>
#include <memory>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

namespace strata {

using Bytes = std::span<std::byte const>;

/// A stream that is pulled: `next()` gives the next bytes, valid until the following call; empty at the end
/// and ever after. Chunks may have any size; 64 KiB and more keeps the cost of a call out of sight.
template <class S>
concept ByteSource = requires(S& s) {
  { s.next() } -> std::same_as<Bytes>;
};

/// A stream that is pushed: `write()` takes all bytes or throws.
template <class S>
concept ByteSink = requires(S& s, Bytes bytes) {
  { s.write(bytes) } -> std::same_as<void>;
};

/// Any `ByteSource` by reference; what library code takes where the type must not matter.
class Reader {
 public:
  virtual ~Reader() = default;
  virtual Bytes next() = 0;
};

/// Any `ByteSink` by reference.
class Writer {
 public:
  virtual ~Writer() = default;
  virtual void write(Bytes bytes) = 0;
};

/// Owns any `ByteSource`. Movable, not copyable; empty after a move.
class Source final : public Reader {
 public:
  Source() = default;
  template <class S>
  requires(!std::same_as<std::remove_cvref_t<S>, Source> && ByteSource<std::remove_cvref_t<S>>)
      Source(S&& source)
      : held_(std::make_unique<Held<std::remove_cvref_t<S>>>(std::forward<S>(source))) {}

  Bytes next() override { return held_ ? held_->next() : Bytes{}; }
  explicit operator bool() const noexcept { return held_ != nullptr; }

 private:
  template <class S>
  struct Held final : Reader {
    template <class T>
    explicit Held(T&& source) : source_(std::forward<T>(source)) {}
    Bytes next() override { return source_.next(); }
    S source_;
  };
  std::unique_ptr<Reader> held_;
};

/// Owns any `ByteSink`. Movable, not copyable.
class Sink final : public Writer {
 public:
  Sink() = default;
  template <class S>
  requires(!std::same_as<std::remove_cvref_t<S>, Sink> && ByteSink<std::remove_cvref_t<S>>) Sink(S&& sink)
      : held_(std::make_unique<Held<std::remove_cvref_t<S>>>(std::forward<S>(sink))) {}

  void write(Bytes bytes) override { held_->write(bytes); }
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
inline std::string_view as_text(Bytes bytes) {
  return {reinterpret_cast<char const*>(bytes.data()), bytes.size()};
}

}  // namespace strata
