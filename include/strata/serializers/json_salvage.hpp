#pragma once

#include <strata/records/record.hpp>
#include <strata/separate.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

/// Recovers objects from damaged JSON, and reads JSON that is not the store's own.
namespace strata::serializers::json {

namespace detail {

/// End of the object that begins at `at`; `npos` if it is incomplete.
std::size_t end_of_object(std::string_view text, std::size_t at) noexcept;

}  // namespace detail

/// Calls `take(object)` with each text that may be an object. Continues after an object that was taken, else
/// at the next "{". Gives up after 10,000 failures, each of which may scan the whole text.
template <class Take>
void for_each_object(std::string_view text, Take&& take) {
  std::size_t failures = 0;
  for (auto at = text.find('{'); at != text.npos && failures < 10'000; at = text.find('{', at)) {
    auto const end = detail::end_of_object(text, at);
    if (end != text.npos && take(text.substr(at, end - at))) {
      at = end;
    } else {
      ++failures;
      ++at;
    }
  }
}

/// The part of an image's configuration that a store uses (OCI image specification, "Image configuration").
struct ImageConfiguration {
  struct RootFs {
    std::vector<std::string> diff_ids;
    Extra extra;
    template <class Self, class Visitor>
    static void fields(Self& self, Visitor&& visit) {
      visit("diff_ids", self.diff_ids, Presence::when_set);
    }
  };
  RootFs rootfs;
  Extra extra;
  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit("rootfs", self.rootfs, Presence::when_set);
  }
};

}  // namespace strata::serializers::json

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/serializers/json_salvage.ipp>
#endif
