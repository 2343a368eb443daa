// Makes system calls of oci-storage fail, one point after another, and looks at what it makes of it: each main operation,
// each call that opens or changes something (or looks at it), each error that the call can give, once and from there on.
// After each: status, text and state fit together, the store checks clean, and a retry gives what a run without faults does.
//
// fault --driver DRIVER --directory DIRECTORY [--seconds N] [--seed N] [--looks] [--operation NAME]... [--point POINT] [--list]
// Without --seconds: every point. Prints "ok NAME" or "not ok NAME" for each operation, and one line of counts.

#include "known.hpp"
#include "trial.hpp"
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace {

struct Arguments {
  std::string driver = "overlay";
  std::string directory = {};
  std::set<std::string> operations = {};
  std::optional<std::string> point = {};
  unsigned seconds = 0;
  unsigned seed = 1;
  bool looks = false;
  bool list = false;
};

Arguments arguments(int count, char** words) {
  Arguments out;
  for (int i = 1; i < count; ++i) {
    std::string const word = words[i];
    auto const value = [&]() -> std::string {
      if (++i == count) throw std::invalid_argument(word + " needs a value");
      return words[i];
    };
    if (word == "--driver")
      out.driver = value();
    else if (word == "--directory")
      out.directory = value();
    else if (word == "--operation")
      out.operations.insert(value());
    else if (word == "--point")
      out.point = value();
    else if (word == "--seconds")
      out.seconds = static_cast<unsigned>(std::stoul(value()));
    else if (word == "--seed")
      out.seed = static_cast<unsigned>(std::stoul(value()));
    else if (word == "--looks")
      out.looks = true;
    else if (word == "--list")
      out.list = true;
    else
      throw std::invalid_argument("unknown: " + word);
  }
  if (out.directory.empty()) throw std::invalid_argument("--directory is needed");
  return out;
}

struct Counts {
  std::size_t points = 0, unreached = 0, acknowledged = 0, known = 0, failed = 0;
};

/// What the process that tries the points shares with the one that starts it anew when it crashed.
struct Shared {
  static constexpr std::size_t most_operations = 64;

  std::size_t next = 0;  ///< of the plan
  bool out_of_time = false;
  std::array<Counts, most_operations> counts = {};

  static Shared* make() {
    void* at = ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED) fault::fail("mmap");
    return new (at) Shared;
  }
};

/// Runs the points that are wanted and keeps count of them.
class Fault {
 public:
  explicit Fault(Arguments wanted) : wanted_(std::move(wanted)), home_(wanted_.directory, wanted_.driver) {
    for (auto& operation : fault::operations(home_))
      if (wanted_.operations.empty() || wanted_.operations.contains(operation.name))
        trials_.push_back(std::make_unique<fault::Trial>(home_, std::move(operation)));
  }

  bool run() {
    if (wanted_.list) return list();
    make_plan();
    end_ = std::chrono::steady_clock::now() + std::chrono::seconds(wanted_.seconds);
    while (shared_.next < plan_.size() && !shared_.out_of_time) {
      std::fflush(stdout);
      pid_t const child = ::fork();
      if (child < 0) fault::fail("fork");
      if (child == 0) {
        try_points();
        std::fflush(stdout);
        ::_exit(0);
      }
      int status = 0;
      while (::waitpid(child, &status, 0) < 0)
        if (errno != EINTR) fault::fail("waitpid");
      if (status != 0) crashed(status);
    }
    return report();
  }

 private:
  struct Planned {
    std::size_t trial;
    fault::Point point;
  };

  /// All points; where there is not the time for all, in an order that comes from the seed, one of each operation after the
  /// other.
  void make_plan() {
    std::mt19937 random(wanted_.seed);
    std::vector<std::vector<fault::Point>> points;
    for (auto const& trial : trials_) {
      points.push_back(wanted_.point ? std::vector{fault::Point::parse(*wanted_.point)}
                                     : fault::points_of(trial->seen(), wanted_.looks));
      if (wanted_.seconds != 0) std::shuffle(points.back().begin(), points.back().end(), random);
    }
    for (std::size_t nth = 0, before = plan_.size() + 1; before != plan_.size(); ++nth) {
      before = plan_.size();
      for (std::size_t i = 0; i < points.size(); ++i)
        if (nth < points[i].size()) plan_.push_back({i, points[i][nth]});
    }
  }

  /// A part of the plan: the program leaves its last session to the end of the process, so there is a new one at times.
  void try_points() {
    constexpr std::size_t at_once = 200;
    for (std::size_t i = 0; i < at_once && shared_.next < plan_.size(); ++i) {
      if (wanted_.seconds != 0 && std::chrono::steady_clock::now() >= end_) {
        shared_.out_of_time = true;
        return;
      }
      auto const& [trial, point] = plan_[shared_.next];
      auto& count = shared_.counts[trial];
      auto const verdict = trials_[trial]->at(point);
      ++count.points;
      if (!verdict.reached) ++count.unreached;
      if (verdict.acknowledged) ++count.acknowledged;
      if (!verdict.rule.empty()) broken(verdict.rule, verdict.details);
      ++shared_.next;
    }
  }

  void crashed(int status) {
    ++shared_.counts[plan_[shared_.next].trial].points;
    bool const too_long = WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM;
    broken(too_long ? "hangs" : "crashes", "    status " + std::to_string(status) + '\n');
    ++shared_.next;
  }

  void broken(std::string const& rule, std::string const& details) {
    auto const& [trial, point] = plan_[shared_.next];
    auto& count = shared_.counts[trial];
    auto const* known = fault::find_known(trials_[trial]->operation().name, rule);
    ++(known != nullptr ? count.known : count.failed);
    if (known != nullptr && !wanted_.point) return;
    std::printf("    broken: %s: fault --driver %s --operation %s --point %s\n%s\n", rule.c_str(),
                wanted_.driver.c_str(), trials_[trial]->operation().name.c_str(), point.text().c_str(),
                details.c_str());
    std::fflush(stdout);
  }

  bool list() const {
    for (auto const& trial : trials_)
      for (auto const& call : trial->seen())
        std::printf("%s %s:%zu %s\n", trial->operation().name.c_str(), std::string(call.kind->name).c_str(),
                    call.nth, call.what.c_str());
    return true;
  }

  static std::string text(Counts const& count) {
    return std::to_string(count.acknowledged) + " acknowledged, " + std::to_string(count.unreached) +
           " not reached, " + std::to_string(count.known) + " known, " + std::to_string(count.failed) +
           " broken";
  }

  bool report() const {
    Counts sum;
    for (std::size_t i = 0; i < trials_.size(); ++i) {
      auto const& one = shared_.counts[i];
      sum.points += one.points, sum.unreached += one.unreached, sum.acknowledged += one.acknowledged;
      sum.known += one.known, sum.failed += one.failed;
      std::printf("%s fault in %s on %s: %zu points, %s\n", one.failed == 0 ? "ok" : "not ok",
                  trials_[i]->operation().name.c_str(), wanted_.driver.c_str(), one.points,
                  text(one).c_str());
    }
    std::printf("fault on %s: %zu of %zu points of %zu operations, %s; seed %u\n", wanted_.driver.c_str(),
                sum.points, plan_.size(), trials_.size(), text(sum).c_str(), wanted_.seed);
    return sum.failed == 0;
  }

  Arguments wanted_;
  fault::Home home_;
  std::vector<std::unique_ptr<fault::Trial>> trials_ = {};
  std::vector<Planned> plan_ = {};
  Shared& shared_ = *Shared::make();
  std::chrono::steady_clock::time_point end_ = {};
};

}  // namespace

int main(int count, char** words) {
  try {
    if (::unshare(CLONE_NEWNS) != 0 || ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
      fault::fail("unshare");
    return Fault(arguments(count, words)).run() ? 0 : 1;
  } catch (std::exception const& error) {
    std::cout << "not ok fault: " << error.what() << '\n';
    return 1;
  }
}
