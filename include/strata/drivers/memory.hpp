#pragma once

#include <strata/archive/tar_header.hpp>
#include <strata/archive/tar_writer.hpp>
#include <strata/concepts/bytes.hpp>
#include <strata/concepts/driver.hpp>
#include <strata/concepts/read_driver.hpp>
#include <strata/error.hpp>
#include <strata/separate.hpp>
#include <strata/sys/trash.hpp>
#include <strata/tree/layer_tree.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace strata::archive {
struct MemoryNode;
class MemoryTree;
template <class Tree>
class BasicApplier;
}  // namespace strata::archive

namespace strata::drivers {

/// Keeps layers in memory, for tests and dry runs; they exist as long as the object or a copy of it, which
/// share them.
///
/// The shortest driver, as a template for others. A layer is a complete tree, like a directory of vfs, and is
/// unpacked by the same code; it shares unchanged contents with its parent.
class Memory {
 public:
  struct Options {};

 private:
  /// Limit in bytes. Holes use memory here, which a small archive must not exhaust.
  static constexpr std::int64_t largest_sparse = std::int64_t{1} << 30;

  using File = archive::MemoryNode;
  struct Layer;
  struct State;

 public:
  /// A tree of its own. Copies are independent.
  class Staged {
   public:
    Staged();
    Staged(Staged&&) noexcept;
    Staged& operator=(Staged&&) noexcept;
    ~Staged();

    void add(archive::TarHeader const& header, Reader& body);
    void finish();

   private:
    friend class Memory;
    std::shared_ptr<Layer const>& layer();

    std::unique_ptr<archive::BasicApplier<archive::MemoryTree>> applier_;
    std::optional<LayerId> parent_ = {};
    Control control_ = {};
    std::shared_ptr<Layer const> layer_ = {};  ///< set once it is complete
  };

  Memory();
  explicit Memory(DriverPlace const&) : Memory() {}
  Memory(DriverPlace const&, Options const&) : Memory() {}

  static constexpr std::string_view name() noexcept { return "memory"; }
  static constexpr bool in_memory = true;

  Staged stage(StageRequest const& request);

  void publish(LayerId const& id, Staged staged);

  void replace(LayerId const& id, Staged& staged);

  Trash remove(LayerId const& id);

  bool exists(LayerId const& id) const;

  std::vector<LayerId> list() const;

  void copy_file(LayerId const& id, std::string_view file, Writer& to) const;

  std::optional<LayerTree> read_tree(LayerId const& id, ReadMaps const&) const;

  void recover() {}
  std::optional<std::string> contents_identity(LayerId const& id) const;
  std::vector<std::pair<std::string, std::string>> status() const { return {}; }

  std::vector<Change> changes(DiffRequest const& request) const;
  void diff(DiffRequest const& request, archive::TarWriter& to) const;
  std::int64_t diff_size(DiffRequest const& request) const;

 private:
  using Nodes = std::map<std::string, File const*>;  ///< by path, without the root
  static Nodes nodes_of(Layer const& layer);
  static bool same(File const& a, File const& b);
  static Error unknown(LayerId const& id);

  std::shared_ptr<Layer const> get(LayerId const& id) const;

  std::shared_ptr<State> state_;
};

static_assert(DiffDriver<Memory> && OpenableDriver<Memory> && IdentityDriver<Memory> &&
              InMemoryDriver<Memory> && ReadDriver<Memory>);

}  // namespace strata::drivers

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/drivers/memory.ipp>
#endif
