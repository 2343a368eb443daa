#pragma once

#include <strata/sys/stream.hpp>
#include <strata/tree/memory_layer.hpp>

namespace strata::archive {

STRATA_INLINE auto MemoryLayer::enter(Ref directory, std::string const& name, std::string_view path)
    -> Handle {
  return MemoryTree::enter(directory, name, path);
}

STRATA_INLINE std::optional<struct stat> MemoryLayer::look(Ref directory, std::string const& name,
                                                           std::string_view path) {
  return MemoryTree::look(directory, name, path);
}

STRATA_INLINE std::string MemoryLayer::read_link(Ref directory, std::string const& name,
                                                 std::string_view path) {
  return MemoryTree::read_link(directory, name, path);
}

STRATA_INLINE std::vector<std::string> MemoryLayer::names(Ref directory, std::string_view path) {
  return MemoryTree::names(directory, path);
}

STRATA_INLINE std::optional<TarHeader> MemoryLayer::header(Ref directory, std::string const& name,
                                                           std::string_view) {
  return header_of(*directory->children.at(name));
}

STRATA_INLINE Source MemoryLayer::contents(Ref directory, std::string const& name, std::string_view) {
  auto const& node = *directory->children.at(name);
  if (!S_ISREG(node.mode)) return {};
  return SharedText{node.bytes};
}

STRATA_INLINE Bytes MemoryLayer::SharedText::next() {
  kept = std::exchange(bytes, nullptr);
  return kept ? as_bytes(*kept) : Bytes();
}

}  // namespace strata::archive
