// The power fails and processes are killed while a store is changed: what was acknowledged is there, what was under way is
// old or new, and the store works.
// usage: crash --scratch DIRECTORY [--seconds N] [--seed N] [--keep DIRECTORY] [--only WORDS]
//        crash --scratch DIRECTORY --disk FILE --only WORDS
// --disk: looks at one that a failure left, as before its repair
// --only: words of settings ("xfs", "btrfs json") and of ways to crash ("cut", "cached", "kill", "step"), all of which must be
// there. Prints "ok …" or "not ok …" for each way and setting, as tests/lib.sh says, and a line of counts.

#include "cached_disk.hpp"
#include "cuts.hpp"
#include "kills.hpp"
#include "session.hpp"
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <iostream>
#include <map>
#include <sched.h>
#include <sstream>
#include <stdexcept>
#include <string>
#include <sys/mount.h>
#include <utility>
#include <vector>

namespace {

using namespace crash;

std::vector<Setting> all_settings() {
  std::vector<Setting> settings;
  for (auto const* file_system : {"ext4", "xfs", "btrfs"})
    for (auto const* driver : {"overlay", "vfs", "btrfs"})
      for (auto const* serializer : {"json", "journal"}) {
        if (driver == std::string("btrfs") && file_system != std::string("btrfs")) continue;
        settings.push_back({.file_system = file_system, .driver = driver, .serializer = serializer});
      }
  for (auto const* file_system : {"ext4", "xfs", "btrfs"}) {
    settings.push_back({.file_system = file_system, .image_store = true});
    settings.push_back({.file_system = file_system, .transient = true});
  }
  settings.push_back({.driver = "vfs", .image_store = true});
  settings.push_back({.file_system = "btrfs", .driver = "btrfs", .transient = true});
  return settings;
}

/// A mount namespace of its own: what is mounted here goes with the process, whatever happens.
void separate_mounts() {
  if (::unshare(CLONE_NEWNS) != 0 || ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
    disk_failed("mount namespace");
}

/// What there is in a store on a disk that was kept, and what a repair does.
void look_at(DiskHome const& home, std::filesystem::path const& file, Setting const& setting,
             std::filesystem::path const& scratch) {
  run_program("cp --sparse=always " + file.native() + ' ' + (home.path() / "looked-at.img").native());
  Place const place{.disk = scratch / "copy", .run = scratch / "copy-run"};
  MountedDisk const mounted(home.path() / "looked-at.img", setting.file_system, place.disk);
  auto const subject = open(setting, place);
  auto const show = [](std::string const& title, std::vector<std::string> const& lines) {
    std::cout << title << ":\n";
    for (auto const& line : lines) std::cout << "    " << line << '\n';
  };
  auto const before = subject->look();
  for (auto const& [line, value] : before) std::cout << "    " << line << " = " << value << '\n';
  show("damage", subject->damage());
  show("after a repair", subject->repair());
  std::cout << "what a repair changed:\n" << difference(before, subject->look());
}

int run(std::map<std::string, std::string> arguments) {
  separate_mounts();
  std::filesystem::path const scratch = arguments.at("scratch");
  std::chrono::seconds const seconds(std::stoul(arguments.emplace("seconds", "60").first->second));
  auto const seed = std::stoull(arguments.emplace("seed", "1").first->second);
  DiskHome const home(scratch);
  Session session{.scratch = scratch,
                  .keep = arguments.emplace("keep", "/var/tmp/strata-crash").first->second,
                  .seed = seed,
                  .home = home};
  std::vector<std::string> only;
  std::istringstream words(arguments["only"]);
  for (std::string word; words >> word;) only.push_back(word);
  auto const ways = {"cut", "step", "cached", "kill"};
  std::map<std::string, std::vector<Setting>> settings;
  Random random(seed);
  std::size_t rounds = 0;
  for (auto const* way : ways) {
    for (auto const& setting : all_settings()) {
      auto const title = ' ' + std::string(way) + ' ' + setting.title() + ' ';
      if (std::ranges::all_of(only,
                              [&](auto const& word) { return title.find(' ' + word + ' ') != title.npos; }))
        settings[way].push_back(setting);
    }
    random.shuffle(settings[way]);
    rounds += settings[way].size();
  }
  if (rounds == 0) throw std::runtime_error("no setting has these words");
  if (auto const disk = arguments["disk"]; !disk.empty())
    return look_at(home, disk, settings.begin()->second.front(), scratch), 0;
  auto const slot =
      std::clamp(seconds / static_cast<long>(rounds), std::chrono::seconds(2), std::chrono::seconds(20));
  auto const until = std::chrono::steady_clock::now() + seconds;
  std::map<std::string, Sweep> sweeps;
  for (std::size_t turn = 0; std::chrono::steady_clock::now() < until; ++turn)
    for (std::string const way : ways) {
      if (settings[way].empty() || std::chrono::steady_clock::now() >= until) continue;
      if (session.counts.failures >= 20) break;
      auto const& setting = settings[way][turn % settings[way].size()];
      auto const failures = session.counts.failures;
      if (way == "cached") {
        CachedDisk disk(session, setting);
        cut_power(session, setting, random, disk, slot);
      } else {
        PlainDisk disk(session, setting);
        if (way == "cut") cut_power(session, setting, random, disk, slot);
        if (way == "kill") KillRound(session, setting, random, disk).at_random(slot);
        if (way == "step") {
          KillRound round(session, setting, random, disk);
          auto& sweep =
              sweeps.emplace(setting.title(), Sweep{.all_calls = seconds >= std::chrono::minutes(10)})
                  .first->second;
          kill_at_calls(session, round, random, sweep, slot);
        }
      }
      if (session.counts.failures == failures)
        std::cout << "ok " << way << ' ' << setting.title() << '\n' << std::flush;
    }
  std::cout << "crash, seed " << seed << ": ";
  for (auto const& [key, count] : session.counts.cuts) std::cout << count << " cuts on " << key << ", ";
  for (auto const& [key, count] : session.counts.kills) std::cout << count << " kills on " << key << ", ";
  std::cout << session.counts.operations << " operations, " << session.counts.sweeps << " sweeps, "
            << session.counts.failures << " failures\n";
  return session.counts.failures == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    std::map<std::string, std::string> arguments;
    for (int i = 1; i + 1 < argc; i += 2) arguments[std::string(argv[i]).substr(2)] = argv[i + 1];
    return run(std::move(arguments));
  } catch (std::exception const& error) {
    std::cout << "not ok crash: " << error.what() << '\n';
    return 2;
  }
}
