#pragma once

#include <strata/archive/tar_header.hpp>
#include <strata/archive/tar_writer.hpp>
#include <strata/concepts/check_driver.hpp>
#include <strata/concepts/driver.hpp>
#include <strata/drivers/btrfs.hpp>
#include <strata/drivers/in_place_tree.hpp>
#include <strata/drivers/naive_diff.hpp>
#include <strata/drivers/overlay.hpp>
#include <strata/drivers/vfs.hpp>
#include <strata/error.hpp>
#include <strata/sys/additional_tree.hpp>
#include <strata/sys/trash.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace strata::drivers {

/// A driver that can stand in the list of `AnyOf`: its name is known without an object, and its options come as texts.
template <class D>
concept ListedDriver = OpenableDriver<D> && requires(std::vector<std::string> const& texts) {
  { D::name() } -> std::convertible_to<std::string_view>;
  { D::Options::parse(texts) } -> std::same_as<typename D::Options>;
};

/// Which driver, and its options, as a program's configuration has them.
struct AnyOptions {
  std::string name = {};                   ///< empty: found out by what the graph root holds
  std::vector<std::string> options = {};   ///< "overlay.mountopt=nodev", "skip_mount_home=true"
  std::vector<std::string> priority = {};  ///< order of trial when no name is given; empty: the usual one
};

namespace detail {

/// Drivers that containers/storage knows, in the order in which it tries them; "aufs" until release 1.59.
inline constexpr std::array<std::string_view, 5> known_drivers{"overlay", "aufs", "btrfs", "zfs", "vfs"};

/// The known drivers whose homes are in a graph root.
inline std::vector<std::string_view> existing_homes(std::filesystem::path const& graph_root) {
  std::vector<std::string_view> found;
  for (auto const name : known_drivers) {
    std::error_code error;
    if (std::filesystem::is_directory(graph_root / name, error)) found.push_back(name);
  }
  return found;
}

/// What the original says of a driver that is not in this program; of those that it has itself, that their
/// prerequisites are missing, which makes a search go on.
inline Error not_here(std::string const& name, std::filesystem::path const& graph_root) {
  if (name == "aufs") return Error(Errc::driver_unknown, "kernel does not support aufs");
  if (name == "zfs") return Error(Errc::driver_unusable, "the 'zfs' command is not available");
  return Error(Errc::driver_unknown, "failed to GetDriver graph " + name + ' ' + graph_root.native());
}

}  // namespace detail

/// One of several drivers, chosen when a store is opened. What the chosen one cannot do throws `Errc::unsupported`;
/// differences it finds by comparing trees if need be.
template <ListedDriver... Ds>
class AnyOf {
  struct StagedBase {
    virtual ~StagedBase() = default;
    virtual void add(archive::TarHeader const& header, Reader& body) = 0;
    virtual void finish() = 0;
  };
  template <class D>
  struct StagedOf final : StagedBase {
    explicit StagedOf(typename D::Staged&& given) : staged(std::move(given)) {}
    void add(archive::TarHeader const& header, Reader& body) override { staged.add(header, body); }
    void finish() override { staged.finish(); }
    typename D::Staged staged;
  };

 public:
  using Options = AnyOptions;

  class Staged {
   public:
    void add(archive::TarHeader const& header, Reader& body) { held_->add(header, body); }
    void finish() { held_->finish(); }

   private:
    friend class AnyOf;
    explicit Staged(std::unique_ptr<StagedBase> held) : held_(std::move(held)) {}
    std::unique_ptr<StagedBase> held_;
  };

  /// Opens the driver that was named, or else: the first, in order of priority, whose home is in the graph root (though
  /// "vfs" only if there is a list that names it), or else the first that works here.
  ///
  /// @throws `Errc::driver_unknown`, `Errc::driver_unusable`: it is not in this program, or does not work here, also
  ///         when it was chosen for its data; `Errc::several_drivers`, `Errc::driver_option`: the subject is the whole
  ///         message; what else opening the driver throws
  AnyOf(DriverPlace const& place, Options const& options) {
    if (!options.name.empty()) {
      held_ = open(options.name, place, options);
      return;
    }
    auto order = options.priority;
    if (order.empty()) order.assign(detail::known_drivers.begin(), detail::known_drivers.end());
    if (auto const home = prior(place, order, !options.priority.empty())) {
      held_ = open(*home, place, options);
      return;
    }
    for (auto const& name : order) {
      try {
        held_ = open(name, place, options);
        return;
      } catch (Error const& error) {
        if (error.code() != Errc::driver_unusable && error.code() != Errc::driver_unknown) throw;
      }
    }
    throw Error(Errc::driver_unusable, "no supported storage backend found");
  }

  /// Of the chosen driver; "overlay" also for one opened as "overlay2".
  std::string_view name() const { return held_->name(); }

  Staged stage(StageRequest const& request) { return Staged(held_->stage(request)); }
  InPlaceTree in_place(LayerId const& id, InPlaceRequest const& request) {
    return held_->in_place(id, request);
  }
  void publish(LayerId const& id, Staged staged) { held_->publish(id, *staged.held_); }
  void replace(LayerId const& id, Staged& staged) { held_->replace(id, *staged.held_); }
  Trash remove(LayerId const& id) { return held_->remove(id); }
  bool exists(LayerId const& id) const { return held_->exists(id); }
  std::vector<LayerId> list() const { return held_->list(); }
  void copy_file(LayerId const& id, std::string_view file, Writer& to) const {
    held_->copy_file(id, file, to);
  }
  std::optional<std::string> contents_identity(LayerId const& id) const {
    return held_->contents_identity(id);
  }
  void recover() { held_->recover(); }
  std::vector<std::pair<std::string, std::string>> status() const { return held_->status(); }

  std::vector<Change> changes(LayerId const& id, std::optional<LayerId> const& parent,
                              DiffMaps const& maps = {}) const {
    return held_->changes(id, parent, maps);
  }
  void diff(LayerId const& id, std::optional<LayerId> const& parent, archive::TarWriter& to,
            Control const& control, DiffMaps const& maps = {}) const {
    held_->diff(id, parent, to, control, maps);
  }
  std::int64_t diff_size(LayerId const& id, std::optional<LayerId> const& parent,
                         DiffMaps const& maps = {}) const {
    return held_->diff_size(id, parent, maps);
  }
  bool shifts(IdMaps const& maps) const { return held_->shifts(maps); }

  std::filesystem::path mount(LayerId const& id, MountRequest const& request) {
    return held_->mount(id, request);
  }
  void unmount(LayerId const& id, Flush flush = Flush::full) { held_->unmount(id, flush); }
  bool is_mounted(LayerId const& id) const { return held_->is_mounted(id); }
  std::filesystem::path mount_path(LayerId const& id) const { return held_->mount_path(id); }

  void shutdown() { held_->shutdown(); }
  void resume() { held_->resume(); }

  // What `CheckDriver` asks for; a driver that is none has nothing to tell.
  std::vector<Problem> inspect(LayerId const& id,
                               std::optional<std::vector<LayerId>> const& ancestors) const {
    return held_->inspect(id, ancestors);
  }
  std::vector<std::string> repair(LayerId const& id, std::optional<std::vector<LayerId>> const& ancestors) {
    return held_->repair(id, ancestors);
  }
  std::optional<std::vector<LayerId>> ancestors(LayerId const& id) const { return held_->ancestors(id); }
  std::optional<OwnTree> own_tree(LayerId const& id) const { return held_->own_tree(id); }
  std::vector<Ownership> claims(std::vector<LayerId> const& known) const { return held_->claims(known); }
  std::vector<std::filesystem::path> image_stores() const { return held_->image_stores(); }

  std::optional<AdditionalTree> find_additional(std::string_view digest, std::string_view reference) const {
    return held_->find_additional(digest, reference);
  }
  Staged stage_additional(AdditionalTree const& tree, StageRequest const& request) {
    return Staged(held_->stage_additional(tree, request));
  }

 private:
  struct Base {
    virtual ~Base() = default;
    virtual std::string_view name() const = 0;
    virtual std::unique_ptr<StagedBase> stage(StageRequest const& request) = 0;
    virtual InPlaceTree in_place(LayerId const& id, InPlaceRequest const& request) = 0;
    virtual void publish(LayerId const& id, StagedBase& staged) = 0;
    virtual void replace(LayerId const& id, StagedBase& staged) = 0;
    virtual Trash remove(LayerId const& id) = 0;
    virtual bool exists(LayerId const& id) = 0;
    virtual std::vector<LayerId> list() = 0;
    virtual void copy_file(LayerId const& id, std::string_view file, Writer& to) = 0;
    virtual std::optional<std::string> contents_identity(LayerId const& id) = 0;
    virtual void recover() = 0;
    virtual std::vector<std::pair<std::string, std::string>> status() = 0;
    virtual std::vector<Change> changes(LayerId const& id, std::optional<LayerId> const& parent,
                                        DiffMaps const& maps) = 0;
    virtual void diff(LayerId const& id, std::optional<LayerId> const& parent, archive::TarWriter& to,
                      Control const& control, DiffMaps const& maps) = 0;
    virtual std::int64_t diff_size(LayerId const& id, std::optional<LayerId> const& parent,
                                   DiffMaps const& maps) = 0;
    virtual bool shifts(IdMaps const& maps) = 0;
    virtual std::filesystem::path mount(LayerId const& id, MountRequest const& request) = 0;
    virtual void unmount(LayerId const& id, Flush flush) = 0;
    virtual bool is_mounted(LayerId const& id) = 0;
    virtual std::filesystem::path mount_path(LayerId const& id) = 0;
    virtual void shutdown() = 0;
    virtual void resume() = 0;
    virtual std::vector<Problem> inspect(LayerId const& id,
                                         std::optional<std::vector<LayerId>> const& ancestors) = 0;
    virtual std::vector<std::string> repair(LayerId const& id,
                                            std::optional<std::vector<LayerId>> const& ancestors) = 0;
    virtual std::optional<std::vector<LayerId>> ancestors(LayerId const& id) = 0;
    virtual std::optional<OwnTree> own_tree(LayerId const& id) = 0;
    virtual std::vector<Ownership> claims(std::vector<LayerId> const& known) = 0;
    virtual std::vector<std::filesystem::path> image_stores() = 0;
    virtual std::optional<AdditionalTree> find_additional(std::string_view digest,
                                                          std::string_view reference) = 0;
    virtual std::unique_ptr<StagedBase> stage_additional(AdditionalTree const& tree,
                                                         StageRequest const& request) = 0;
  };

  template <class D>
  struct Held final : Base {
    Held(DriverPlace const& place, typename D::Options const& options) : driver(place, options) {
      if (!ImageStoreDriver<D> && (!place.image_stores.empty() || !place.image_store.empty()))
        cannot("several stores");
    }

    [[noreturn]] static void cannot(std::string_view what) {
      throw Error(Errc::unsupported, std::string(D::name()) + " driver: " + std::string(what));
    }
    /// The store hands back only what it got from `stage` of the same object.
    static typename D::Staged&& own(StagedBase& staged) {
      return std::move(static_cast<StagedOf<D>&>(staged).staged);
    }

    std::string_view name() const override { return D::name(); }
    std::unique_ptr<StagedBase> stage(StageRequest const& request) override {
      if constexpr (!IdMapDriver<D>)
        if (!request.maps.empty() || !request.parent_maps.empty()) cannot("ID mappings");
      return std::make_unique<StagedOf<D>>(driver.stage(request));
    }
    InPlaceTree in_place(LayerId const& id, InPlaceRequest const& request) override {
      if constexpr (InPlaceDriver<D>)
        return driver.in_place(id, request);
      else
        cannot("changing a mounted layer");
    }
    void publish(LayerId const& id, StagedBase& staged) override { driver.publish(id, own(staged)); }
    void replace(LayerId const& id, StagedBase& staged) override {
      driver.replace(id, static_cast<StagedOf<D>&>(staged).staged);
    }
    Trash remove(LayerId const& id) override { return driver.remove(id); }
    bool exists(LayerId const& id) override { return driver.exists(id); }
    std::vector<LayerId> list() override { return driver.list(); }
    void copy_file(LayerId const& id, std::string_view file, Writer& to) override {
      driver.copy_file(id, file, to);
    }
    std::optional<std::string> contents_identity([[maybe_unused]] LayerId const& id) override {
      if constexpr (requires { driver.contents_identity(id); }) return driver.contents_identity(id);
      return std::nullopt;
    }
    void recover() override { driver.recover(); }
    std::vector<std::pair<std::string, std::string>> status() override { return driver.status(); }

    std::vector<Change> changes(LayerId const& id, std::optional<LayerId> const& parent,
                                DiffMaps const& maps) override {
      if constexpr (IdMapDriver<D>)
        return driver.changes(id, parent, maps);
      else if constexpr (DiffDriver<D>)
        return driver.changes(id, parent);
      else if constexpr (MountDriver<D>)
        return naive::changes(driver, id, parent, maps);
      else
        cannot("changes");
    }
    void diff(LayerId const& id, std::optional<LayerId> const& parent, archive::TarWriter& to,
              Control const& control, DiffMaps const& maps) override {
      if constexpr (IdMapDriver<D>)
        driver.diff(id, parent, to, control, maps);
      else if constexpr (DiffDriver<D>)
        driver.diff(id, parent, to, control);
      else if constexpr (MountDriver<D>)
        naive::diff(driver, id, parent, to, control, maps);
      else
        cannot("diff");
    }
    std::int64_t diff_size(LayerId const& id, std::optional<LayerId> const& parent,
                           DiffMaps const& maps) override {
      if constexpr (IdMapDriver<D>)
        return driver.diff_size(id, parent, maps);
      else if constexpr (DiffDriver<D>)
        return driver.diff_size(id, parent);
      else if constexpr (MountDriver<D>)
        return naive::diff_size(driver, id, parent, maps);
      else
        cannot("size of a diff");
    }

    bool shifts([[maybe_unused]] IdMaps const& maps) override {
      if constexpr (IdMapDriver<D>) return driver.shifts(maps);
      return false;
    }

    std::filesystem::path mount(LayerId const& id, MountRequest const& request) override {
      if constexpr (MountDriver<D>)
        return driver.mount(id, request);
      else
        cannot("mount");
    }
    void unmount(LayerId const& id, Flush flush) override {
      if constexpr (MountDriver<D>) driver.unmount(id, flush);
    }
    bool is_mounted(LayerId const& id) override {
      if constexpr (MountDriver<D>) return driver.is_mounted(id);
      return false;
    }
    std::filesystem::path mount_path(LayerId const& id) override {
      if constexpr (MountDriver<D>)
        return driver.mount_path(id);
      else
        cannot("mount");
    }
    std::vector<Problem> inspect(LayerId const& id,
                                 std::optional<std::vector<LayerId>> const& ancestors) override {
      if constexpr (CheckDriver<D>) return driver.inspect(id, ancestors);
      return {};
    }
    std::vector<std::string> repair(LayerId const& id,
                                    std::optional<std::vector<LayerId>> const& ancestors) override {
      if constexpr (CheckDriver<D>) return driver.repair(id, ancestors);
      return {};
    }
    std::optional<std::vector<LayerId>> ancestors(LayerId const& id) override {
      if constexpr (CheckDriver<D>) return driver.ancestors(id);
      return std::nullopt;
    }
    std::optional<OwnTree> own_tree(LayerId const& id) override {
      if constexpr (CheckDriver<D>) return driver.own_tree(id);
      return std::nullopt;
    }
    std::vector<Ownership> claims(std::vector<LayerId> const& known) override {
      if constexpr (CheckDriver<D>) return driver.claims(known);
      return {};
    }
    void shutdown() override {
      if constexpr (ShutdownDriver<D>) driver.shutdown();
    }
    void resume() override {
      if constexpr (ShutdownDriver<D>) driver.resume();
    }
    std::vector<std::filesystem::path> image_stores() override {
      if constexpr (ImageStoreDriver<D>) return driver.image_stores();
      return {};
    }
    std::optional<AdditionalTree> find_additional(std::string_view digest,
                                                  std::string_view reference) override {
      if constexpr (LayerStoreDriver<D>) return driver.find_additional(digest, reference);
      return std::nullopt;
    }
    std::unique_ptr<StagedBase> stage_additional(AdditionalTree const& tree,
                                                 StageRequest const& request) override {
      if constexpr (LayerStoreDriver<D>)
        return std::make_unique<StagedOf<D>>(driver.stage_additional(tree, request));
      else
        cannot("additional layer stores");
    }

    D driver;
  };

  /// The driver whose data is there, if any.
  static std::optional<std::string> prior(DriverPlace const& place, std::vector<std::string> const& order,
                                          bool order_was_given) {
    auto const homes = detail::existing_homes(place.graph_root);
    for (auto const& name : order) {
      if (name == "vfs" && !order_was_given) continue;  // it may have been a makeshift
      if (std::find(homes.begin(), homes.end(), name) == homes.end()) continue;
      if (homes.size() == 1) return name;
      std::string text = place.graph_root.native() + " contains several valid graphdrivers: ";
      for (auto const home : homes) text.append(home == homes.front() ? "" : ", ").append(home);
      throw Error(Errc::several_drivers,
                  text + "; Please cleanup or explicitly choose storage driver (-s <DRIVER>)");
    }
    return std::nullopt;
  }

  static std::unique_ptr<Base> open(std::string const& name, DriverPlace const& place,
                                    Options const& options) {
    std::unique_ptr<Base> opened;
    auto const try_one = [&]<class D>() {
      if (name != D::name() && !(name == "overlay2" && D::name() == "overlay")) return;
      auto parsed = D::Options::parse(options.options);
      // The alias names another directory, as it does for the Go library.
      if constexpr (requires { parsed.home_name; }) parsed.home_name = name;
      opened = std::make_unique<Held<D>>(place, parsed);
    };
    (try_one.template operator()<Ds>(), ...);
    if (!opened) throw detail::not_here(name, place.graph_root);
    return opened;
  }

  std::unique_ptr<Base> held_;
};

/// The drivers of a usual program.
using Any = AnyOf<Overlay, Btrfs, Vfs>;

static_assert(IdMapDriver<Any> && CheckDriver<Any> && OpenableDriver<Any> && ShutdownDriver<Any>);
static_assert(ImageStoreDriver<Any> && LayerStoreDriver<Any> && InPlaceDriver<Any>);

}  // namespace strata::drivers
