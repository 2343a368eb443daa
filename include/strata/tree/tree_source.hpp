#pragma once

#include <strata/concepts/bytes.hpp>
#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/separate.hpp>
#include <strata/stream/block_ring.hpp>

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
    ~State();

    void run() noexcept;

    struct ToRing final : Writer {
      explicit ToRing(BlockRing& to) : ring(to) {}
      void write(Bytes bytes) override;
      void flush();
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

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/tree/tree_source.ipp>
#endif
