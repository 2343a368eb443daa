// Makes system calls of oci-storage fail, one point after another, and looks at what it makes of it: each main operation,
// each call that opens or changes something (or looks at it), each error that the call can give, once and from there on.
// After each: status, text and state fit together, the store checks clean, and a retry gives what a run without faults does.
//
// fault_injection --driver DRIVER --directory DIRECTORY [--seconds N] [--seed N] [--looks] [--operation NAME]... [--point POINT] [--list]
// Without --seconds: every point. Prints "ok NAME" or "not ok NAME" for each operation, and one line of counts.

#include "runner.hpp"
#include "trial.hpp"
#include <cstdio>
#include <exception>
#include <iostream>
#include <memory>
#include <sched.h>
#include <stdexcept>
#include <string>
#include <sys/mount.h>
#include <utility>
#include <vector>

namespace {

using Trials = std::vector<std::unique_ptr<fault_injection::Trial>>;

std::vector<std::string> points_of(fault_injection::Trial const& trial,
                                   fault_injection::RunOptions const& options) {
  if (auto const point = options.value("--point"); !point.empty()) return {point};
  std::vector<std::string> out;
  for (auto const& point : fault_injection::points_of(trial.seen(), options.flags.contains("--looks")))
    out.push_back(point.text());
  return out;
}

void list(Trials const& trials) {
  for (auto const& trial : trials)
    for (auto const& call : trial->seen())
      std::printf("%s %s:%zu %s\n", trial->operation().name.c_str(), std::string(call.kind->name).c_str(),
                  call.nth, call.what.c_str());
}

bool run(fault_injection::RunOptions const& options) {
  auto const driver = options.value("--driver", "overlay"), directory = options.value("--directory");
  if (directory.empty()) throw std::invalid_argument("--directory is needed");
  fault_injection::Home const home(directory, driver);
  Trials trials;
  std::vector<fault_injection::Case> cases;
  for (auto& operation : fault_injection::operations(home)) {
    if (!options.wants("--operation", operation.name)) continue;
    trials.push_back(std::make_unique<fault_injection::Trial>(home, std::move(operation)));
    auto& trial = *trials.back();
    auto const& name = trial.operation().name;
    cases.push_back({.title = "fault in " + name + " on " + driver,
                     .again = "fault --driver " + driver + " --operation " + name,
                     .points = points_of(trial, options),
                     .run = [&trial](std::string const& point) {
                       return trial.at(fault_injection::Point::parse(point));
                     }});
  }
  if (options.flags.contains("--list")) {
    list(trials);
    return true;
  }
  return fault_injection::Runner("faults on " + driver, std::move(cases), options).run();
}

}  // namespace

int main(int count, char** words) {
  try {
    auto const options = fault_injection::run_options(count, words, {"--looks", "--list"},
                                                      {"--driver", "--directory", "--operation", "--point"});
    if (::unshare(CLONE_NEWNS) != 0 || ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
      fault_injection::fail("unshare");
    return run(options) ? 0 : 1;
  } catch (std::exception const& error) {
    std::cout << "not ok fault_injection: " << error.what() << '\n';
    return 1;
  }
}
