// The power fails and processes are killed while a store is changed: what was acknowledged is there, what was under way is
// old or new, and the store works.
// usage: crash_recovery --scratch DIRECTORY [--seconds N] [--seed N] [--lanes N] [--keep DIRECTORY] [--only WORDS] [--without WORDS]
//        crash_recovery --scratch DIRECTORY --disk FILE --only WORDS
// --lanes: processes that work beside each other, each on disks of its own.
// --disk: looks at one that a failure left, as before its repair
// --only: words of settings ("xfs", "btrfs json") and of ways to crash ("cut", "cached", "kill", "step"), all of which must be
// there. --without: words of which none may be there.
// Prints "ok …" or "not ok …" for each way and setting, as tests/lib.sh says, and a line of counts.

#include <strata/fs.hpp>

#include "cached_disk.hpp"
#include "cuts.hpp"
#include "kills.hpp"
#include "session.hpp"
#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <exception>
#include <fcntl.h>
#include <iostream>
#include <map>
#include <sched.h>
#include <sstream>
#include <stdexcept>
#include <string>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace {

using namespace crash_recovery;

constexpr std::array<char const*, 4> ways{"cut", "step", "cached", "kill"};

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
void look_at(DiskHome const& home, strata::fs::path const& file, Setting const& setting,
             strata::fs::path const& scratch) {
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

using Arguments = std::map<std::string, std::string>;

std::vector<std::string> split_words(std::string const& text) {
  std::istringstream in(text);
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

/// By way to crash, those that the arguments pick, in an order of the seed.
std::map<std::string, std::vector<Setting>> chosen_settings(Arguments const& arguments, Random& random) {
  auto const only = split_words(arguments.at("only"));
  auto const without = split_words(arguments.at("without"));
  std::map<std::string, std::vector<Setting>> settings;
  for (auto const* way : ways)
    for (auto const& setting : all_settings()) {
      auto const title = ' ' + std::string(way) + ' ' + setting.title() + ' ';
      auto const has = [&](auto const& word) { return title.find(' ' + word + ' ') != title.npos; };
      if (std::ranges::all_of(only, has) && std::ranges::none_of(without, has))
        settings[way].push_back(setting);
    }
  if (settings.empty()) throw std::runtime_error("no setting has these words");
  for (auto& [way, list] : settings) random.shuffle(list);
  return settings;
}

void crash_one(Session& session, std::string const& way, Setting const& setting, Random& random, Sweep& sweep,
               std::chrono::seconds time) {
  auto const failures = session.counts["failures"];
  if (way == "cached") {
    CachedDisk disk(session, setting);
    cut_power(session, setting, random, disk, time);
  } else {
    PlainDisk disk(session, setting);
    if (way == "cut") cut_power(session, setting, random, disk, time);
    if (way == "kill") KillRound(session, setting, random, disk).at_random(time);
    if (way == "step") {
      KillRound round(session, setting, random, disk);
      kill_at_calls(session, round, random, sweep, time);
    }
  }
  if (session.counts["failures"] == failures)
    std::cout << "ok " + way + ' ' + setting.title() + '\n' << std::flush;
}

/// One of several that work beside each other, each on every so-manieth setting.
Counts work(Arguments const& arguments, std::size_t lane, std::size_t lanes) {
  separate_mounts();
  auto const scratch = strata::fs::path(arguments.at("scratch")) / std::to_string(lane);
  strata::fs::create_directories(scratch);
  std::chrono::seconds const seconds(std::stoul(arguments.at("seconds")));
  auto const seed = std::stoull(arguments.at("seed"));
  auto const until = std::chrono::steady_clock::now() + seconds;
  DiskHome const home(scratch);
  Session session{.scratch = scratch, .keep = arguments.at("keep"), .seed = seed + lane, .home = home};
  Random order(seed);
  auto const settings = chosen_settings(arguments, order);
  if (auto const& disk = arguments.at("disk"); !disk.empty()) {
    look_at(home, disk, settings.begin()->second.front(), scratch);
    return {};
  }
  std::size_t rounds = 0;
  for (auto const& [way, list] : settings) rounds += list.size();
  auto const slot = std::clamp(seconds * static_cast<long>(lanes) / static_cast<long>(rounds),
                               std::chrono::seconds(2), std::chrono::seconds(20));
  bool const all_calls = seconds >= std::chrono::minutes(10);
  Random random(seed + lane);
  std::map<std::string, Sweep> sweeps;
  for (auto turn = lane;; turn += lanes)
    for (auto const& [way, list] : settings) {
      if (std::chrono::steady_clock::now() >= until || session.counts["failures"] >= 20)
        return session.counts;
      auto const& setting = list[turn % list.size()];
      auto& sweep = sweeps.emplace(setting.title(), Sweep{.all_calls = all_calls}).first->second;
      crash_one(session, way, setting, random, sweep, slot);
    }
}

/// In a process of its own, which has mounts of its own; its counts come through a pipe.
int start_lane(Arguments const& arguments, std::size_t lane, std::size_t lanes) {
  std::array<int, 2> counts{};
  if (::pipe2(counts.data(), O_CLOEXEC) != 0) disk_failed("pipe");
  std::cout << std::flush;
  pid_t const process = ::fork();
  if (process < 0) disk_failed("fork");
  if (process != 0) {
    ::close(counts[1]);
    return counts[0];
  }
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  try {
    std::ostringstream text;
    work(arguments, lane, lanes).write(text);
    if (::write(counts[1], text.view().data(), text.view().size()) < 0) disk_failed("write");
    std::cout << std::flush;
  } catch (std::exception const& error) {
    std::cout << "not ok crash_recovery: " << error.what() << '\n' << std::flush;
    ::_exit(2);
  }
  ::_exit(0);
}

int run(Arguments arguments) {
  for (auto const& [name, value] : Arguments{{"seconds", "60"},
                                             {"seed", "1"},
                                             {"lanes", "1"},
                                             {"keep", "/var/tmp/strata-crash"},
                                             {"only", ""},
                                             {"without", ""},
                                             {"disk", ""}})
    arguments.emplace(name, value);
  auto const lanes = std::max(1UL, std::stoul(arguments["lanes"]));
  std::vector<int> running;
  for (std::size_t lane = 0; lane < lanes; ++lane) running.push_back(start_lane(arguments, lane, lanes));
  Counts counts;
  counts["failures"] = 0;
  for (int const from : running) {
    std::string text;
    std::array<char, 4096> part{};
    for (ssize_t n = 0; (n = ::read(from, part.data(), part.size())) > 0;)
      text.append(part.data(), static_cast<std::size_t>(n));
    std::istringstream in(text);
    counts.add(Counts::read(in));
  }
  for (int status = 0; ::wait(&status) > 0;)
    if (status != 0) ++counts["failures"];
  std::cout << "crash, seed " << arguments["seed"] << ": " << counts.line() << '\n';
  return counts["failures"] == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    std::map<std::string, std::string> arguments;
    for (int i = 1; i + 1 < argc; i += 2) arguments[std::string(argv[i]).substr(2)] = argv[i + 1];
    return run(std::move(arguments));
  } catch (std::exception const& error) {
    std::cout << "not ok crash_recovery: " << error.what() << '\n';
    return 2;
  }
}
