#pragma once

#include <strata/records/own_fields.hpp>
#include <strata/records/record.hpp>
#include <strata/timestamp.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <random>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace strata::testing {

/// Text with all fields of a record, for comparison and printing; records are equal if their texts are.
template <class Record>
std::string describe(Record const& record) {
  std::string out;
  auto const text = [&](std::string_view value) {
    out.append(std::to_string(value.size())).append(":").append(value);
  };
  auto const value = [&]<class T>(auto const& self, T const& member) -> void {
    if constexpr (std::integral<T>) {
      out += std::to_string(member);
    } else if constexpr (std::is_same_v<T, std::string>) {
      text(member);
    } else if constexpr (std::is_same_v<T, Timestamp>) {
      out += std::to_string(member.seconds) + '.' + std::to_string(member.nanoseconds);
    } else if constexpr (std::is_same_v<T, RawJson>) {
      text(member.text);
    } else if constexpr (std::is_same_v<T, IdRange>) {
      for (auto const part : {member.container_id, member.host_id, member.size})
        out += std::to_string(part) + '/';
    } else if constexpr (requires { typename T::mapped_type; }) {
      for (auto const& [key, element] : member) {
        text(key);
        out += '=';
        self(self, element);
        out += ' ';
      }
    } else {
      for (auto const& element : member) {
        self(self, element);
        out += ' ';
      }
    }
  };
  Record::fields(record, [&](std::string_view key, auto const& member, Presence) {
    out.append(key).append(" ");
    value(value, member);
    out += '\n';
  });
  if constexpr (HasOwnFields<Record>)
    Record::own_fields(record, [&](std::string_view key, auto const& member) {
      out.append(key).append(" ");
      value(value, member);
      out += '\n';
    });
  for (auto const& [key, raw] : record.extra) {
    text(key);
    out += ' ';
    text(raw.text);
    out += '\n';
  }
  return out;
}

/// Generates records of any kind, deterministically by seed: empty and long values, numbers at their limits,
/// characters that need escaping. Strings are UTF-8; ids are unique and safe path components.
class RandomRecords {
 public:
  explicit RandomRecords(std::uint32_t seed) : engine_(seed) {}

  template <class Record>
  Record make() {
    Record record;
    Record::fields(record, [&](std::string_view, auto& member, Presence) {
      if (!one_in(3)) fill(member);
    });
    if constexpr (HasOwnFields<Record>)
      Record::own_fields(record, [&](std::string_view, auto& member) {
        if (!one_in(3)) fill(member);
      });
    record.id = "id-" + std::to_string(++made_) + (one_in(4) ? " \"\xC3\xA9\\\n" : "");
    for (std::size_t i = below(3); i > 0; --i) {
      record.extra.emplace_back("x-" + string(), RawJson{});
      fill(record.extra.back().second);
    }
    return record;
  }

  /// Changes, removes or duplicates some bytes, or replaces them by characters that are special in many
  /// formats.
  std::string damage(std::string bytes) {
    static constexpr std::string_view meaningful = "\"\\{}[]:,nt0-9eE. \n\0\xFF";
    for (std::size_t i = 1 + below(3); i > 0 && !bytes.empty(); --i) {
      std::size_t const at = below(bytes.size());
      switch (below(5)) {
        case 0:
          bytes[at] = static_cast<char>(static_cast<unsigned char>(below(256)));
          break;
        case 1:
          bytes.erase(at, 1 + below(8));
          break;
        case 2:
          bytes.insert(at, bytes.substr(at, 1 + below(8)));
          break;
        case 3:
          bytes[at] = meaningful[below(meaningful.size())];
          break;
        default:
          bytes.resize(at);
          break;
      }
    }
    return bytes;
  }

 private:
  std::size_t below(std::size_t limit) { return engine_() % limit; }
  bool one_in(std::size_t n) { return below(n) == 0; }

  std::string string() {
    static constexpr std::string_view pieces[] = {"a",
                                                  "sha256:0123456789abcdef",
                                                  "\"",
                                                  "\\",
                                                  "/",
                                                  "\n",
                                                  "\t",
                                                  "\x01",
                                                  "\x1F",
                                                  "<b>",
                                                  "&amp;",
                                                  " ",
                                                  "\xC3\xA9",
                                                  "\xE2\x80\xA8",
                                                  "\xE2\x80\xA9",
                                                  "\xEF\xBF\xBD",
                                                  "\xF0\x9F\x90\xB3",
                                                  "\\u",
                                                  "\x7F",
                                                  ":",
                                                  ",",
                                                  "]}",
                                                  "null",
                                                  "\r\b\f",
                                                  "end"};
    std::string out;
    for (std::size_t i = below(6); i > 0; --i) out += pieces[below(std::size(pieces))];
    return out;
  }

  template <class T>
  void fill(T& value) {
    if constexpr (std::integral<T>) {
      T const picks[] = {0,
                         1,
                         1000,
                         static_cast<T>(-1),
                         std::numeric_limits<T>::min(),
                         std::numeric_limits<T>::max(),
                         static_cast<T>(engine_())};
      value = picks[below(std::size(picks))];
    } else if constexpr (std::is_same_v<T, std::string>) {
      value = string();
    } else if constexpr (std::is_same_v<T, Timestamp>) {
      // Years 1 to 9999.
      value.seconds = -62'135'596'800 + static_cast<std::int64_t>(engine_() % 315'537'897'600);
      static constexpr std::int32_t nanoseconds[] = {0, 1, 999'999'999, 120'000'000, 35'937'103};
      value.nanoseconds = nanoseconds[below(std::size(nanoseconds))];
    } else if constexpr (std::is_same_v<T, RawJson>) {
      static constexpr std::string_view texts[] = {"true",
                                                   "false",
                                                   "null",
                                                   "0",
                                                   "-1.5e+300",
                                                   "12345678901234567890",
                                                   "\"\"",
                                                   "\"a\\\"b \\u003c \\n\"",
                                                   "[]",
                                                   "{}",
                                                   "[1,[2,{\"k\":[]}],\"x y\"]",
                                                   "{\"b\":1,\"a\":{\"c\":null}}"};
      value.text = texts[below(std::size(texts))];
    } else if constexpr (std::is_same_v<T, IdRange>) {
      fill(value.container_id);
      fill(value.host_id);
      fill(value.size);
    } else if constexpr (requires { typename T::mapped_type; }) {
      for (std::size_t i = below(4); i > 0; --i) fill(value[string()]);
    } else {
      for (std::size_t i = below(4); i > 0; --i) fill(value.emplace_back());
    }
  }

  std::mt19937_64 engine_;
  int made_ = 0;
};

}  // namespace strata::testing
