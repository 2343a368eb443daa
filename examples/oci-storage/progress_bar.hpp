#pragma once

#include <strata/progress.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <sys/ioctl.h>
#include <unistd.h>

namespace oci_storage {

/// A line on stderr that shows how far a long call has come. It appears when the call has taken half a second and goes
/// away with the object; nothing is shown where stderr is no terminal.
class ProgressBar {
 public:
  /// @param total  bytes there will be, where the library cannot know them
  explicit ProgressBar(std::string_view what, std::optional<std::uint64_t> total = {}) {
    if (::isatty(STDERR_FILENO) != 0)
      state_ = std::make_shared<State>(State{.what = std::string(what), .total = total});
  }
  ProgressBar(ProgressBar const&) = delete;
  ProgressBar& operator=(ProgressBar const&) = delete;
  ~ProgressBar() {
    if (state_ && state_->shown) std::fputs("\r\x1b[K", stderr);
  }

  /// What to hand to the library; empty where nothing is shown.
  strata::ProgressSink sink() const {
    if (!state_) return {};
    return [state = state_](strata::Progress const& now) { state->show(now); };
  }

 private:
  using Clock = std::chrono::steady_clock;

  struct State {
    std::string what;
    std::optional<std::uint64_t> total = {};
    Clock::time_point begin = Clock::now();
    bool shown = false;

    void show(strata::Progress const& now) {
      auto const seconds = std::chrono::duration<double>(Clock::now() - begin).count();
      if (seconds < 0.5) return;
      shown = true;
      double const megabytes = static_cast<double>(now.bytes) / 1e6;
      char figures[96];
      std::snprintf(figures, sizeof figures, " %.1f MB  %.0f MB/s  %llu files", megabytes,
                    megabytes / seconds, static_cast<unsigned long long>(now.entries));
      std::string line = '\r' + std::string(what);
      if (auto const all = now.total_bytes ? now.total_bytes : total; all && *all > 0) {
        auto const done = std::min(1.0, static_cast<double>(now.bytes) / static_cast<double>(*all));
        auto const cells = width(figures);
        auto const filled = static_cast<std::size_t>(done * static_cast<double>(cells));
        char percent[8];
        std::snprintf(percent, sizeof percent, " %3.0f%%", 100 * done);
        line += " [" + std::string(filled, '#') + std::string(cells - filled, '.') + ']' + percent;
      }
      line += figures;
      line += "\x1b[K";
      std::fwrite(line.data(), 1, line.size(), stderr);
    }

    /// Cells left for the bar beside the figures.
    std::size_t width(std::string_view figures) const {
      winsize size{};
      std::size_t const columns =
          ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
      std::size_t const taken = what.size() + figures.size() + 10;
      return columns > taken + 10 ? std::min<std::size_t>(columns - taken, 40) : 10;
    }
  };

  std::shared_ptr<State> state_;
};

}  // namespace oci_storage
