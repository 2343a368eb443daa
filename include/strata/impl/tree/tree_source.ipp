#pragma once

#include <strata/archive/tar_writer.hpp>
#include <strata/progress.hpp>
#include <strata/sys/lookup.hpp>
#include <strata/tree/changes.hpp>
#include <strata/tree/tree_source.hpp>

#include <algorithm>

namespace strata::archive {

STRATA_INLINE TreeSource::State::~State() {
  stop.request_stop();
  ring.cancel(std::make_exception_ptr(Error(Errc::stopped, "archive no longer read")));
  thread.join();
}

STRATA_INLINE void TreeSource::State::run() noexcept {
  try {
    static_cast<void>(*sys::find_status(tree, 0));
    ToRing out(ring);
    TarWriter tar(out);
    write_changes(tree, compare_trees(tree, std::nullopt), tar, {.progress = {}, .stop = stop.get_token()});
    tar.finish();
    out.flush();
    ring.close();
  } catch (...) {
    ring.close(std::current_exception());
  }
}

STRATA_INLINE void TreeSource::State::ToRing::write(Bytes bytes) {
  while (!bytes.empty()) {
    if (block.empty()) block = ring.claim();
    auto const part = bytes.first(std::min(bytes.size(), block.size() - filled));
    std::ranges::copy(part, block.begin() + static_cast<std::ptrdiff_t>(filled));
    filled += part.size();
    bytes = bytes.subspan(part.size());
    if (filled == block.size()) flush();
  }
}

STRATA_INLINE void TreeSource::State::ToRing::flush() {
  if (filled == 0) return;
  ring.publish(std::exchange(filled, 0));
  block = {};
}

}  // namespace strata::archive
