#pragma once

#include <strata/archive/sparse_map.hpp>
#include <strata/archive/tar_header.hpp>
#include <strata/error.hpp>
#include <strata/separate.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace strata::archive {

/// The extended headers before an entry's own header: PAX records and GNU long names.
struct ExtendedHeaders {
  std::string long_name = {};  ///< up to its first NUL
  std::string long_link = {};
  std::string pax = {};

  /// The values that the caller has to handle. Views of `pax`.
  struct Said {
    std::optional<std::int64_t> size = {};
    SparseRecords sparse = {};
  };

  void clear();

  /// Where to store the data of a header of type 'L', 'K', 'x' or 'g'.
  std::string& data_of(char type) noexcept { return type == 'L' ? long_name : type == 'K' ? long_link : pax; }

  /// Applies the extended headers to the entry's header, except for what is returned.
  /// @param xattr_bytes limit on keys and values of extended attributes
  /// @throws `Errc::corrupt_archive`, `Errc::over_budget`
  Said bring_into(TarHeader& header, std::uint64_t xattr_bytes) const;
};

}  // namespace strata::archive

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/archive/extended_headers.ipp>
#endif
