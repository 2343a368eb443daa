#pragma once

#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/id.hpp>
#include <strata/records/container.hpp>
#include <strata/records/image.hpp>
#include <strata/records/layer.hpp>
#include <strata/records/record_file.hpp>
#include <strata/separate.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/file.hpp>

#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace strata {

/// Ids that have records. Files of other ids are orphans, unless some records cannot be read.
struct KnownIds {
  std::set<std::string, std::less<>> layers = {};
  std::set<std::string, std::less<>> images = {};
  std::set<std::string, std::less<>> containers = {};
  std::set<std::string, std::less<>> wanted = {};  ///< images and layers that a record refers to
  std::vector<fs::path> unreadable = {};           ///< unreadable record files, for `in_other_files`
  bool all_layers = true;
  bool all_images = true;
  bool all_containers = true;

  /// Ids in volatile record files that this store does not read: in the run root, written by stores opened as
  /// transient, or, if this one is, in the graph root.
  /// @throws `errno` if they cannot be read
  template <class Core>
  static KnownIds in_other_files(Core& core) {
    KnownIds known;
    if constexpr (!Core::appends) {
      auto const& options = core.options();
      auto const& root = options.transient ? options.graph_root : options.run_root;
      auto const add = [&]<class Traits>(std::type_identity<Traits>, auto& ids, bool& all) {
        using File = RecordFile<typename Traits::Record, typename Core::Serializer>;
        auto const path =
            File(core.template kind_directory<Traits>(root), Traits::stem).files().back().second;
        try {
          auto const bytes = sys::read_stored(path);
          if (!bytes) return;
          auto const decoded = Core::Serializer::template decode<typename Traits::Record>(*bytes);
          for (auto const& record : decoded.records) known.add(record, ids);
          all = decoded.unreadable.empty();
        } catch (Error const& error) {
          if (sys::is_transient(error)) throw;
          all = false;
        }
        if (!all) known.unreadable.push_back(path);
      };
      add(std::type_identity<typename Core::LayerTraits>{}, known.layers, known.all_layers);
      add(std::type_identity<typename Core::ContainerTraits>{}, known.containers, known.all_containers);
    }
    return known;
  }

  /// Adds an item, and what it refers to.
  /// @param ids  the set of its kind in this object
  template <class Record>
  void add(Record const& record, std::set<std::string, std::less<>>& ids) {
    ids.insert(record.id);
    want(record);
  }
  void want(LayerRecord const& layer) { wanted.insert(layer.parent); }
  void want(ImageRecord const& image);
  void want(ContainerRecord const& container) { wanted.insert({container.image, container.layer}); }

  /// Ids in the three tables.
  template <class Core, class Layers, class Images, class Containers>
  static KnownIds of(Core& core, Layers const& layers, Images const& images, Containers const& containers) {
    auto known = in_other_files(core);
    for (auto const& row : layers.rows()) known.add(*row, known.layers);
    for (auto const& row : images.rows()) known.add(*row, known.images);
    for (auto const& row : containers.rows()) known.add(*row, known.containers);
    known.all_layers = known.all_layers && layers.all_readable();
    known.all_images = images.all_readable();
    known.all_containers = known.all_containers && containers.all_readable();
    return known;
  }
  bool all(Subject kind) const noexcept;

  std::vector<LayerId> layer_ids() const;
};

}  // namespace strata

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/store/known_ids.ipp>
#endif
