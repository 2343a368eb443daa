#pragma once

#include <strata/concepts/bytes.hpp>
#include <strata/oci/archive_members.hpp>
#include <strata/oci/image_plan.hpp>
#include <strata/separate.hpp>

#include <cstdint>
#include <memory>
#include <optional>

namespace strata::oci {

/// The blob of a layer on its way to a place that does not unpack it. Before its end is reported it is found to unpack to
/// what the image's configuration says: on a thread of its own, since the place takes the blob as it is. Memory: 2 MiB, and
/// a `DecompressingReader`. Not safe for concurrent use.
class CheckedLayer {
 public:
  /// @param plain_bytes  limit on what it unpacks to
  /// @throws `std::system_error` if no thread can be started
  CheckedLayer(Source blob, PlannedLayer layer, Unpacking unpacking, std::uint64_t plain_bytes);
  CheckedLayer(CheckedLayer&&) noexcept;
  ~CheckedLayer();

  /// @throws what the source throws; `Errc::digest_mismatch`, and as `DecompressingReader`
  Bytes next();
  std::optional<std::uint64_t> size() const noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// @throws `Errc::digest_mismatch` unless the layer unpacks to what its image's configuration says
void check_diff_id(PlannedLayer const& layer, Digest const& found);

}  // namespace strata::oci

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/oci/checked_layer.ipp>
#endif
