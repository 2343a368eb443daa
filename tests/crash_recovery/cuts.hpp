#pragma once

#include <strata/fs.hpp>

#include "session.hpp"
#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

/// The power fails while workers change a store.
namespace crash_recovery {

/// Works in a store of its own opening until it is stopped.
class Worker {
 public:
  Worker(Setting const& setting, Place const& place, Random random, char maker)
      : generator_(std::move(random), maker), subject_(open(setting, place)), thread_([this] { work(); }) {}
  ~Worker() { stop(); }

  void stop() {
    stopped_ = true;
    pause(false);
    if (thread_.joinable()) thread_.join();
  }
  /// It begins nothing new until it is told to go on.
  void pause(bool paused) {
    paused_ = paused;
    paused_.notify_all();
  }
  Log const& log() const noexcept { return log_; }
  char maker() const noexcept { return generator_.maker(); }
  /// What an operation failed with; none may.
  std::string error() const {
    std::lock_guard const lock(mutex_);
    return error_;
  }

 private:
  void work() {
    while (!stopped_) {
      paused_.wait(true);
      auto step = generator_.next(log_.state());
      auto const operation = step.operation;
      log_.begin(std::move(step));
      try {
        subject_->run(operation);
      } catch (std::exception const& error) {
        std::lock_guard const lock(mutex_);
        error_ = operation.title() + ": " + error.what() + '\n';
        return;
      }
      log_.acknowledge();
    }
  }

  Generator generator_;
  std::unique_ptr<Subject> subject_;
  Log log_;
  mutable std::mutex mutex_;
  std::string error_;
  std::atomic<bool> stopped_ = false;
  std::atomic<bool> paused_ = false;
  std::thread thread_;
};

/// What a disk was when the power failed, and what may be found on it.
struct Cut {
  strata::fs::path disk;
  std::vector<Expectation> expected = {};
  std::string story = {};
};

/// @param disk  has a `path()` where it is mounted, and `cut(file)`, which copies what would be left of it
template <class Disk>
Cut cut_now(std::vector<std::unique_ptr<Worker>> const& workers, Disk& disk, strata::fs::path const& to,
            Random& random) {
  Cut cut{.disk = to};
  std::vector<std::size_t> acknowledged;
  for (auto const& worker : workers) acknowledged.push_back(worker->log().acknowledged());
  disk.cut(to, random);
  for (std::size_t i = 0; i < workers.size(); ++i) {
    cut.expected.push_back(
        {.maker = workers[i]->maker(), .candidates = workers[i]->log().since(acknowledged[i])});
    cut.story += workers[i]->log().story(12);
  }
  return cut;
}

/// Workers wait while the disks of a few cuts are looked at, so that all time goes into these.
/// @param disk  see `cut_now`
template <class Disk>
void cut_power(Session& session, Setting const& setting, Random& random, Disk& disk,
               std::chrono::seconds time) {
  using Clock = std::chrono::steady_clock;
  constexpr std::size_t at_once = 4;
  auto const until = Clock::now() + time;
  Place const place{.disk = disk.path(), .run = session.scratch / "run"};
  strata::fs::remove_all(place.run);
  std::vector<std::unique_ptr<Worker>> workers;
  for (char const maker : {'a', 'b'})
    workers.push_back(std::make_unique<Worker>(setting, place, Random(random.below(~std::size_t{0})), maker));
  bool failed = false;
  while (!failed && Clock::now() < until) {
    std::vector<Cut> cuts;
    for (auto const& worker : workers) worker->pause(false);
    for (std::size_t i = 0; i < at_once; ++i) {
      if (random.percent(50))
        workers[random.below(2)]->log().wait_for_next(std::chrono::milliseconds(100));
      else
        std::this_thread::sleep_for(std::chrono::microseconds(random.below(60'000)));
      cuts.push_back(
          cut_now(workers, disk, session.home.path() / ("cut-" + std::to_string(i) + ".img"), random));
    }
    for (auto const& worker : workers) worker->pause(true);
    for (auto& cut : cuts) {
      if (failed) break;
      std::string problem;
      for (auto const& worker : workers) problem += worker->error();
      auto const number = session.count("cuts", setting);
      if (problem.empty())
        problem = verify_disk(session, setting, cut.disk, std::move(cut.expected), random.percent(50));
      failed = !problem.empty();
      if (failed) session.fail(setting, "cut " + std::to_string(number), problem, cut.story, cut.disk);
    }
  }
  for (auto const& worker : workers) {
    worker->stop();
    session.counts["operations"] += worker->log().acknowledged();
  }
}

/// A disk whose device has no cache: whatever it was given is there after a cut.
class PlainDisk {
 public:
  PlainDisk(Session const& session, Setting const& setting)
      : file_(session.home.new_disk(setting.file_system, "disk.img")),
        mounted_(file_, setting.file_system, session.scratch / "disk") {}
  strata::fs::path const& path() const noexcept { return mounted_.path(); }
  void cut(strata::fs::path const& to, Random&) const { share_copy(file_, to); }

 private:
  strata::fs::path file_;
  MountedDisk mounted_;
};

}  // namespace crash_recovery
