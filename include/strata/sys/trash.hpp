#pragma once

#include <strata/separate.hpp>
#include <strata/sys/staging_directory.hpp>

#include <exception>
#include <functional>
#include <iterator>
#include <utility>
#include <vector>

namespace strata {

/// Deletions left over from a removal, to be carried out once no lock is held, as they may take long.
/// Movable; not safe for concurrent use.
class Trash {
 public:
  Trash() = default;
  Trash(Trash&& other) noexcept = default;
  Trash& operator=(Trash&& other) noexcept;
  /// Empties it; failures are ignored.
  ~Trash() { discard(); }

  void add(sys::StagingDirectory directory) { directories_.push_back(std::move(directory)); }
  /// @param action another deletion; if it throws, the destructor calls it again
  void add(std::function<void()> action) { actions_.push_back(std::move(action)); }
  /// Takes over another trash's deletions.
  void merge(Trash&& other);

  /// Carries out all deletions, actions first, in order. A failure does not stop the others.
  /// @throws the first failure; failed deletions stay in the trash
  void empty();

 private:
  void discard() noexcept;

  std::vector<std::function<void()>> actions_;
  std::vector<sys::StagingDirectory> directories_;
};

}  // namespace strata

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/sys/trash.ipp>
#endif
