// Runs long random sequences of commands through two programs and compares all that they say and leave behind.
// usage: random_commands --ours PROGRAM --theirs PROGRAM --driver NAME --scratch DIRECTORY --seed N --commands N [--keep yes]
// --keep yes: at a difference the stores are left in the scratch directory, and no shorter sequence is looked for
// Prints a line "ok …" or "not ok …", as tests/lib.sh says; after "not ok" how to see it again, and the shortest sequence found.

#include <strata/fs.hpp>

#include <boost/filesystem/fstream.hpp>

#include "archives.hpp"
#include "choices.hpp"
#include "intended.hpp"
#include "put_right.hpp"
#include "shrink.hpp"
#include "stores.hpp"
#include <chrono>
#include <exception>
#include <iostream>
#include <map>
#include <optional>
#include <sched.h>
#include <string>
#include <string_view>
#include <sys/mount.h>

namespace {

using namespace random_commands;

/// A mount namespace of its own: what is mounted here goes with the process, whatever happens.
void separate_mounts() {
  if (::unshare(CLONE_NEWNS) != 0 || ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
    fail("mount namespace");
}

/// Subordinate ids for users of the name "box" and "two", whatever this machine has, in this mount namespace only.
void give_subordinate_ids(strata::fs::path const& scratch) {
  for (auto const* name : {"subuid", "subgid"}) {
    auto const file = scratch / name;
    strata::fs::ofstream(file) << "box:200000:70000\ntwo:300000:1000\ntwo:400000:69000\n";
    if (::mount(file.c_str(), (strata::fs::path("/etc") / name).c_str(), nullptr, MS_BIND, nullptr) != 0)
      fail("mount /etc/" + std::string(name));
  }
}

int run(std::map<std::string, std::string> const& arguments) {
  auto const get = [&](char const* key) {
    return arguments.contains(key) ? arguments.at(key) : std::string();
  };
  Setting const setting{
      .scratch = get("scratch"), .ours = get("ours"), .theirs = get("theirs"), .driver = get("driver")};
  auto const seed = std::stoull(get("seed"));
  auto const commands = std::stoul(get("commands"));
  auto const title =
      setting.driver + ", seed " + std::to_string(seed) + ": " + std::to_string(commands) + " commands";
  separate_mounts();
  give_subordinate_ids(setting.scratch);

  Random random(seed);
  auto const inputs = InputMaker(setting.scratch / "input", random).make();
  std::vector<Step> steps;
  std::optional<Difference> difference;
  std::map<std::string, std::size_t> used, kinds;
  auto const began = std::chrono::steady_clock::now();
  {
    Stores stores(setting);
    Generator generator(random, inputs, setting.driver);
    constexpr std::size_t trees_every = 50;
    while (!difference && steps.size() < commands) {
      steps.push_back(generator.next(stores));
      ++kinds[steps.back().command];
      difference = stores.perform(steps.back());
      steps.back().in_vain = stores.failed();
      if (!difference && (steps.size() % trees_every == 0 || steps.size() == commands))
        difference = stores.compare_trees();
    }
    used = stores.used();
  }
  auto const seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  // Theirs takes it, and cannot export it: a limit of ours, which README tells. From here on the stores are not the same.
  constexpr std::string_view by_design = "which the archive could not be rebuilt without: archive is damaged";
  if (difference && difference->text.find(by_design) != std::string::npos) {
    std::cout << "ok " << title << ", no difference in the first " << steps.size() - 1
              << ": then an archive that ours refuses by design\n";
    return 0;
  }
  if (difference) {
    std::cout << "not ok " << title << "\n    step " << steps.size() << ": " << difference->where << '\n'
              << "    again: STRATA_SEED=" << seed << " STRATA_COMMANDS=" << commands
              << " DRIVERS=" << setting.driver << " sh tests/interop/random.sh\n"
              << indented(difference->text);
    if (get("keep") == "yes") return 1;
    auto const shortest = shrink(setting, steps, *difference);
    std::cout << "    the shortest sequence found, " << shortest.steps.size() << " steps:\n";
    for (auto const& step : shortest.steps)
      std::cout << "        " << shell(step)
                << (step.ours_on_shared ? "\n" : "  # theirs on the shared store\n");
    std::cout << indented(shortest.difference.text);
    return 1;
  }
  std::cout << "ok " << title << ", no difference (" << static_cast<int>(seconds) << " s, " << kinds.size()
            << " different)\n";
  for (auto const& rule : intended())
    if (used.contains(rule.name))
      std::cout << "    intended, " << used[rule.name] << " times: " << rule.reason << '\n';
  for (auto const& what : {all_owners, home_owner, kept_links, mapped_roots, opaque_again, vain_whiteouts})
    if (used.contains(what.name))
      std::cout << "    put right, " << used[what.name] << " times: " << what.reason << '\n';
  for (auto const* what : left_out) std::cout << "    left out: " << what << '\n';
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    std::map<std::string, std::string> arguments;
    for (int i = 1; i + 1 < argc; i += 2) arguments[std::string(argv[i]).substr(2)] = argv[i + 1];
    return run(arguments);
  } catch (std::exception const& error) {
    std::cout << "not ok random_commands: " << error.what() << '\n';
    return 2;
  }
}
