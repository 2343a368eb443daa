#pragma once

#include "random_commands/random.hpp"
#include "subject.hpp"
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <string>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace crash_recovery {

using random_commands::Random;

/// Another program that works in the store meanwhile, with items of its own ("r1" and so on), and is killed as well. Its
/// items may be in any state then; ours may not.
class Rival {
 public:
  /// Does nothing where the program is not installed, or the store is none of its kind.
  Rival(Setting const& setting, Place const& place, Random& random) {
    if (setting.serializer != "json" || setting.image_store || setting.transient || !random.percent(50) ||
        ::access("/usr/bin/containers-storage", X_OK) != 0)
      return;
    Random its(random.below(~std::size_t{0}));
    group_ = ::fork();
    if (group_ != 0) return;
    ::setpgid(0, 0);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    int const nothing = ::open("/dev/null", O_RDWR);
    for (int const fd : {0, 1, 2}) ::dup2(nothing, fd);
    for (;;) run(command(setting, place, its));
  }
  Rival(Rival const&) = delete;
  Rival& operator=(Rival const&) = delete;
  ~Rival() { stop(); }

  /// Kills it, with what it started.
  void stop() {
    if (group_ <= 0) return;
    ::setpgid(group_, group_);  // if it did not come to that itself
    ::kill(-group_, SIGKILL);
    ::waitpid(group_, nullptr, 0);
    group_ = -1;
  }

 private:
  static std::vector<std::string> command(Setting const& setting, Place const& place, Random& random) {
    auto const graph = (place.disk / "graph").native();
    auto const one = [&] { return "r" + std::to_string(1 + random.below(5)); };
    if (random.percent(10))
      return {"podman",       "--root",           graph,  "--runroot", place.run.native(), "--storage-driver",
              setting.driver, "--events-backend", "none", "images"};
    std::vector<std::string> words{"containers-storage", "--graph",          graph,         "--run",
                                   place.run.native(),   "--storage-driver", setting.driver};
    auto const add = [&](std::vector<std::string> const& more) {
      words.insert(words.end(), more.begin(), more.end());
    };
    switch (random.below(7)) {
      case 0:
        add({"create-layer", "--id", one()});
        break;
      case 1:
        add({"create-layer", "--id", one(), one()});
        break;
      case 2:
        add({"create-image", "--id", one(), one()});
        break;
      case 3:
        add({"create-container", "--id", one(), one()});
        break;
      case 4:
        add({"delete-layer", one()});
        break;
      case 5:
        add({"delete-image", one()});
        break;
      default:
        add({"delete-container", one()});
        break;
    }
    return words;
  }

  static void run(std::vector<std::string> words) {
    pid_t const child = ::fork();
    if (child < 0) ::_exit(1);
    if (child == 0) {
      std::vector<char*> arguments;
      for (auto& word : words) arguments.push_back(word.data());
      arguments.push_back(nullptr);
      ::execvp(arguments.front(), arguments.data());
      ::_exit(127);
    }
    ::waitpid(child, nullptr, 0);
  }

  pid_t group_ = -1;
};

}  // namespace crash_recovery
