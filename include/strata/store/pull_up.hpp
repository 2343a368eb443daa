#pragma once

#include <strata/error.hpp>
#include <strata/records/big_data.hpp>
#include <strata/records/image.hpp>
#include <strata/records/names.hpp>
#include <strata/store/intent_log.hpp>
#include <strata/store/layer_files.hpp>
#include <strata/store/records_of.hpp>
#include <strata/store/unreadable_records.hpp>
#include <strata/sys/file.hpp>

#include <optional>
#include <string>
#include <utility>
#include <vector>

/// Copies the record of an image from a read-only store into the store itself when its names are changed. Its
/// layers stay where they are (containers/storage, "pull up").
namespace strata {

/// What is copied of the image.
template <class Record>
struct PulledImage {
  Record record;
  std::vector<std::pair<std::string, std::string>> data = {};  ///< pairs of key and bytes
};

/// Reads an image's data without a lock. @throws `Errc::store_changed` if it was removed meanwhile
template <class Core, class ReadableStore>
PulledImage<ImageRecordOf<Core>> read_image(Core& core, ImageRecordOf<Core> const& record,
                                            ReadableStore const& place) {
  PulledImage<ImageRecordOf<Core>> image{.record = record};
  auto const directory = place.directory / core.template component<typename Core::ImageTraits>(record.id);
  for (auto const& key : record.big_data_names) {
    auto bytes = sys::read_stored(directory / big_data_file_name(key));
    if (!bytes)
      throw Error(Errc::store_changed,
                  "image \"" + record.id + "\", big data \"" + key + "\" in " + place.directory.native())
          .about(Subject::image, record.id)
          .at(place.directory.native());
    image.data.emplace_back(key, *std::move(bytes));
  }
  return image;
}

/// Writes the data of an image without a record under temporary names, to be committed under the table's
/// lock.
template <class Core>
std::vector<sys::ReplacingFile> write_image_data(Core& core, PulledImage<ImageRecordOf<Core>> const& image) {
  std::vector<sys::ReplacingFile> files;
  if (image.data.empty()) return files;
  auto const directory = core.template data_directory<typename Core::ImageTraits>(image.record.id);
  for (auto const& [key, bytes] : image.data) {
    auto const path = directory / big_data_file_name(key);
    sys::make_directories(path.parent_path(), 0700, core.flush());
    files.emplace_back(path, sys::ReplaceOptions{.mode = 0600, .flush = core.flush()});
    files.back().write(as_bytes(bytes));
    files.back().flush();
  }
  return files;
}

/// Renames the data into place and creates the record.
/// @param images  write guard of the table; committed on return
/// @param staging   has an intent for the image, if there is data
template <class Core, class Writing>
Row<ImageRecordOf<Core>> publish_image(Core& core, Writing& images, ImageRecordOf<Core> record,
                                       std::vector<sys::ReplacingFile>& data,
                                       std::optional<sys::StagingDirectory>& staging) {
  auto const id = record.id;
  try {
    for (auto& file : data) file.commit();
    auto row = images.put(std::move(record));
    images.commit(core.flush());
    return row;
  } catch (...) {
    // The record may have reached the disk despite the error; then the data belongs to it.
    if (staging) {
      if (!images.reload() || images.by_id(id))
        leave_intents(core, *staging);
      else
        discard_item_files<typename Core::ImageTraits>(core, id, *staging);
    }
    throw;
  }
}

/// The store's own record of an image, created if missing.
/// @throws `Errc::duplicate_name` if an image of the store itself has one of its names; `Errc::store_changed`
template <class Core, class ReadableStore>
Row<ImageRecordOf<Core>> pull_up_image(Core& core, Row<ImageRecordOf<Core>> const& row,
                                       ReadableStore const& place) {
  using Traits = typename Core::ImageTraits;
  {
    auto const images = core.template table<Traits>().read();
    if (auto own = images.by_id(row->id)) return own;
    images.check_free("", row->names);
  }
  core.collect_left();
  check_data_free<Traits>(core, row->id);
  auto image = read_image(core, *row, place);
  std::optional staging(log_intents(core, {{IntentKind::image_files, row->id}}));
  auto data = write_image_data(core, image);
  auto images = core.template table<Traits>().write();
  if (auto own = images.by_id(row->id)) return own;
  images.check_free("", row->names);
  return publish_image(core, images, std::move(image.record), data, staging);
}

}  // namespace strata
