#pragma once

#include <strata/archive/tar_header.hpp>
#include <strata/concepts/bytes.hpp>
#include <strata/error.hpp>
#include <strata/separate.hpp>
#include <strata/tree/layer_entries.hpp>
#include <strata/tree/resolve.hpp>

#include <algorithm>
#include <concepts>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace strata {

/// A tree that a `LayerTree` can show: that of `archive::resolve`, and
///
/// - `t.names(directory, path)`  the names in a directory, in any order; some may turn out not to exist
/// - `t.header(directory, name, path)`  an entry's attributes, its owner as container ids; none if there is no
///   such entry, or archives cannot hold it
/// - `t.contents(directory, name, path)`  bytes of a regular file; an empty source if there is none now
///
/// All are `const` and thread-safe. `path` is that of the entry, without a leading "/".
template <class T>
concept ReadableTree = std::move_constructible<T> &&
    requires(T const& t, typename T::Ref directory, std::string const& name, std::string_view path) {
  { t.names(directory, path) } -> std::same_as<std::vector<std::string>>;
  { t.header(directory, name, path) } -> std::same_as<std::optional<archive::TarHeader>>;
  { t.contents(directory, name, path) } -> std::same_as<Source>;
};

namespace detail {

LayerEntry entry_of(archive::TarHeader&& header, std::string_view path);

/// Walks a tree depth-first.
template <ReadableTree T>
class TreeWalk final : public LayerEntries::Walk {
 public:
  explicit TreeWalk(std::shared_ptr<T const> tree) : tree_(std::move(tree)) { enter(tree_->open_root(), {}); }

  bool next(LayerEntry& to) override {
    while (!levels_.empty()) {
      auto& level = levels_.back();
      if (level.names.empty()) {
        levels_.pop_back();
        continue;
      }
      auto const name = std::move(level.names.back());
      level.names.pop_back();
      auto const path = archive::join(level.path, name);
      auto const directory = T::ref(level.directory);
      auto header = tree_->header(directory, name, path);
      if (!header) continue;
      to = entry_of(*std::move(header), path);
      if (to.type == archive::EntryType::directory) enter(tree_->enter(directory, name, path), path);
      return true;
    }
    return false;
  }

 private:
  struct Level {
    typename T::Handle directory;
    std::string path;
    std::vector<std::string> names;  ///< in reverse order
  };

  void enter(typename T::Handle directory, std::string path) {
    auto names = tree_->names(T::ref(directory), path);
    std::sort(names.begin(), names.end(), std::greater<>());
    levels_.push_back({std::move(directory), std::move(path), std::move(names)});
  }

  std::shared_ptr<T const> tree_;
  std::vector<Level> levels_ = {};
};

}  // namespace detail

/// The files of a layer, merged with those of the layers below it, read without a lock, and where the driver
/// can without a mount. Copies are cheap. Thread-safe.
///
/// A layer that is changed while it is read may show old and new files; if it is removed, entries vanish.
class LayerTree {
 public:
  template <class T>
  requires(!std::same_as<T, LayerTree> && ReadableTree<T>) explicit LayerTree(T tree)
      : held_(std::make_shared<Held<T>>(std::move(tree))) {}

  /// All entries. Sockets are left out.
  /// @throws here and while the range is read: `errno`; `Errc::unsupported`
  [[nodiscard]] LayerEntries entries() const { return LayerEntries(held_->walk()); }

  /// The contents of a regular file, by a path with the layer's root as "/": links in it are followed, also
  /// the last one, and lead nowhere outside, nor does "..". The source outlives this object; it can be read
  /// to its end even if the file is removed meanwhile.
  ///
  ///     auto hosts = layer.tree().open("etc/hosts");
  ///
  /// @throws `Errc::data_unknown` if there is no regular file; `errno`; `Errc::unsafe_path` for a NUL in the
  ///   path
  [[nodiscard]] Source open(std::string_view path) const { return held_->open(path); }

 private:
  struct Base {
    virtual ~Base() = default;
    virtual std::unique_ptr<LayerEntries::Walk> walk() const = 0;
    virtual Source open(std::string_view path) const = 0;
  };

  template <class T>
  struct Held final : Base {
    explicit Held(T&& given) : tree(std::make_shared<T const>(std::move(given))) {}

    std::unique_ptr<LayerEntries::Walk> walk() const override {
      return std::make_unique<detail::TreeWalk<T>>(tree);
    }
    Source open(std::string_view path) const override {
      if (path.find('\0') != std::string_view::npos) throw Error(Errc::unsafe_path, "a path with a NUL");
      auto const at = archive::resolve(*tree, path);
      // A path that leads to a file is blocked by it.
      if (at.blocked && at.rest.find('/') == std::string::npos) {
        auto source =
            tree->contents(T::ref(at.place.directory), at.rest, archive::join(at.place.path, at.rest));
        if (source) return source;
      }
      throw Error(Errc::data_unknown, "file " + std::string(path));
    }

    std::shared_ptr<T const> tree;
  };

  std::shared_ptr<Base const> held_;
};

}  // namespace strata

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/tree/layer_tree.ipp>
#endif
