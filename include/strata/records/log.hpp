#pragma once

#include <strata/concepts/bytes.hpp>
#include <strata/concepts/lock.hpp>
#include <strata/concepts/serializer.hpp>
#include <strata/durability.hpp>
#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/lock/file_lock.hpp>
#include <strata/paths.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/file.hpp>
#include <strata/sys/file_at.hpp>
#include <strata/sys/file_state.hpp>

#include <bit>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <fcntl.h>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace strata {

/// The log of a store, `<root>/strata.journal`, with the records of all kinds (`RecordLog`).
///
/// A change is one write at the end, whatever the number of items. The log has a lock file of its own, which
/// is taken after those of the kinds and held for the duration of a call. Thread-safe, and safe to use from
/// several processes. Frames are never changed in place: the log grows, or is replaced by a shorter one
/// (compaction), which readers detect by its inode.
template <class S, StoreLock Lock = FileLock>
class Log {
 public:
  /// A reader's position.
  struct Position {
    std::uint64_t generation = 0;  ///< of the file, counted by this object; 0: nothing was read
    std::uint64_t offset = 0;      ///< in bytes
    bool operator==(Position const&) const = default;
  };
  /// Positions before and after an appended frame.
  struct Appended {
    Position before = {};
    Position after = {};
  };

  /// Does not open the log yet.
  /// @param driver  recorded in a new log; an existing one must have been made with it
  Log(fs::path const& root, std::string driver)
      : path_(root / paths::journal), driver_(std::move(driver)), lock_(root / paths::journal_lock) {}
  /// For a read-only store: creates no file, and `append` throws `Errc::store_read_only`.
  Log(fs::path const& root, std::string driver, ReadOnly read_only)
      : path_(root / paths::journal),
        driver_(std::move(driver)),
        lock_(root / paths::journal_lock, read_only),
        flags_(O_RDONLY) {}

  /// Passes all changes after `from` to `visit(LogChange)`, in order. If the log was replaced since, calls
  /// `restart()` first and begins at the start. One `stat` if nothing was written.
  ///
  /// @return  position to continue from
  /// @throws  `Errc::corrupt_record` for damage other than an incomplete write at the end,
  ///   `Errc::store_mismatch`; some changes may have been visited by then
  template <class Restart, class Visit>
  Position read(Position from, Restart&& restart, Visit&& visit) {
    std::scoped_lock const alone(mutex_);
    if (from.generation != 0 && from.generation == generation_) {
      auto const state = sys::FileState::of(path_);
      if (state.same_file(state_) && state.size == from.offset) return from;
    }

    auto const guard = lock_.shared();
    std::uint64_t const size = attach();
    if (from.generation != generation_ || from.offset > size) {
      if (from.generation == generation_) ++generation_;  // another process cut off what was read
      from = {.generation = generation_, .offset = 0};
      restart();
    }
    if (size == 0) return from;
    from.offset = read_valid(from.offset, size, visit);
    return from;
  }

  /// Commits the changes atomically, as one frame: one write, one flush.
  ///
  /// After an exception none of them is committed. A failed flush is not retried, since the kernel may have
  /// dropped what it could not write: the frame is cut off, the cached pages are dropped, all readers in this
  /// process start again, and the next append writes a new file instead of relying on this one.
  ///
  /// @param changes  results of `S::encode_put` and `S::encode_erase`, of any kinds
  Appended append(std::span<std::string const> changes, Flush flush) {
    std::string const frame = S::frame(changes);
    std::scoped_lock const alone(mutex_);
    auto const guard = lock_.exclusive();
    std::uint64_t size = attach();
    if (size == 0) size = create();
    if (suspect_) size = rewrite(size, always).value_or(size);
    std::uint64_t const end = cut_torn_tail(size);

    Appended const result{.before = {generation_, end}, .after = {generation_, end + frame.size()}};
    try {
      sys::write_at(fd_.get(), as_bytes(frame), end, path_);
    } catch (...) {
      cut_off(end);
      throw;
    }
    if (flush == Flush::full) flush_or([&] { cut_off(end); });
    valid_end_ = result.after.offset;
    compact_if_due(end, valid_end_);
    return result;
  }

  /// Flushes what others appended: a process may have died before it did. @throws as `append`
  void flush() {
    std::scoped_lock const alone(mutex_);
    auto const guard = lock_.exclusive();
    if (attach() != 0) flush_or([] {});
  }

  fs::path const& path() const noexcept { return path_; }

 private:
  static constexpr double always = -1;
  static constexpr std::uint64_t compaction_floor = 2 << 20;
  static constexpr std::size_t compacted_frame_size = 1 << 20;

  /// Makes `fd_` the current file. An open file's inode number cannot be reused.
  /// @return  its size in bytes; 0 if there is no file
  std::uint64_t attach() {
    auto state = sys::FileState::of(path_);
    if (!state.same_file(state_)) {
      fd_.reset();
      if (state.exists()) {
        if (flags_ != O_RDONLY) fd_ = sys::try_open_at(AT_FDCWD, path_.c_str(), flags_);
        if (!fd_ && (flags_ == O_RDONLY || errno == EACCES || errno == EROFS))
          fd_ = sys::try_open_stored(path_.c_str());
        if (!fd_) sys::throw_errno("open", path_);
        state = sys::FileState::of(fd_.get(), path_);
      }
      ++generation_;
      valid_end_ = 0;
      suspect_ = false;
    } else if (generation_ == 0) {
      generation_ = 1;
    }
    state_ = state;
    return state.size;
  }

  std::uint64_t create() {
    // Flushed whatever the policy: a later process may flush its frames, and the file must then be in place.
    sys::replace_file(path_, S::log_header(driver_), {.flush = Flush::full});
    return attach();
  }

  std::string read_range(std::uint64_t from, std::uint64_t to) const {
    std::string bytes(to - from, '\0');
    bytes.resize(sys::read_at(fd_.get(), std::as_writable_bytes(std::span(bytes)), from, path_));
    return bytes;
  }

  /// Visits the changes of [from, size). @return end of the last complete frame
  template <class Visit>
  std::uint64_t read_valid(std::uint64_t from, std::uint64_t size, Visit&& visit) {
    auto const bytes = read_range(from, size);
    std::string_view rest = bytes;
    try {
      if (from == 0) rest.remove_prefix(S::read_log_header(rest, driver_));
      rest.remove_prefix(S::read_frames(rest, visit));
    } catch (Error const& error) {
      throw Error(error.code(), path_.native() + ": " + error.subject()).at(path_.native());
    }
    std::uint64_t const end = from + (bytes.size() - rest.size());
    if (S::frame_follows(rest))
      throw Error(Errc::corrupt_record,
                  path_.native() + ": byte " + std::to_string(end) + ": a damaged frame before others")
          .at(path_.native());
    valid_end_ = end;
    return end;
  }

  /// A writer that died, or a full disk, may have left a partial frame.
  std::uint64_t cut_torn_tail(std::uint64_t size) {
    if (size == valid_end_) return size;
    std::uint64_t const end = read_valid(valid_end_ <= size ? valid_end_ : 0, size, [](LogChange const&) {});
    if (end != size) sys::set_length(fd_.get(), end, path_);
    return end;
  }

  /// Flushes the file. After a failure nothing that is read from it may be on stable storage.
  /// @param failed  called before the cached pages are dropped
  template <class Failed>
  void flush_or(Failed&& failed) try {
    sys::sync_file(fd_.get(), path_);
  } catch (...) {
    failed();
    suspect_ = true;
    ++generation_;
    sys::drop_cached(fd_.get());
    throw;
  }

  /// If that fails too, the next writer finds the complete frame, or cuts off its remains.
  void cut_off(std::uint64_t end) noexcept {
    try {
      sys::set_length(fd_.get(), end, path_);
      valid_end_ = end;
    } catch (...) {  // the error of writing is thrown
    }
  }

  /// Looks for dead bytes each time the log outgrows a power of two: amortized, the cost is constant per
  /// byte, and no state is kept between processes.
  void compact_if_due(std::uint64_t before, std::uint64_t after) noexcept {
    if (after < compaction_floor || std::bit_width(before) == std::bit_width(after)) return;
    try {
      rewrite(after, 0.5);
    } catch (...) {
      // The appended frame is committed all the same; the next power of two tries again.
    }
  }

  /// Replaces the log by one without overwritten and erased records, if these exceed `share` of it.
  /// @return  size of the new file in bytes, if it was replaced
  std::optional<std::uint64_t> rewrite(std::uint64_t size, double share) {
    std::uint64_t const end = cut_torn_tail(size);
    auto const bytes = read_range(0, end);
    std::string_view const frames = std::string_view(bytes).substr(S::read_log_header(bytes, driver_));
    std::vector<std::string_view> live;  // in order of first insertion; empty: erased
    std::map<std::pair<std::string_view, std::string_view>, std::size_t> places;
    std::uint64_t live_bytes = 0;
    S::read_frames(frames, [&](LogChange const& change) {
      std::pair const key(change.kind, change.id);
      auto const found = places.find(key);
      if (found != places.end()) live_bytes -= live[found->second].size();
      if (change.record.empty()) {
        if (found == places.end()) return;
        live[found->second] = {};
        places.erase(found);
        return;
      }
      live_bytes += change.encoded.size();
      if (found != places.end()) {
        live[found->second] = change.encoded;
      } else {
        places.emplace(key, live.size());
        live.push_back(change.encoded);
      }
    });
    if (static_cast<double>(end - live_bytes) <= share * static_cast<double>(end)) return std::nullopt;

    // Flushed whatever the policy, since earlier changes may have been.
    sys::ReplacingFile file(path_, {.flush = Flush::full});
    file.write(as_bytes(S::log_header(driver_)));
    std::vector<std::string> changes(1);
    auto const put_frame = [&] {
      if (!changes[0].empty()) file.write(as_bytes(S::frame(std::span<std::string const>(changes))));
      changes[0].clear();
    };
    for (auto const change : live) {
      changes[0] += change;
      if (changes[0].size() >= compacted_frame_size) put_frame();
    }
    put_frame();
    file.commit();
    return attach();
  }

  fs::path path_;
  std::string driver_;
  Lock lock_;
  int flags_ = O_RDWR;

  std::mutex mutex_;  ///< guards the members below; taken before the lock file
  sys::Fd fd_;
  sys::FileState state_;
  std::uint64_t generation_ = 0;
  std::uint64_t valid_end_ = 0;  ///< end of the frames checked in this generation
  bool suspect_ = false;         ///< a flush of this file failed
};

}  // namespace strata
