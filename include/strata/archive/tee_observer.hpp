#pragma once

#include <strata/archive/tar_reader.hpp>
#include <strata/separate.hpp>

namespace strata::archive {

/// Forwards every call to two observers, the first one first.
class TeeObserver final : public TarObserver {
 public:
  TeeObserver(TarObserver& first, TarObserver& second) : first_(first), second_(second) {}

  void raw(Bytes bytes) override;
  void entry(TarHeader const& header) override;
  void payload(Bytes bytes) override;
  void global_header(std::string_view name) override;
  void end_marker() override;

 private:
  TarObserver& first_;
  TarObserver& second_;
};

}  // namespace strata::archive

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/archive/tee_observer.ipp>
#endif
