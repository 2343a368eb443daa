#pragma once

#include <strata/concepts/serializer.hpp>
#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/id.hpp>
#include <strata/paths.hpp>
#include <strata/records/record.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace strata {

struct RecordPlaces;

/// Where the files of a store are: a function of its options and of the driver's name alone.
/// @tparam Derived  `Core`, with `options()` and `driver()`
template <class Derived>
class StorePaths {
 public:
  /// Checks that an id, which another program may have written, can be a path component: safe, and not the
  /// name of one of the kind's own files.
  /// @throws `Errc::invalid_id`
  template <class Traits>
  static std::string const& component(std::string const& id) {
    if (!is_safe_component(id) || paths::is_reserved(id, Traits::stem, Derived::Serializer::extension()))
      throw Error(Errc::invalid_id, "\"" + id + "\"");
    return id;
  }
  /// The given id, or a new one.
  /// @throws `Errc::invalid_id` as `component`, or if the serializer would not preserve it
  template <class Traits>
  static typename Traits::Id new_id(std::string const& given) {
    using Id = typename Traits::Id;
    if (!keeps<typename Derived::Serializer>(given)) throw Error(Errc::invalid_id, "\"" + given + "\"");
    return given.empty() ? Id::random(Traits::id_digits) : Id(component<Traits>(given));
  }

  /// `<graph root>/<driver>-<stem>`, with the records and data of a kind; that of images is in the image
  /// store, if there is one.
  template <class Traits>
  fs::path kind_directory() const {
    bool const apart = Traits::data_in_image_store && !self().options().image_store.empty();
    return kind_directory<Traits>(apart ? self().options().image_store : self().options().graph_root);
  }
  template <class Traits>
  fs::path kind_directory(fs::path const& root) const {
    return paths::kind_directory(root, self().driver().name(), Traits::stem);
  }
  /// Directory of an item's big data; may not exist.
  /// @throws `Errc::invalid_id` if the id is the name of something else there
  template <class Traits>
  fs::path data_directory(std::string const& id) const {
    return kind_directory<Traits>() / component<Traits>(id);
  }
  /// Parent of the directory for the item's users; always in the graph root.
  template <class Traits>
  fs::path user_directory(std::string const& id) const {
    return kind_directory<Traits>(self().options().graph_root) / component<Traits>(id);
  }
  /// The same in the run root.
  template <class Traits>
  fs::path run_directory(std::string const& id) const {
    return kind_directory<Traits>(self().options().run_root) / component<Traits>(id);
  }
  /// Record files of a kind, the most durable first. None for a store in one log.
  template <class Traits>
  std::vector<std::pair<RecordPlace, fs::path>> record_files() const;
  fs::path tar_split(std::string const& layer) const {
    return tar_split(kind_directory<typename Derived::LayerTraits>(), layer);
  }
  /// @param directory  data directory of the layers
  static fs::path tar_split(fs::path const& directory, std::string const& layer) {
    return directory /
           (component<typename Derived::LayerTraits>(layer) + std::string(paths::tar_split_suffix));
  }
  /// Staging area and trash, on the file system of the records.
  fs::path layer_trash() const {
    return kind_directory<typename Derived::LayerTraits>() / paths::table_trash;
  }

  /// Record file for a new layer.
  RecordPlace place_of_layer(bool writable) const noexcept {
    return !writable && !self().options().image_store.empty() ? RecordPlace::image_store : RecordPlace::main;
  }
  /// Record file for a new container and its layer.
  RecordPlace place_of_container(bool is_volatile) const noexcept {
    return self().options().transient || (self().options().volatile_apart && is_volatile)
               ? RecordPlace::volatile_file
               : RecordPlace::main;
  }

  /// Record files of a kind, for serializers that use files.
  template <class Traits>
  RecordPlaces record_places() const;

  /// In a transient store the lock of containers is in the run root, with their records.
  template <class Traits>
  fs::path lock_directory() const {
    bool const moved = Traits::lock_follows_volatile && self().options().transient;
    return moved ? kind_directory<Traits>(self().options().run_root) : kind_directory<Traits>();
  }
  static fs::path lock_file(fs::path const& directory, std::string_view stem) {
    return directory / (std::string(stem) + std::string(paths::lock_extension));
  }

 private:
  Derived const& self() const noexcept { return static_cast<Derived const&>(*this); }
};

}  // namespace strata

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/store/store_paths.hpp>
#endif
