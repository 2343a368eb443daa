#pragma once

#include <strata/archive/tar_reader.hpp>

namespace strata::archive {

/// Forwards every call to two observers, the first one first.
class TeeObserver final : public TarObserver {
 public:
  TeeObserver(TarObserver& first, TarObserver& second) : first_(first), second_(second) {}

  void raw(Bytes bytes) override {
    first_.raw(bytes);
    second_.raw(bytes);
  }
  void entry(TarHeader const& header) override {
    first_.entry(header);
    second_.entry(header);
  }
  void payload(Bytes bytes) override {
    first_.payload(bytes);
    second_.payload(bytes);
  }
  void global_header(std::string_view name) override {
    first_.global_header(name);
    second_.global_header(name);
  }
  void end_marker() override {
    first_.end_marker();
    second_.end_marker();
  }

 private:
  TarObserver& first_;
  TarObserver& second_;
};

}  // namespace strata::archive
