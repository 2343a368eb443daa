#pragma once

#include <strata/oci/copy_image.hpp>

#include "output.hpp"
#include "progress_bar.hpp"
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <unistd.h>

namespace oci_storage {

/// Shows the layers of an image that is copied on a terminal: a line on stderr for each, and a bar under it while it is
/// copied. Nothing is shown where stderr is no terminal.
class LayerProgress {
 public:
  explicit LayerProgress(bool quiet) : shown_(!quiet && ::isatty(STDERR_FILENO) != 0) {}
  LayerProgress(LayerProgress const&) = delete;
  LayerProgress& operator=(LayerProgress const&) = delete;

  /// What to hand to the library; refers to the object.
  std::function<void(strata::oci::CopyProgress const&)> sink() {
    if (!shown_) return {};
    return [this](strata::oci::CopyProgress const& now) { show(now); };
  }

 private:
  void show(strata::oci::CopyProgress const& now) {
    if (now.layer != layer_ || now.blob != blob_) {
      layer_ = now.layer;
      blob_ = now.blob;
      bar_.reset();
      complain("layer ", std::to_string(now.layer + 1), " of ", std::to_string(now.layers), ": ", now.blob,
               now.known ? ", there already" : "");
      if (!now.known) bar_.emplace("copying");
    }
    if (bar_ && bar_->sink()) bar_->sink()(now.progress);
  }

  bool shown_;
  std::optional<std::size_t> layer_ = {};
  std::string blob_ = {};
  std::optional<ProgressBar> bar_ = {};
};

}  // namespace oci_storage
