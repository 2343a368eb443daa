#pragma once

#include <strata/archive/tar_header.hpp>
#include <strata/concepts/bytes.hpp>
#include <strata/separate.hpp>
#include <strata/tree/layer_tree.hpp>
#include <strata/tree/memory_tree.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <utility>
#include <vector>

namespace strata::archive {

/// A complete tree in memory, which nobody changes any more, as a `ReadableTree`.
class MemoryLayer {
 public:
  using Handle = MemoryTree::Handle;
  using Ref = MemoryTree::Ref;

  explicit MemoryLayer(std::shared_ptr<MemoryTree const> tree) : tree_(std::move(tree)) {}

  static Ref ref(Handle const& handle) noexcept { return handle.get(); }
  Handle open_root() const { return tree_->open_root(); }
  Handle try_open(std::string_view path) const { return tree_->try_open(path); }
  Handle open(std::string_view path) const { return tree_->open(path); }
  static Handle enter(Ref directory, std::string const& name, std::string_view path);
  static std::optional<struct stat> look(Ref directory, std::string const& name, std::string_view path);
  static std::string read_link(Ref directory, std::string const& name, std::string_view path);
  static std::vector<std::string> names(Ref directory, std::string_view path);
  static std::optional<TarHeader> header(Ref directory, std::string const& name, std::string_view);
  static Source contents(Ref directory, std::string const& name, std::string_view);

 private:
  /// Bytes of a file, in one chunk; null: none.
  struct SharedText {
    std::shared_ptr<std::string const> bytes;
    Bytes next();
    std::shared_ptr<std::string const> kept = {};
  };

  std::shared_ptr<MemoryTree const> tree_;
};

static_assert(ReadableTree<MemoryLayer>);

}  // namespace strata::archive

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/tree/memory_layer.ipp>
#endif
