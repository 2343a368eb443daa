#pragma once

#include <strata/concepts/bytes.hpp>
#include <strata/progress.hpp>
#include <strata/separate.hpp>

#include <cstdint>
#include <optional>
#include <utility>

namespace strata::oci {

/// A stream that tells how far it was read, and can be stopped. Reports `Phase::copy` where it is read, at most a few times a
/// second and once at the end. Satisfies `SizedSource`.
class WatchedSource {
 public:
  WatchedSource(Source in, Control control)
      : in_(std::move(in)),
        control_(std::move(control)),
        now_{.phase = Phase::copy, .total_bytes = in_.size()} {}

  /// @throws what the source and the sink of progress throw; `Errc::stopped`
  Bytes next();
  std::optional<std::uint64_t> size() const { return in_.size(); }

 private:
  Source in_;
  Control control_;
  Progress now_;
  Pace pace_ = {};
  bool ended_ = false;
};

}  // namespace strata::oci

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/oci/watched_source.ipp>
#endif
