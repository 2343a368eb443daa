#pragma once

#include "home.hpp"
#include "operations.hpp"
#include "point.hpp"
#include "runner.hpp"
#include <algorithm>
#include <cctype>
#include <cstring>
#include <map>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace fault_injection {

/// One operation, tried at point after point.
class Trial {
 public:
  /// Runs the operation without a fault, once to see what it does, once to see what it calls.
  Trial(Home const& home, Operation operation)
      : home_(home), operation_(std::move(operation)), command_(home.command(operation_.words)) {
    prepare();
    old_ = home_.reader().read();
    clean_ = run(command_);
    if (clean_.status != 0)
      throw std::runtime_error(operation_.name + ": status " + std::to_string(clean_.status) +
                               " without a fault: " + clean_.out + clean_.err);
    new_ = home_.reader().read();
    files_ = files_after_gc();
    untouched_ = false;
    prepare();
    Recorder recorder;
    run(command_, std::ref(recorder));
    untouched_ = false;
    seen_ = std::move(recorder.seen);
  }

  Operation const& operation() const { return operation_; }
  std::vector<Seen> const& seen() const { return seen_; }

  Verdict at(Point const& point) {
    prepare();
    Injector injector(point);
    auto const ran = run(command_, std::ref(injector));
    Verdict verdict{.reached = injector.reached, .acknowledged = injector.reached && ran.status == 0};
    auto const broken = [&](std::string rule, std::string details) {
      verdict.rule = std::move(rule);
      verdict.details = "    at " + injector.what + "\n    status " + std::to_string(ran.status) +
                        "\n    stdout: " + ran.out + "\n    stderr: " + ran.err + '\n' + std::move(details);
      return verdict;
    };
    if (ran.status != 0 && !names(ran, point)) return broken("says what failed", {});
    if (ran.status == 0 && ran.out != clean_.out && operation_.effect != Effect::steps &&
        !(operation_.effect == Effect::look &&
          names(ran, point)))  // one that tells what it could not look at
      return broken("acknowledges with other output", {});
    if (ran.status != 0 && home_.reader().print() == print_) return verdict;
    untouched_ = false;
    auto const check = run(home_.command({"check"}));
    auto const state = home_.reader().read();
    bool const is_new = state == new_;
    if (check.status != 0 && !(operation_.damaged && ran.status != 0))
      return broken("check is clean afterwards", "    check: " + check.out + check.err);
    if (ran.status == 0 && !is_new)
      return broken("acknowledged is complete", "    state:\n" + difference(new_, state));
    bool const by_steps =
        operation_.effect == Effect::steps || (operation_.effect == Effect::undone && point.sticky);
    if (!by_steps && !is_new && state != old_)
      return broken("old or new state", "    from the old state:\n" + difference(old_, state) +
                                            "    from the new state:\n" + difference(new_, state));
    return retry(is_new, broken, std::move(verdict));
  }

 private:
  template <class Broken>
  Verdict retry(bool const is_new, Broken const& broken, Verdict verdict) {
    auto const again = run(command_);
    auto const said = "    again: status " + std::to_string(again.status) + ' ' + again.out + again.err;
    if (!is_new && again.status != 0) return broken("a retry succeeds", said);
    if (!is_new && again.out != clean_.out && operation_.effect != Effect::steps)
      return broken("a retry prints the same", said);
    auto const state = home_.reader().read();
    // of a count, as of mounts, one more is right
    // an unmount that failed, and was told of, leaves its count
    bool const right =
        operation_.effect == Effect::steps ? without_mounts(state) == without_mounts(new_) : state == new_;
    if (!right && !(is_new && again.status == 0))
      return broken("a retry gives the new state", said + "    state:\n" + difference(new_, state));
    auto const check = run(home_.command({"check"}));
    if (check.status != 0)
      return broken("check is clean after a retry", "    check: " + check.out + check.err);
    if (auto const left = difference_of_files(); !left.empty() && state == new_)
      return broken("gc leaves nothing", left);
    return verdict;
  }

  void prepare() {
    if (untouched_ && home_.reader().print() == print_) return;
    home_.restore();
    if (operation_.before) operation_.before(home_);
    print_ = home_.reader().print();
    untouched_ = true;
  }

  /// Whether an error text is there that has the kernel's words for what failed.
  static bool names(Ran const& ran, Point const& point) {
    auto const lower = [](std::string text) {
      std::ranges::transform(text, text.begin(),
                             [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
      return text;
    };
    auto const said = lower(ran.out + ran.err);
    // threads that cannot be had are EAGAIN, whatever was missing
    return said.find(lower(std::strerror(point.error->number))) != said.npos ||
           (point.error->number == ENOMEM && said.find(lower(std::strerror(EAGAIN))) != said.npos);
  }

  std::map<std::string, int> files_after_gc() {
    auto const gc = run(home_.command({"gc"}));
    if (gc.status != 0) return {{"gc: " + gc.out + gc.err, 1}};
    return home_.reader().files();
  }
  std::string difference_of_files() {
    auto const found = files_after_gc();
    std::string out;
    for (auto const& [name, times] : found) {
      auto const at = files_.find(name);
      if (at == files_.end() || at->second < times) out += "    " + name + '\n';
    }
    return out.substr(0, 1000);
  }

  Home const& home_;
  Operation operation_;
  Command command_;
  Ran clean_ = {};
  State old_ = {}, new_ = {};
  std::string print_ = {};                 ///< of the files before the operation
  bool untouched_ = false;                 ///< nothing was run that changed them since
  std::map<std::string, int> files_ = {};  ///< after the operation and `gc`
  std::vector<Seen> seen_ = {};
};

}  // namespace fault_injection
