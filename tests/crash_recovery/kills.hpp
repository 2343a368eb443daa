#pragma once

#include <strata/fs.hpp>

#include "cuts.hpp"
#include "rival.hpp"
#include "session.hpp"
#include "tools/syscall_tracer.hpp"
#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstring>
#include <exception>
#include <fcntl.h>
#include <functional>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>
#include <vector>

/// Processes are killed while they change a store: at any moment, and at each system call that changes something.
namespace crash_recovery {

/// What a child process was told, where its parent sees it when it has died.
class Told {
 public:
  Told() {
    auto* const memory =
        ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) disk_failed("mmap");
    shared_ = new (memory) Shared;
  }
  Told(Told const&) = delete;
  Told& operator=(Told const&) = delete;
  ~Told() { ::munmap(shared_, sizeof(Shared)); }

  std::size_t begun() const noexcept { return shared_->begun; }
  std::size_t acknowledged() const noexcept { return shared_->acknowledged; }
  std::string error() const { return shared_->error.data(); }

  /// In the child: all of it; the exit status.
  int work(Setting const& setting, Place const& place, std::vector<Step> const& steps) {
    try {
      auto const subject = open(setting, place);
      for (auto const& step : steps) {
        ++shared_->begun;
        subject->run(step.operation);
        ++shared_->acknowledged;
      }
      return 0;
    } catch (std::exception const& error) {
      std::strncpy(shared_->error.data(), error.what(), shared_->error.size() - 1);
      return 1;
    }
  }

 private:
  struct Shared {
    std::atomic<std::size_t> begun = 0;
    std::atomic<std::size_t> acknowledged = 0;
    std::array<char, 2000> error = {};
  };
  Shared* shared_ = nullptr;
};

/// What one maker has in the store, over the deaths of the processes that work for it.
struct Maker {
  Generator generator;
  State state = {};
  std::vector<Step> steps = {};  ///< of the process that runs
  std::unique_ptr<Told> told = {};
  pid_t process = -1;

  Candidates candidates() const {
    Candidates out{std::make_shared<Step>(Step{{}, state})};
    for (std::size_t i = 0; i < told->begun(); ++i) out.push_back(std::make_shared<Step>(steps[i]));
    out.erase(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(told->acknowledged()));
    return out;
  }
  std::string story() const {
    std::string out;
    for (std::size_t i = 0; i < told->begun(); ++i)
      out += std::string("    ") + (i < told->acknowledged() ? "" : "(begun) ") + steps[i].operation.title() +
             '\n';
    return out;
  }
};

/// A store on a disk whose users are killed.
class KillRound {
 public:
  template <class Disk>
  KillRound(Session& session, Setting const& setting, Random& random, Disk& disk)
      : session_(session),
        setting_(setting),
        random_(random),
        place_{.disk = disk.path(), .run = session.scratch / "run"},
        cut_([&disk, this](strata::fs::path const& to) { disk.cut(to, random_); }) {
    strata::fs::remove_all(place_.run);
    for (char const maker : {'a', 'b'})
      makers_.push_back({.generator = Generator(Random(random.below(~std::size_t{0})), maker)});
    makers_.front().told = std::make_unique<Told>();
    makers_.back().told = std::make_unique<Told>();
  }

  /// Two processes work, a program of another kind as well if it can, and are killed at random moments.
  /// @return  false after a failure
  bool at_random(std::chrono::seconds time) {
    auto const until = std::chrono::steady_clock::now() + time;
    while (std::chrono::steady_clock::now() < until) {
      for (auto& maker : makers_) start(maker);
      Rival rival(setting_, place_, random_);
      if (random_.percent(40)) {
        auto const& told = *makers_.front().told;
        auto const before = random_.below(6);
        for (int n = 0; n < 2'000 && told.acknowledged() < before &&
                        ::kill(makers_.front().process, 0) == 0 && !has_ended(makers_.front());
             ++n)
          ::usleep(100);
      } else {
        ::usleep(static_cast<useconds_t>(random_.below(120'000)));
      }
      bool const both = random_.percent(70);
      for (auto& maker : makers_)
        if (both || &maker == &makers_.front()) kill(maker);
      for (auto& maker : makers_) wait(maker);
      rival.stop();
      if (!verify("kill", random_.percent(25))) return false;
    }
    return true;
  }

  /// One process makes one change, and is killed at the `at`-th call that changes something.
  /// @param at  changed: past the end of the change when it came to its end
  /// @return    false after a failure
  bool at_call(Kind kind, std::size_t at, bool& came_to_its_end) {
    auto& maker = makers_.front();
    auto& other = makers_.back();
    other.told = std::make_unique<Told>();
    auto steps = maker.generator.reach(kind, maker.state);
    {
      auto const subject = open(setting_, place_);
      for (; steps.size() > 1; steps.erase(steps.begin())) {
        subject->run(steps.front().operation);
        maker.state = steps.front().after;
        ++session_.counts["operations"];
      }
    }
    maker.steps = std::move(steps);
    maker.told = std::make_unique<Told>();
    std::size_t calls = 0;
    bool before_flush = false;
    auto const outcome =
        tools::trace([&] { return maker.told->work(setting_, place_, maker.steps); }, tools::changing_calls(),
                     [&](tools::SystemCall const& call) {
                       bool const counts = maker.told->begun() != 0 && !call.only_opens();
                       bool const kill = counts && ++calls == at;
                       before_flush = kill && call.flushes();
                       return tools::Decision{.kill = kill};
                     });
    came_to_its_end = !outcome.killed;
    if (outcome.killed) session_.count("kills", setting_);
    auto const what = "killed at call " + std::to_string(at) + " of " + maker.steps.front().operation.title();
    if (!outcome.killed && !outcome.ended_well()) {
      session_.fail(setting_, what, maker.told->error() + '\n', maker.story());
      return false;
    }
    if (outcome.killed && random_.percent(30) && !cut(what)) return false;
    if (before_flush && !cut_in_recovery(what, 0)) return false;
    if (outcome.killed && random_.percent(20)) die_in_recovery();
    if (outcome.killed && random_.percent(20) && !cut_in_recovery(what, 1 + random_.below(25))) return false;
    return verify(what, random_.percent(20));
  }

 private:
  void start(Maker& maker) {
    maker.steps.clear();
    for (int i = 0; i < 12; ++i)
      maker.steps.push_back(
          maker.generator.next(maker.steps.empty() ? maker.state : maker.steps.back().after));
    maker.told = std::make_unique<Told>();
    maker.process = ::fork();
    if (maker.process < 0) disk_failed("fork");
    if (maker.process == 0) ::_exit(maker.told->work(setting_, place_, maker.steps));
  }
  bool has_ended(Maker const& maker) const {
    siginfo_t info{};
    return ::waitid(P_PID, static_cast<id_t>(maker.process), &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
           info.si_pid != 0;
  }
  void kill(Maker const& maker) {
    if (has_ended(maker)) return;
    ::kill(maker.process, SIGKILL);
    session_.count("kills", setting_);
  }
  static void wait(Maker& maker) {
    ::waitpid(maker.process, nullptr, 0);
    maker.process = -1;
  }

  std::vector<Expectation> expected() const {
    std::vector<Expectation> out;
    for (auto const& maker : makers_)
      out.push_back({.maker = maker.generator.maker(), .candidates = maker.candidates()});
    return out;
  }
  std::string story() const {
    std::string out;
    for (auto const& maker : makers_) out += maker.story();
    return out;
  }

  /// The power fails at the very call.
  bool cut(std::string const& what) {
    auto const disk = session_.home.path() / "cut.img";
    cut_(disk);
    return is_right(disk, what);
  }
  bool is_right(strata::fs::path const& disk, std::string const& what) {
    session_.count("cuts", setting_);
    auto const problem = verify_disk(session_, setting_, disk, expected(), random_.percent(50));
    if (!problem.empty()) session_.fail(setting_, "power cut when " + what, problem, story(), disk);
    return problem.empty();
  }

  /// Who opens the store next tidies up. @param decide  asked at each of its calls that changes something
  template <class Decide>
  auto recover(Decide&& decide) {
    return tools::trace(
        [&] {
          open(setting_, place_)->look();
          return 0;
        },
        tools::changing_calls(),
        [&](tools::SystemCall const& call) {
          return call.only_opens() ? tools::Decision{} : tools::Decision{.kill = decide()};
        });
  }

  /// It is killed meanwhile.
  void die_in_recovery() {
    auto const at = 1 + random_.below(25);
    std::size_t calls = 0;
    if (recover([&] { return ++calls == at; }).killed) session_.count("kills", setting_);
  }

  /// The power fails meanwhile, or right after: what the dead process wrote and did not flush may be lost, while what was
  /// done because of it is not.
  /// @param at  which call of those that change something; 0: after the last
  bool cut_in_recovery(std::string const& what, std::size_t at) {
    auto const disk = session_.home.path() / "cut.img";
    std::size_t calls = 0;
    recover([&] {
      if (++calls == at) cut_(disk);
      return false;
    });
    if (at == 0 || calls < at) cut_(disk);
    return is_right(disk, "tidying up after a process that was " + what);
  }

  /// Goes on from what is there if it is right.
  bool verify(std::string const& what, bool thorough) {
    auto const disk = session_.home.path() / "killed.img";
    cut_(disk);
    Verification verification(setting_, place_, expected(), After::kill);
    std::string problem = verification.run(thorough);
    for (auto const& maker : makers_)
      if (auto const error = maker.told->error(); !error.empty()) problem += "failed: " + error + '\n';
    if (!problem.empty()) {
      session_.fail(setting_, what, problem, story(), disk);
      return false;
    }
    auto const subject = open(setting_, place_);
    subject->unmount_all();
    for (std::size_t i = 0; i < makers_.size(); ++i) go_on(*subject, makers_[i], verification.matched()[i]);
    return true;
  }

  void sync_disk() const {
    Descriptor const disk(::open(place_.disk.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC),
                          "open " + place_.disk.native());
    if (::syncfs(disk.get()) != 0) disk_failed("syncfs");
  }

  void go_on(Subject& subject, Maker& maker, std::size_t matched) {
    auto const candidates = maker.candidates();
    session_.counts["operations"] += maker.told->acknowledged();
    maker.state = candidates[matched]->after;
    if (matched > 0) sync_disk();  // it is there, and nobody was told: from now on it counts as acknowledged
    if (candidates.size() > 1 && candidates.back()->operation.kind == Kind::wipe)
      subject.run(candidates.back()->operation);  // it may have come half the way
    // Data that no record names yet is taken up by the next repair.
    if (matched == 0 && candidates.size() > 1 && candidates.back()->operation.kind == Kind::set_data) {
      subject.run(candidates.back()->operation);
      maker.state = candidates.back()->after;
    }
    // What an unfinished step wrote through a mount may be anything.
    for (std::size_t i = 1; i < candidates.size(); ++i)
      if (auto const& done = candidates[i]->operation;
          done.kind == Kind::write_files && maker.state.containers.contains(done.id)) {
        subject.run({.kind = Kind::delete_container, .id = done.id});
        maker.state.containers.erase(done.id);
      }
    maker.told = std::make_unique<Told>();
  }

  Session& session_;
  Setting const& setting_;
  Random& random_;
  Place place_;
  std::function<void(strata::fs::path const&)> cut_;
  std::vector<Maker> makers_ = {};
};

/// Where a sweep over all calls of all changes stands.
struct Sweep {
  std::size_t kind = 0;
  std::size_t call = 1;
  bool all_calls = true;  ///< else some, by chance
};

/// @return  false after a failure
inline bool kill_at_calls(Session& session, KillRound& round, Random& random, Sweep& sweep,
                          std::chrono::seconds time) {
  auto const until = std::chrono::steady_clock::now() + time;
  while (std::chrono::steady_clock::now() < until) {
    if (!sweep.all_calls) {
      sweep.kind = random.below(kind_words.size());
      sweep.call = 1 + random.below(random.percent(50) ? 30 : 100);
    }
    bool ended = false;
    if (!round.at_call(static_cast<Kind>(sweep.kind), sweep.call++, ended)) return false;
    if (!ended) continue;
    if (sweep.all_calls) ++session.counts["operations killed at each call"];
    sweep.kind = (sweep.kind + 1) % kind_words.size();
    sweep.call = 1;
  }
  return true;
}

}  // namespace crash_recovery
