#pragma once

#include <strata/archive/tar_writer.hpp>
#include <strata/concepts/bytes.hpp>
#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/progress.hpp>
#include <strata/stream/block_ring.hpp>
#include <strata/tree/changes.hpp>

#include <algorithm>
#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <thread>
#include <utility>

namespace strata::archive {

/// Reads a directory as a tar stream: its contents in path order, without an entry for itself. Skips sockets
/// and files that vanish meanwhile. Its own thread creates the archive while it is read. Memory: 4 MiB. Not
/// safe for concurrent use.
///
/// @throws from `next`: exceptions of reading the directory, such as ENOENT, "stat <path>"
class TreeSource {
 public:
  explicit TreeSource(fs::path tree) : state_(std::make_unique<State>(std::move(tree))) {}

  Bytes next() { return state_->ring.next(0); }

 private:
  struct State {
    explicit State(fs::path given) : tree(std::move(given)), thread([this] { run(); }) {}
    State(State const&) = delete;
    State& operator=(State const&) = delete;
    ~State() {
      stop.request_stop();
      ring.cancel(std::make_exception_ptr(Error(Errc::stopped, "archive no longer read")));
      thread.join();
    }

    void run() noexcept {
      try {
        struct stat status {};
        if (::stat(tree.c_str(), &status) != 0) sys::throw_errno("stat", tree);
        ToRing out(ring);
        TarWriter tar(out);
        write_changes(tree, compare_trees(tree, std::nullopt), tar,
                      {.progress = {}, .stop = stop.get_token()});
        tar.finish();
        out.flush();
        ring.close();
      } catch (...) {
        ring.close(std::current_exception());
      }
    }

    struct ToRing final : Writer {
      explicit ToRing(BlockRing& to) : ring(to) {}
      void write(Bytes bytes) override {
        while (!bytes.empty()) {
          if (block.empty()) block = ring.claim();
          auto const part = bytes.first(std::min(bytes.size(), block.size() - filled));
          std::ranges::copy(part, block.begin() + static_cast<std::ptrdiff_t>(filled));
          filled += part.size();
          bytes = bytes.subspan(part.size());
          if (filled == block.size()) flush();
        }
      }
      void flush() {
        if (filled == 0) return;
        ring.publish(std::exchange(filled, 0));
        block = {};
      }
      BlockRing& ring;
      std::span<std::byte> block = {};
      std::size_t filled = 0;
    };

    fs::path tree;
    std::stop_source stop;
    BlockRing ring{16, std::size_t{256} << 10, 1};
    std::thread thread;  // last: it uses the members above
  };

  std::unique_ptr<State> state_;
};
static_assert(ByteSource<TreeSource>);

}  // namespace strata::archive
