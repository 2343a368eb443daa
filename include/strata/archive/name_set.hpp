#pragma once

#include <strata/clean_path.hpp>
#include <strata/sys/file.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

namespace strata::archive {

/// A set of path names, compared after cleaning, which detects duplicates in an archive by 128-bit
/// fingerprints.
///
/// The fingerprints depend on a random key, so that an archive cannot be crafted to cause collisions or long
/// probe sequences; accidental collisions are negligible. Memory: 32 to 64 bytes per name. Not safe for
/// concurrent modification.
class NameSet {
 public:
  NameSet() : slots_(1024) { sys::fill_random({reinterpret_cast<unsigned char*>(key_.data()), sizeof key_}); }

  /// Inserts a name; false if an equivalent one is in the set.
  bool insert(std::string_view name) {
    auto const print = fingerprint_of(name);
    if (2 * (size_ + 1) > slots_.size()) grow();
    auto& slot = slots_[place_of(print, slots_)];
    if (slot == print) return false;
    slot = print;
    ++size_;
    return true;
  }

  /// True if an equivalent name was inserted.
  bool contains(std::string_view name) const { return slots_[place_of(fingerprint_of(name), slots_)].a != 0; }

 private:
  struct Print {
    std::uint64_t a = 0;  // never 0 in a used slot
    std::uint64_t b = 0;
    bool operator==(Print const&) const = default;
  };
  __extension__ using Wide = unsigned __int128;

  static void mix(Print& state, std::uint64_t word, std::uint64_t key) {
    auto const p = static_cast<Wide>(state.a ^ word) * ((state.b ^ key) | 1U);
    auto const q = static_cast<Wide>(state.b + word) * ((state.a ^ 0x9e3779b97f4a7c15U) | 1U);
    state.a = static_cast<std::uint64_t>(p) ^ static_cast<std::uint64_t>(q >> 64U);
    state.b = static_cast<std::uint64_t>(q) ^ static_cast<std::uint64_t>(p >> 64U);
  }
  Print fingerprint_of(std::string_view name) const {
    while (name.size() > 1 && name.ends_with('/')) name.remove_suffix(1);
    return is_clean_path(name) ? fingerprint(name) : fingerprint(std::string_view(clean_path(name)));
  }
  Print fingerprint(std::string_view name) const {
    Print state{key_[0] ^ name.size(), key_[1]};
    while (!name.empty()) {
      std::uint64_t word = 0;
      auto const n = name.size() < 8 ? name.size() : 8;
      std::memcpy(&word, name.data(), n);
      name.remove_prefix(n);
      mix(state, word, key_[2]);
    }
    mix(state, key_[3], key_[2]);
    mix(state, key_[2], key_[3]);
    state.a |= 1U;
    return state;
  }
  static std::size_t place_of(Print const& print, std::vector<Print> const& slots) {
    auto const mask = slots.size() - 1;
    auto at = static_cast<std::size_t>(print.b) & mask;
    while (slots[at].a != 0 && slots[at] != print) at = (at + 1) & mask;
    return at;
  }
  void grow() {
    std::vector<Print> larger(2 * slots_.size());
    for (auto const& slot : slots_)
      if (slot.a != 0) larger[place_of(slot, larger)] = slot;
    slots_.swap(larger);
  }

  std::array<std::uint64_t, 4> key_ = {};
  std::vector<Print> slots_;
  std::size_t size_ = 0;
};

}  // namespace strata::archive
