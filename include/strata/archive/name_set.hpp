#pragma once

#include <strata/separate.hpp>
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
  bool insert(std::string_view name);

  /// True if an equivalent name was inserted.
  bool contains(std::string_view name) const { return slots_[place_of(fingerprint_of(name), slots_)].a != 0; }

 private:
  struct Print {
    std::uint64_t a = 0;  // never 0 in a used slot
    std::uint64_t b = 0;
    bool operator==(Print const&) const = default;
  };
  __extension__ using Wide = unsigned __int128;

  static void mix(Print& state, std::uint64_t word, std::uint64_t key);
  Print fingerprint_of(std::string_view name) const;
  Print fingerprint(std::string_view name) const;
  static std::size_t place_of(Print const& print, std::vector<Print> const& slots);
  void grow();

  std::array<std::uint64_t, 4> key_ = {};
  std::vector<Print> slots_;
  std::size_t size_ = 0;
};

}  // namespace strata::archive

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/archive/name_set.ipp>
#endif
