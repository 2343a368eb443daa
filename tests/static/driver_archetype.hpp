#pragma once

#include <strata/concepts/driver.hpp>
#include <strata/concepts/inspect_driver.hpp>
#include <strata/concepts/lineage_driver.hpp>
#include <strata/concepts/own_tree_driver.hpp>
#include <strata/concepts/read_driver.hpp>
#include <strata/concepts/usage_driver.hpp>
#include <strata/concepts/with_ability.hpp>
#include <strata/fs.hpp>
#include <strata/sys/trash.hpp>
#include <strata/tree/layer_tree.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace strata::archetype {

/// The least that is a driver: declared, never defined. What compiles with it needs no more than the concept says.
struct Driver {
  struct Options {};
  struct Staged {
    Staged() = delete;
    Staged(Staged&&) = default;  // movable, and no more
    Staged& operator=(Staged&&) = default;
    void add(archive::TarHeader const&, Reader&);
    void finish();
  };

  Driver() = delete;
  Driver(DriverPlace const&, Options const&);
  Driver(Driver&&) = default;
  Driver& operator=(Driver&&) = default;

  std::string_view name() const;
  Staged stage(StageRequest const&);
  void publish(LayerId const&, Staged&&);
  void replace(LayerId const&, Staged&);
  Trash remove(LayerId const&);
  bool exists(LayerId const&) const;
  std::vector<LayerId> list() const;
  void copy_file(LayerId const&, std::string_view, Writer&) const;
  void recover();
  std::vector<std::pair<std::string, std::string>> status() const;
};

/// The least that also compares.
struct Differ : Driver {
  using Driver::Driver;
  std::vector<Change> changes(DiffRequest const&) const;
  void diff(DiffRequest const&, archive::TarWriter&) const;
  std::int64_t diff_size(DiffRequest const&) const;
};

/// The least that also mounts.
struct Mounter : Driver {
  using Driver::Driver;
  fs::path mount(LayerId const&, MountRequest const&);
  void unmount(LayerId const&, Flush);
  bool is_mounted(LayerId const&) const;
  fs::path mount_path(LayerId const&) const;
};

/// The least that also keeps or shows other owners.
struct Mapper : Mounter {
  using Mounter::Mounter;
  std::vector<Change> changes(DiffRequest const&) const;
  void diff(DiffRequest const&, archive::TarWriter&) const;
  std::int64_t diff_size(DiffRequest const&) const;
  bool shifts(IdMaps const&) const;
};

/// The least that also has to be shut down.
struct Closer : Driver {
  using Driver::Driver;
  void shutdown();
  void resume();
};

/// The least that also keeps trees.
struct Keeper : Driver {
  using Driver::Driver;
  std::optional<OwnTree> own_tree(LayerId const&) const;
};

/// The least that also reads files without a mount.
struct FileReader : Driver {
  using Driver::Driver;
  std::optional<LayerTree> read_tree(LayerId const&, ReadMaps const&) const;
};

/// The least that also knows what lies below a layer.
struct Descendant : Driver {
  using Driver::Driver;
  std::optional<std::vector<LayerId>> ancestors(LayerId const&) const;
};

/// The least that also finds problems, and the least that repairs them.
struct Inspector : Driver {
  using Driver::Driver;
  std::vector<Problem> inspect(LayerId const&, std::optional<std::vector<LayerId>> const&) const;
};
struct Repairer : Inspector {
  using Inspector::Inspector;
  std::vector<std::string> repair(LayerId const&, std::optional<std::vector<LayerId>> const&);
};

/// The least that also knows what its files belong to.
struct Owner : Driver {
  using Driver::Driver;
  std::vector<Ownership> ownership(std::vector<LayerId> const&) const;
};

/// The least that also tells contents apart.
struct Identifier : Driver {
  using Driver::Driver;
  std::optional<std::string> contents_identity(LayerId const&) const;
};

/// The least that also leaves nothing on disk.
struct InMemory : Driver {
  using Driver::Driver;
  static constexpr bool in_memory = true;
};

/// Holds one of two drivers, and has no ability itself.
template <LayerDriver One, LayerDriver Other>
struct Holder : Driver {
  using Driver::Driver;
  template <class F>
  decltype(auto) visit(F&& f) {
    return one != nullptr ? f(*one) : f(*other);
  }
  template <class F>
  decltype(auto) visit(F&& f) const {
    return one != nullptr ? f(*one) : f(*other);
  }
  One* one;
  Other* other;
};

static_assert(LayerDriver<Driver> && OpenableDriver<Driver>);
static_assert(!DiffDriver<Driver> && !MountDriver<Driver> && !ShutdownDriver<Driver>);
static_assert(DiffDriver<Differ> && !MountDriver<Differ>);
static_assert(MountDriver<Mounter> && !DiffDriver<Mounter>);
static_assert(ShutdownDriver<Closer>);
static_assert(IdMapDriver<Mapper> && !IdMapDriver<Mounter> && !IdMapDriver<Differ>);

/// How many of the abilities that are asked for one by one a driver has.
template <class D>
inline constexpr int abilities = OwnTreeDriver<D> + LineageDriver<D> + InspectDriver<D> + RepairDriver<D> +
                                 UsageDriver<D> + IdentityDriver<D> + ReadDriver<D> + DriverHolder<D>;
static_assert(abilities<Driver> == 0 && abilities<Mapper> == 0);
static_assert(OwnTreeDriver<Keeper> && abilities<Keeper> == 1);
static_assert(ReadDriver<FileReader> && abilities<FileReader> == 1);
static_assert(LineageDriver<Descendant> && abilities<Descendant> == 1);
static_assert(InspectDriver<Inspector> && abilities<Inspector> == 1);
static_assert(RepairDriver<Repairer> && abilities<Repairer> == 2);
static_assert(UsageDriver<Owner> && abilities<Owner> == 1);
static_assert(IdentityDriver<Identifier> && abilities<Identifier> == 1);
static_assert(InMemoryDriver<InMemory> && !InMemoryDriver<Driver> && abilities<InMemory> == 0);
static_assert(DriverHolder<Holder<Keeper, Owner>> && abilities<Holder<Keeper, Owner>> == 1);

}  // namespace strata::archetype
