#pragma once

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <functional>
#include <map>
#include <new>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <sys/mman.h>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <vector>

/// Tries operations at points, in a child that is started anew when one of them crashes it, and keeps count.
namespace fault_injection {

/// What came of one point.
struct Verdict {
  bool reached = true;        ///< what was to fail was done at all
  bool acknowledged = false;  ///< the operation succeeded in spite of it
  std::string rule = {};      ///< that was broken; empty if none
  std::string details = {};
};

/// An operation and the points at which it is made to fail.
struct Case {
  std::string title;  ///< of the line that is printed
  std::string again;  ///< command to which " --point POINT" is added to try one point again
  std::vector<std::string> points = {};
  std::function<Verdict(std::string const&)> run = {};
};

struct RunOptions {
  unsigned seconds = 0;  ///< 0: until every point was tried
  unsigned seed = 1;     ///< of the order, where there is not the time for all
  std::set<std::string> flags = {};
  std::multimap<std::string, std::string> values = {};

  std::string value(std::string const& name, std::string const& otherwise = {}) const {
    auto const found = values.find(name);
    return found == values.end() ? otherwise : found->second;
  }
  bool wants(std::string const& name, std::string const& value) const {
    auto const [begin, end] = values.equal_range(name);
    return begin == end || std::any_of(begin, end, [&](auto const& one) { return one.second == value; });
  }
};

inline RunOptions run_options(int count, char** words, std::set<std::string> const& flags,
                              std::set<std::string> const& with_value) {
  RunOptions out;
  for (int i = 1; i < count; ++i) {
    std::string const word = words[i];
    if (flags.contains(word)) {
      out.flags.insert(word);
      continue;
    }
    bool const number = word == "--seconds" || word == "--seed";
    if (!number && !with_value.contains(word)) throw std::invalid_argument("unknown: " + word);
    if (++i == count) throw std::invalid_argument(word + " needs a value");
    if (number)
      (word == "--seed" ? out.seed : out.seconds) = static_cast<unsigned>(std::stoul(words[i]));
    else
      out.values.emplace(word, words[i]);
  }
  return out;
}

/// Runs the cases' points: all, or as many as there is time for, one of each case after the other.
class Runner {
 public:
  Runner(std::string name, std::vector<Case> cases, RunOptions const& options)
      : name_(std::move(name)), cases_(std::move(cases)), options_(options) {
    if (cases_.size() > Shared::most_cases) throw std::length_error("too many cases");
    make_plan();
  }

  /// Prints a line for each case, and one of counts.  @return  whether no rule was broken
  bool run() {
    end_ = std::chrono::steady_clock::now() + std::chrono::seconds(options_.seconds);
    while (shared_.next < plan_.size() && !shared_.out_of_time) {
      std::fflush(stdout);
      pid_t const child = ::fork();
      if (child < 0) throw std::system_error(errno, std::generic_category(), "fork");
      if (child == 0) {
        try_points();
        std::fflush(stdout);
        ::_exit(0);
      }
      int status = 0;
      while (::waitpid(child, &status, 0) < 0)
        if (errno != EINTR) throw std::system_error(errno, std::generic_category(), "waitpid");
      if (status != 0) crashed(status);
    }
    return report();
  }

 private:
  struct Counts {
    std::size_t points = 0, unreached = 0, acknowledged = 0, broken = 0;
  };

  /// What the child shares with this process.
  struct Shared {
    static constexpr std::size_t most_cases = 128;

    std::size_t next = 0;  ///< of the plan
    bool out_of_time = false;
    std::array<Counts, most_cases> counts = {};

    static Shared* make() {
      void* at = ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
      if (at == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "mmap");
      return new (at) Shared;
    }
  };

  struct Planned {
    std::size_t number;  ///< of the case
    std::string point;
  };

  void make_plan() {
    std::mt19937 random(options_.seed);
    if (options_.seconds != 0)
      for (auto& one : cases_) std::shuffle(one.points.begin(), one.points.end(), random);
    for (std::size_t nth = 0, before = 1; before != plan_.size(); ++nth) {
      before = plan_.size();
      for (std::size_t i = 0; i < cases_.size(); ++i)
        if (nth < cases_[i].points.size()) plan_.push_back({i, cases_[i].points[nth]});
    }
  }

  /// A part of the plan: what the operations leave to the end of the process goes with the child.
  void try_points() {
    constexpr std::size_t at_once = 200;
    for (std::size_t i = 0; i < at_once && shared_.next < plan_.size(); ++i) {
      if (options_.seconds != 0 && std::chrono::steady_clock::now() >= end_) {
        shared_.out_of_time = true;
        return;
      }
      auto const& [number, point] = plan_[shared_.next];
      auto const verdict = cases_[number].run(point);
      auto& count = shared_.counts[number];
      ++count.points;
      if (!verdict.reached) ++count.unreached;
      if (verdict.acknowledged) ++count.acknowledged;
      if (!verdict.rule.empty()) broken(verdict.rule, verdict.details);
      ++shared_.next;
    }
  }

  void crashed(int status) {
    ++shared_.counts[plan_[shared_.next].number].points;
    bool const too_long = WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM;
    broken(too_long ? "hangs" : "crashes", "    status " + std::to_string(status));
    ++shared_.next;
  }

  void broken(std::string const& rule, std::string const& details) {
    auto const& [number, point] = plan_[shared_.next];
    auto const& one = cases_[number];
    ++shared_.counts[number].broken;
    std::printf("    broken: %s: %s --point %s\n%s\n", rule.c_str(), one.again.c_str(), point.c_str(),
                details.c_str());
    std::fflush(stdout);
  }

  static std::string text(Counts const& count) {
    return std::to_string(count.acknowledged) + " acknowledged, " + std::to_string(count.unreached) +
           " not reached, " + std::to_string(count.broken) + " broken";
  }

  bool report() const {
    Counts sum;
    for (std::size_t i = 0; i < cases_.size(); ++i) {
      auto const& one = shared_.counts[i];
      sum.points += one.points, sum.unreached += one.unreached, sum.acknowledged += one.acknowledged;
      sum.broken += one.broken;
      std::printf("%s %s: %zu points, %s\n", one.broken == 0 ? "ok" : "not ok", cases_[i].title.c_str(),
                  one.points, text(one).c_str());
    }
    std::printf("%s: %zu of %zu points of %zu operations, %s; seed %u\n", name_.c_str(), sum.points,
                plan_.size(), cases_.size(), text(sum).c_str(), options_.seed);
    return sum.broken == 0;
  }

  std::string name_;
  std::vector<Case> cases_;
  RunOptions options_;
  std::vector<Planned> plan_ = {};
  Shared& shared_ = *Shared::make();
  std::chrono::steady_clock::time_point end_ = {};
};

}  // namespace fault_injection
