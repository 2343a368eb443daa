#pragma once

#include <strata/archive/sparse_body.hpp>
#include <strata/archive/whiteout.hpp>
#include <strata/concepts/bytes.hpp>
#include <strata/tree/resolve.hpp>
#include <strata/tree/unpack_headers.hpp>

#include <algorithm>
#include <functional>

namespace strata::archive::detail {

STRATA_INLINE void add_header(BasicApplier<MemoryTree>& applier, TarHeader const& header) {
  struct Zeros final : SparseBody {
    explicit Zeros(std::int64_t size) : left(static_cast<std::uint64_t>(size)) {}
    Bytes next() override { return {}; }
    std::uint64_t pass_hole() override { return std::exchange(left, 0); }
    std::uint64_t left;
  };
  Zeros body(header.size);
  applier.add(header, body);
}

STRATA_INLINE Way::Way(MemoryTree const& tree, TreePath const& at) {
  auto parent = resolve(tree, at.parent);
  needs = std::move(parent.place.links);
  needs.insert(needs.end(), parent.place.left.begin(), parent.place.left.end());
  needs.push_back(join(parent.place.path, parent.rest));
  path = join(needs.back(), at.base);
}

STRATA_INLINE std::vector<bool> led_elsewhere(MemoryTree const& tree, std::vector<TarHeader> const& headers) {
  std::set<std::string, std::less<>> later, opaque;
  bool anywhere = false;  // a later entry may itself have gone elsewhere
  auto const is_touched = [&](std::string_view path) {
    for (; !path.empty(); path = TreePath(path).parent)
      if (later.contains(path) || opaque.contains(TreePath(path).parent)) return true;
    return false;
  };
  auto const is_changed = [&](Way const& way) {
    return anywhere || std::ranges::any_of(way.needs, is_touched);
  };
  std::vector<bool> led(headers.size());
  for (auto i = headers.size(); i-- != 0;) {
    auto const& header = headers[i];
    auto const path = path_in_tree(header.name);
    TreePath const at(path);
    Way const way(tree, at);
    bool const is_link = header.type == EntryType::hard_link;
    led[i] = (is_link || header.size == 0) && is_changed(way);
    if (is_link) {
      auto const target = path_in_tree(header.link_name);
      Way const to_target(tree, TreePath(target));
      if (is_changed(to_target) || is_touched(to_target.path)) led[i] = true;
    }
    anywhere = anywhere || led[i];
    if (at.base == whiteout_opaque)
      opaque.insert(way.needs.back());
    else if (is_whiteout(at.base))
      later.insert(join(way.needs.back(), whiteout_target(at.base)));
    else if (!path.empty())
      later.insert(way.path);
  }
  return led;
}

STRATA_INLINE MemoryNode* look_up(MemoryTree const& tree, std::string const& path) {
  TreePath const at(path);
  auto const parent = resolve(tree, at.parent);
  if (!parent.found()) return nullptr;
  auto const& children = parent.place.directory->children;
  auto const found = children.find(at.base);
  return found == children.end() ? nullptr : found->second.get();
}

}  // namespace strata::archive::detail

namespace strata::archive {

STRATA_INLINE UnpackedHeaders unpack_headers(MemoryTree onto, std::vector<TarHeader> const& headers,
                                             ApplyOptions options) {
  BasicApplier<MemoryTree> applier(std::move(onto), std::move(options));
  for (auto const& header : headers) detail::add_header(applier, header);
  applier.finish();
  auto told = applier.tree().take_told();
  return {std::move(applier.tree()), std::move(told)};
}

STRATA_INLINE UnpackedHeaders unpack_headers_again(MemoryTree onto, std::vector<TarHeader> const& headers,
                                                   ApplyOptions options) {
  BasicApplier<MemoryTree> applier(std::move(onto), std::move(options));
  auto const& tree = applier.tree();
  auto const led = detail::led_elsewhere(tree, headers);
  std::set<std::string> not_told;
  for (std::size_t i = 0; i < headers.size(); ++i) {
    auto const path = path_in_tree(headers[i].name);
    TreePath const at(path);
    if (led[i] && is_whiteout(at.base)) continue;
    try {
      if (led[i]) {
        auto const parent = resolve(tree, at.parent);
        not_told.insert(join(join(parent.place.path, parent.rest), at.base));
      }
      detail::add_header(applier, headers[i]);
    } catch (Error const&) {
      // The hard link set the file's attributes all the same.
      if (headers[i].type != EntryType::hard_link) continue;
      if (auto* const file = detail::look_up(tree, path_in_tree(headers[i].link_name))) file->told = false;
    }
  }
  applier.finish();
  auto told = applier.tree().take_told();
  for (auto const& path : not_told) told.erase(path);
  return {std::move(applier.tree()), std::move(told)};
}

}  // namespace strata::archive
