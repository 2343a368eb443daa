#pragma once

#include <strata/concepts/bytes.hpp>
#include <strata/error.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <memory>
#include <source_location>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

/// What the targets share. Each is one file with an invariant, run by libFuzzer under ASan and UBSan; whatever ends the
/// program is a finding: a broken `require`, any exception but the errors that a target expects, a sanitizer's report.
namespace fuzz {

inline void require(bool holds, std::string_view what,
                    std::source_location const& at = std::source_location::current()) {
  if (holds) return;
  std::fprintf(stderr, "broken: %.*s (%s:%u)\n", static_cast<int>(what.size()), what.data(), at.file_name(),
               static_cast<unsigned>(at.line()));
  std::abort();
}

/// The bytes of one run. Choices stand at their end, so that a file with some bytes behind it is a seed.
class Input {
 public:
  Input(std::uint8_t const* data, std::size_t size) : text_(reinterpret_cast<char const*>(data), size) {}

  /// The last byte, below `count`; 0 when there is none.
  unsigned choice(unsigned count) {
    if (text_.empty()) return 0;
    auto const byte = static_cast<unsigned char>(text_.back());
    text_.remove_suffix(1);
    return byte % count;
  }
  bool flag() { return choice(2) != 0; }
  std::string_view text() const noexcept { return text_; }

  /// All up to this byte, which goes with it; what is left stays.
  std::string_view part(char separator) {
    auto const end = std::min(text_.find(separator), text_.size());
    auto const part = text_.substr(0, end);
    text_.remove_prefix(std::min(end + 1, text_.size()));
    return part;
  }

 private:
  std::string_view text_;
};

/// Gives a text in chunks of one size, each in memory of its own that goes with the next one, so that who keeps an
/// old one or reads beyond it is seen. Refers to the text.
class Chunks final : public strata::Reader {
 public:
  explicit Chunks(std::string_view text, std::size_t size) : rest_(text), size_(size) {}
  strata::Bytes next() override {
    auto const part = rest_.substr(0, size_);
    rest_.remove_prefix(part.size());
    chunk_ = std::make_unique<std::byte[]>(part.size());
    if (!part.empty()) std::memcpy(chunk_.get(), part.data(), part.size());
    return {chunk_.get(), part.size()};
  }

 private:
  std::string_view rest_;
  std::size_t size_;
  std::unique_ptr<std::byte[]> chunk_ = {};
};

/// The sizes of chunks that a target is to give the same results with.
inline std::size_t chunk_size(unsigned choice) {
  static constexpr std::size_t sizes[] = {1 << 20, 1, 511, 512, 513, 7, 4096, 65536};
  return sizes[choice % std::size(sizes)];
}

struct Text final : strata::Writer {
  void write(strata::Bytes bytes) override { text += strata::as_text(bytes); }
  std::string text = {};
};

/// The code of the `Error` that a call throws, or none. One that is not among those that are expected is a finding.
template <class Call>
std::error_code outcome(std::initializer_list<strata::Errc> expected, Call&& call) {
  try {
    call();
  } catch (strata::Error const& error) {
    bool const is_expected =
        std::ranges::any_of(expected, [&](strata::Errc code) { return error.code() == code; });
    if (!is_expected) std::fprintf(stderr, "%s\n", error.what());
    require(is_expected, "an error that this call does not have");
    require(!error.subject().empty(), "an error says what it is about");
    return error.code();
  }
  return {};
}

}  // namespace fuzz
