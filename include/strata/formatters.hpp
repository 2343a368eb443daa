#pragma once

#include <version>

/// `std::formatter` of ids, references, digests and times, where the standard library has `<format>`: each
/// is formatted as its text, with the format specification of a string:
///
///     std::format("{:.12} {}", layer.id(), layer.created())
///
/// A header of its own, as `<format>` takes long to compile.
#if defined(__cpp_lib_format)

#include <strata/digest.hpp>
#include <strata/id.hpp>
#include <strata/timestamp.hpp>

#include <format>
#include <string_view>

namespace strata::detail {

/// @tparam text_of  gives the text, or a view of it
template <class T, auto text_of>
struct TextFormatter : std::formatter<std::string_view> {
  template <class Context>
  auto format(T const& value, Context& context) const {
    return std::formatter<std::string_view>::format(text_of(value), context);
  }
};

inline constexpr auto str_of = [](auto const& value) -> decltype(auto) { return value.str(); };
inline constexpr auto ref_text_of = [](Ref const& ref) -> decltype(auto) { return ref.text(); };

}  // namespace strata::detail

template <class Kind>
struct std::formatter<strata::Id<Kind>>
    : strata::detail::TextFormatter<strata::Id<Kind>, strata::detail::str_of> {};
template <>
struct std::formatter<strata::Ref> : strata::detail::TextFormatter<strata::Ref, strata::detail::ref_text_of> {
};
template <>
struct std::formatter<strata::Digest>
    : strata::detail::TextFormatter<strata::Digest, strata::detail::str_of> {};
template <>
struct std::formatter<strata::Timestamp>
    : strata::detail::TextFormatter<strata::Timestamp, strata::detail::str_of> {};

#endif
