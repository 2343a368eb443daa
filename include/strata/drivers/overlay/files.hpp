#pragma once

#include <strata/concepts/bytes.hpp>
#include <strata/drivers/overlay/composefs.hpp>
#include <strata/drivers/overlay/layer_dirs.hpp>
#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/separate.hpp>
#include <strata/sys/fd.hpp>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <fcntl.h>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace strata::drivers::overlay {

/// Reads single files of layers, keeping the directories of the last few layers open for repeated use.
/// Thread-safe.
class LayerFiles {
 public:
  /// Writes the contents of the regular file that an archive added to a layer as `name`: from the layer's own
  /// tree, else from those below it, nearest first. The kernel confines the look-up to each tree, whatever
  /// links and ".." the name contains.
  /// @throws `Errc::layer_unknown`, `Errc::data_unknown`
  void copy(LayerDirs const& dirs, std::string const& id, std::string_view name, Writer& to);

  /// Closes all open directories.
  void forget();

 private:
  static constexpr std::size_t most_layers = 4;
  static constexpr std::size_t buffer_size = 256U * 1024;

  /// A layer whose tree is open.
  struct OpenLayer {
    std::string id;
    fs::path directory;
    struct stat identity = {};
    OpenTree tree = {};
    std::mutex opening = {};
    std::optional<std::vector<OpenTree>> lowers = {};  ///< none: not opened yet

    /// Not by `std::call_once`, which cannot pass on exceptions in a program with a libgcc of its own.
    std::vector<OpenTree> const& lower_trees(LayerDirs const& dirs);
  };

  /// Checks each time if the open tree is still the layer's, since another process may have replaced it.
  std::shared_ptr<OpenLayer> open_layer(LayerDirs const& dirs, std::string const& id);

  /// A regular file and its size in bytes when it was opened.
  struct OpenFile {
    sys::Fd fd = {};
    off_t size = 0;
    explicit operator bool() const noexcept { return static_cast<bool>(fd); }
  };

  /// Opens a regular file; otherwise returns none, with `errno`: ENXIO for a whiteout or another device. For
  /// a directory or pipe, a layer below may still have the recorded contents, which export and check compare.
  static OpenFile open_file(OpenTree const& tree, std::string const& path);

  /// Copies what the file contained when it was opened, without a last read to find the end.
  static void copy_all(OpenFile const& file, std::string const& path, Writer& to);

  std::mutex mutex_;
  std::vector<std::shared_ptr<OpenLayer>> recent_;
};

}  // namespace strata::drivers::overlay

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/drivers/overlay/files.ipp>
#endif
