#pragma once

#include <strata/concepts/driver.hpp>
#include <strata/sys/trash.hpp>

#include <filesystem>
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
  std::filesystem::path mount(LayerId const&, MountRequest const&);
  void unmount(LayerId const&, Flush);
  bool is_mounted(LayerId const&) const;
  std::filesystem::path mount_path(LayerId const&) const;
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

static_assert(LayerDriver<Driver> && OpenableDriver<Driver>);
static_assert(!DiffDriver<Driver> && !MountDriver<Driver> && !ShutdownDriver<Driver>);
static_assert(DiffDriver<Differ> && !MountDriver<Differ>);
static_assert(MountDriver<Mounter> && !DiffDriver<Mounter>);
static_assert(ShutdownDriver<Closer>);
static_assert(IdMapDriver<Mapper> && !IdMapDriver<Mounter> && !IdMapDriver<Differ>);

}  // namespace strata::archetype
