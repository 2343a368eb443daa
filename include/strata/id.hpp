#pragma once

#include <strata/error.hpp>
#include <strata/separate.hpp>

#include <algorithm>
#include <cerrno>
#include <compare>
#include <concepts>
#include <cstddef>
#include <functional>
#include <iosfwd>
#include <string>
#include <string_view>
#include <sys/random.h>
#include <system_error>
#include <utility>

namespace strata {

/// True for a single path component that can name a directory: at most 255 bytes, not empty, not "." or "..",
/// without "/" and NUL.
bool is_safe_component(std::string_view text) noexcept;

/// The id of one item of a kind. Generated ids are lower-case hexadecimal with as many digits as the traits
/// say; an id given by a caller or found in a store may be any safe path component.
template <class Kind>
class Id {
 public:
  /// @throws `Errc::invalid_id` if `text` is not a safe component
  explicit Id(std::string text) : text_(std::move(text)) {
    if (!is_safe_component(text_)) throw Error(Errc::invalid_id, "\"" + text_ + "\"");
  }

  /// Generates an id with getrandom(2). Its first 12 digits are never all decimal, so that a shortened id
  /// cannot be mistaken for a number.
  /// @param digits number of hexadecimal digits
  /// @throws `errno`, "getrandom"
  [[nodiscard]] static Id random(std::size_t digits) {
    static constexpr char hex[] = "0123456789abcdef";
    std::string text(digits, '0');
    do {
      std::string noise((digits + 1) / 2, '\0');
      for (std::size_t got = 0; got < noise.size();) {
        auto const n = ::getrandom(noise.data() + got, noise.size() - got, 0);
        if (n > 0) got += static_cast<std::size_t>(n);
        if (n < 0 && errno != EINTR) throw Error(std::error_code(errno, std::system_category()), "getrandom");
      }
      for (std::size_t i = 0; i < digits; ++i)
        text[i] = hex[(static_cast<unsigned char>(noise[i / 2]) >> (i % 2 != 0 ? 4 : 0)) & 15];
    } while (digits >= 12 && std::all_of(text.begin(), text.begin() + 12, [](char c) { return c <= '9'; }));
    return Id(std::move(text));
  }

  std::string const& str() const noexcept { return text_; }
  auto operator<=>(Id const&) const = default;

  /// Writes `str()`.
  template <class CharTraits>
  friend std::basic_ostream<char, CharTraits>& operator<<(std::basic_ostream<char, CharTraits>& out,
                                                          Id const& id) {
    out << std::string_view(id.text_);
    return out;
  }

 private:
  std::string text_;
};

struct LayerKind {};
struct ImageKind {};
struct ContainerKind {};
using LayerId = Id<LayerKind>;
using ImageId = Id<ImageKind>;
using ContainerId = Id<ContainerKind>;

/// Refers to an item. A string may be an id, a name or a unique prefix of an id; an `Id` or an item refers to
/// exactly that id and never to another item.
///
///     store.layers().get("base");      // id, name or unique prefix
///     store.layers().get(layer.id());  // that id only
class Ref {
 public:
  Ref(std::string text) : text_(std::move(text)) {}
  Ref(std::string_view text) : text_(text) {}
  Ref(char const* text) : text_(text) {}
  template <class Kind>
  Ref(Id<Kind> const& id) : Ref(exactly(id.str())) {}
  template <class I>
  requires requires(I const& item) {
    { item.id().str() } -> std::convertible_to<std::string>;
  }
  Ref(I const& item) : Ref(exactly(item.id().str())) {}

  /// The item with exactly this id, even if others have it as a name or as the prefix of their id.
  [[nodiscard]] static Ref exactly(std::string id);

  std::string const& text() const noexcept { return text_; }
  bool is_id() const noexcept { return is_id_; }
  bool empty() const noexcept { return text_.empty(); }

  /// Compares what they say, not what they refer to: an id, and the name of the item that has it, differ.
  friend auto operator<=>(Ref const&, Ref const&) = default;

  /// Writes `text()`.
  template <class CharTraits>
  friend std::basic_ostream<char, CharTraits>& operator<<(std::basic_ostream<char, CharTraits>& out,
                                                          Ref const& ref) {
    out << std::string_view(ref.text_);
    return out;
  }

 private:
  std::string text_;
  bool is_id_ = false;
};

}  // namespace strata

template <class Kind>
struct std::hash<strata::Id<Kind>> {
  std::size_t operator()(strata::Id<Kind> const& id) const noexcept {
    return std::hash<std::string>{}(id.str());
  }
};

template <>
struct std::hash<strata::Ref> {
  std::size_t operator()(strata::Ref const& ref) const noexcept {
    return std::hash<std::string>{}(ref.text());
  }
};

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/id.ipp>
#endif
