#pragma once

#include <strata/archive/name_set.hpp>
#include <strata/clean_path.hpp>

namespace strata::archive {

STRATA_INLINE bool NameSet::insert(std::string_view name) {
  auto const print = fingerprint_of(name);
  if (2 * (size_ + 1) > slots_.size()) grow();
  auto& slot = slots_[place_of(print, slots_)];
  if (slot == print) return false;
  slot = print;
  ++size_;
  return true;
}

STRATA_INLINE void NameSet::mix(Print& state, std::uint64_t word, std::uint64_t key) {
  auto const p = static_cast<Wide>(state.a ^ word) * ((state.b ^ key) | 1U);
  auto const q = static_cast<Wide>(state.b + word) * ((state.a ^ 0x9e3779b97f4a7c15U) | 1U);
  state.a = static_cast<std::uint64_t>(p) ^ static_cast<std::uint64_t>(q >> 64U);
  state.b = static_cast<std::uint64_t>(q) ^ static_cast<std::uint64_t>(p >> 64U);
}

STRATA_INLINE auto NameSet::fingerprint_of(std::string_view name) const -> Print {
  while (name.size() > 1 && name.ends_with('/')) name.remove_suffix(1);
  return is_clean_path(name) ? fingerprint(name) : fingerprint(std::string_view(clean_path(name)));
}

STRATA_INLINE auto NameSet::fingerprint(std::string_view name) const -> Print {
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

STRATA_INLINE std::size_t NameSet::place_of(Print const& print, std::vector<Print> const& slots) {
  auto const mask = slots.size() - 1;
  auto at = static_cast<std::size_t>(print.b) & mask;
  while (slots[at].a != 0 && slots[at] != print) at = (at + 1) & mask;
  return at;
}

STRATA_INLINE void NameSet::grow() {
  std::vector<Print> larger(2 * slots_.size());
  for (auto const& slot : slots_)
    if (slot.a != 0) larger[place_of(slot, larger)] = slot;
  slots_.swap(larger);
}

}  // namespace strata::archive
