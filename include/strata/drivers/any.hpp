#pragma once

#include <strata/archive/tar_header.hpp>
#include <strata/archive/tar_writer.hpp>
#include <strata/concepts/driver.hpp>
#include <strata/concepts/with_ability.hpp>
#include <strata/drivers/btrfs.hpp>
#include <strata/drivers/in_place_tree.hpp>
#include <strata/drivers/naive_diff.hpp>
#include <strata/drivers/overlay.hpp>
#include <strata/drivers/vfs.hpp>
#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/separate.hpp>
#include <strata/sys/additional_tree.hpp>
#include <strata/sys/trash.hpp>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

namespace strata::drivers {

/// A driver that can be in the list of `AnyOf`: it has a static name, and options that can be parsed from
/// texts.
template <class D>
concept ListedDriver = OpenableDriver<D> && requires(std::vector<std::string> const& texts) {
  { D::name() } -> std::convertible_to<std::string_view>;
  { D::Options::parse(texts) } -> std::same_as<typename D::Options>;
};

/// The driver and its options, as in a program's configuration.
struct AnyOptions {
  std::string name = {};                   ///< empty: determined from the contents of the graph root
  std::vector<std::string> options = {};   ///< "overlay.mountopt=nodev", "skip_mount_home=true"
  std::vector<std::string> priority = {};  ///< order of trial if no name is given; empty: the default
};

namespace detail {

/// Drivers of containers/storage, in the order in which it tries them; "aufs" until release 1.59.
inline constexpr std::array<std::string_view, 5> known_drivers{"overlay", "aufs", "btrfs", "zfs", "vfs"};

/// The known drivers that have a home in a graph root.
std::vector<std::string_view> existing_homes(fs::path const& graph_root);

/// Error for a driver that this program does not include, as containers/storage reports it: for zfs that
/// prerequisites are missing, so that a search continues; otherwise that the driver is unknown.
Error not_here(std::string const& name, fs::path const& graph_root);

/// The driver whose data is in a graph root, if any.
/// @param order            names, the preferred one first
/// @param order_was_given  otherwise a home of "vfs" does not count, since it may have been a fallback
/// @throws `Errc::several_drivers`
std::optional<std::string> prior_home(fs::path const& graph_root, std::vector<std::string> const& order,
                                      bool order_was_given);

}  // namespace detail

/// One of several drivers, chosen when a store is opened.
///
/// Models the concepts that add calls to a store (`DiffDriver`, `MountDriver`, `IdMapDriver`,
/// `InPlaceDriver`, `ImageStoreDriver`, `LayerStoreDriver`) if one of its drivers does; if the chosen driver
/// does not, the calls throw `Errc::unsupported`. If the chosen driver can only mount, layers are compared as
/// trees. For other abilities use `with_ability`, which calls the chosen driver itself.
template <ListedDriver... Ds>
class AnyOf {
  template <class D>
  struct StagedOf {
    typename D::Staged staged;
  };
  template <class D>
  static constexpr bool can_compare = DiffDriver<D> || MountDriver<D>;

 public:
  using Options = AnyOptions;

  /// A tree being built by the chosen driver.
  class Staged {
   public:
    void add(archive::TarHeader const& header, Reader& body) {
      std::visit([&](auto& of) { of.staged.add(header, body); }, held_);
    }
    void finish() {
      std::visit([](auto& of) { of.staged.finish(); }, held_);
    }

   private:
    friend class AnyOf;
    template <class D>
    explicit Staged(StagedOf<D>&& of) : held_(std::move(of)) {}
    /// The store only passes objects that the same driver made.
    template <class D>
    typename D::Staged& of() {
      return std::get<StagedOf<D>>(held_).staged;
    }
    std::variant<StagedOf<Ds>...> held_;
  };

  /// Opens the named driver; without a name, the first in order of priority whose home is in the graph root
  /// ("vfs" only if an explicit list names it), or else the first that works on this host.
  ///
  /// @throws `Errc::driver_unknown`; `Errc::driver_unusable`: not part of this program, or not working on
  ///   this host, even if chosen for its data; `Errc::several_drivers`; `Errc::driver_option`, whose subject
  ///   is the whole message; what opening the driver throws
  AnyOf(DriverPlace const& place, Options const& options) : held_(choose(place, options)) {}

  /// Calls `f` with the chosen driver, in its own type.
  template <class F>
  decltype(auto) visit(F&& f) {
    return std::visit(f, *held_);
  }
  template <class F>
  decltype(auto) visit(F&& f) const {
    return std::visit(f, std::as_const(*held_));
  }

  /// Name of the chosen driver; "overlay" also for one opened as "overlay2".
  std::string_view name() const {
    return visit([](auto const& driver) { return std::string_view(driver.name()); });
  }

  Staged stage(StageRequest const& request) {
    return visit([&]<class D>(D& driver) {
      if constexpr (!IdMapDriver<D>)
        if (!request.maps.empty() || !request.parent_maps.empty()) cannot<D>("ID mappings");
      return Staged(StagedOf<D>{driver.stage(request)});
    });
  }
  InPlaceTree in_place(LayerId const& id, InPlaceRequest const& request) requires(InPlaceDriver<Ds> || ...) {
    return visit([&]<class D>(D& driver) -> InPlaceTree {
      if constexpr (InPlaceDriver<D>)
        return driver.in_place(id, request);
      else
        cannot<D>("changing a mounted layer");
    });
  }
  void publish(LayerId const& id, Staged staged) {
    visit([&]<class D>(D& driver) { driver.publish(id, std::move(staged.template of<D>())); });
  }
  void replace(LayerId const& id, Staged& staged) {
    visit([&]<class D>(D& driver) { driver.replace(id, staged.template of<D>()); });
  }
  Trash remove(LayerId const& id) {
    return visit([&](auto& driver) { return driver.remove(id); });
  }
  bool exists(LayerId const& id) const {
    return visit([&](auto const& driver) { return driver.exists(id); });
  }
  std::vector<LayerId> list() const {
    return visit([](auto const& driver) { return driver.list(); });
  }
  void copy_file(LayerId const& id, std::string_view file, Writer& to) const {
    visit([&](auto const& driver) { driver.copy_file(id, file, to); });
  }
  void recover() {
    visit([](auto& driver) { driver.recover(); });
  }
  std::vector<std::pair<std::string, std::string>> status() const {
    return visit([](auto const& driver) { return driver.status(); });
  }

  std::vector<Change> changes(DiffRequest const& request) const requires(can_compare<Ds> || ...) {
    return std::visit(
        [&]<class D>(D& driver) -> std::vector<Change> {
          if constexpr (DiffDriver<D>)
            return driver.changes(request);
          else if constexpr (MountDriver<D>)
            return naive::changes(driver, request);
          else
            cannot<D>("changes");
        },
        *held_);
  }
  void diff(DiffRequest const& request, archive::TarWriter& to) const requires(can_compare<Ds> || ...) {
    std::visit(
        [&]<class D>(D& driver) {
          if constexpr (DiffDriver<D>)
            driver.diff(request, to);
          else if constexpr (MountDriver<D>)
            naive::diff(driver, request, to);
          else
            cannot<D>("diff");
        },
        *held_);
  }
  std::int64_t diff_size(DiffRequest const& request) const requires(can_compare<Ds> || ...) {
    return std::visit(
        [&]<class D>(D& driver) -> std::int64_t {
          if constexpr (DiffDriver<D>)
            return driver.diff_size(request);
          else if constexpr (MountDriver<D>)
            return naive::diff_size(driver, request);
          else
            cannot<D>("size of a diff");
        },
        *held_);
  }
  bool shifts(IdMaps const& maps) const requires(IdMapDriver<Ds> || ...) {
    return visit([&]<class D>([[maybe_unused]] D const& driver) {
      if constexpr (IdMapDriver<D>) return driver.shifts(maps);
      return false;
    });
  }

  fs::path mount(LayerId const& id, MountRequest const& request) requires(MountDriver<Ds> || ...) {
    return visit([&]<class D>(D& driver) -> fs::path {
      if constexpr (MountDriver<D>)
        return driver.mount(id, request);
      else
        cannot<D>("mount");
    });
  }
  void unmount(LayerId const& id, Flush flush = Flush::full) requires(MountDriver<Ds> || ...) {
    visit([&]<class D>([[maybe_unused]] D& driver) {
      if constexpr (MountDriver<D>) driver.unmount(id, flush);
    });
  }
  bool is_mounted(LayerId const& id) const requires(MountDriver<Ds> || ...) {
    return visit([&]<class D>([[maybe_unused]] D const& driver) {
      if constexpr (MountDriver<D>) return driver.is_mounted(id);
      return false;
    });
  }
  fs::path mount_path(LayerId const& id) const requires(MountDriver<Ds> || ...) {
    return visit([&]<class D>(D const& driver) -> fs::path {
      if constexpr (MountDriver<D>)
        return driver.mount_path(id);
      else
        cannot<D>("mount");
    });
  }

  std::vector<fs::path> image_stores() const requires(ImageStoreDriver<Ds> || ...) {
    return visit([]<class D>([[maybe_unused]] D const& driver) -> std::vector<fs::path> {
      if constexpr (ImageStoreDriver<D>) return driver.image_stores();
      return {};
    });
  }

  std::optional<AdditionalTree> find_additional(std::string_view digest, std::string_view reference) const
      requires(LayerStoreDriver<Ds> || ...) {
    return visit([&]<class D>([[maybe_unused]] D const& driver) -> std::optional<AdditionalTree> {
      if constexpr (LayerStoreDriver<D>) return driver.find_additional(digest, reference);
      return std::nullopt;
    });
  }
  Staged stage_additional(AdditionalTree const& tree,
                          StageRequest const& request) requires(LayerStoreDriver<Ds> || ...) {
    return visit([&]<class D>([[maybe_unused]] D& driver) -> Staged {
      if constexpr (LayerStoreDriver<D>)
        return Staged(StagedOf<D>{driver.stage_additional(tree, request)});
      else
        cannot<D>("additional layer stores");
    });
  }

 private:
  using Held = std::variant<Ds...>;

  template <class D>
  [[noreturn]] static void cannot(std::string_view what) {
    throw Error(Errc::unsupported, std::string(D::name()) + " driver: " + std::string(what));
  }

  static std::unique_ptr<Held> choose(DriverPlace const& place, Options const& options) {
    if (!options.name.empty()) return open(options.name, place, options);
    auto order = options.priority;
    if (order.empty()) order.assign(detail::known_drivers.begin(), detail::known_drivers.end());
    if (auto const home = detail::prior_home(place.graph_root, order, !options.priority.empty()))
      return open(*home, place, options);
    for (auto const& name : order) {
      try {
        return open(name, place, options);
      } catch (Error const& error) {
        if (error.code() != Errc::driver_unusable && error.code() != Errc::driver_unknown) throw;
      }
    }
    throw Error(Errc::driver_unusable, "no supported storage backend found");
  }

  static std::unique_ptr<Held> open(std::string const& name, DriverPlace const& place,
                                    Options const& options) {
    std::unique_ptr<Held> opened;
    auto const try_one = [&]<class D>() {
      if (name != D::name() && !(name == "overlay2" && D::name() == "overlay")) return;
      auto parsed = D::Options::parse(options.options);
      // The alias selects another directory, as in the Go library.
      if constexpr (requires { parsed.home_name; }) parsed.home_name = name;
      opened = std::make_unique<Held>(std::in_place_type<D>, place, parsed);
      // Asked last: a driver that does not work here is passed over, whatever it could not do.
      if (!ImageStoreDriver<D> && (!place.image_stores.empty() || !place.image_store.empty()))
        cannot<D>("several stores");
    };
    (try_one.template operator()<Ds>(), ...);
    if (!opened) throw detail::not_here(name, place.graph_root);
    return opened;
  }

  std::unique_ptr<Held> held_;
};

/// The drivers that most programs need.
using Any = AnyOf<Overlay, Btrfs, Vfs>;

static_assert(OpenableDriver<Any> && DriverHolder<Any>);
static_assert(IdMapDriver<Any> && InPlaceDriver<Any> && ImageStoreDriver<Any> && LayerStoreDriver<Any>);

}  // namespace strata::drivers

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/drivers/any.ipp>
#endif
