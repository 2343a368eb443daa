// How long does a command take at its best, and how much memory does it need?
// usage: bench-least RUNS BEFORE COMMAND [ARGUMENT...]    BEFORE: a line for sh that is run, untimed, before each run
// Prints: <seconds, least of the runs> <KiB of the largest resident set>. Fails if the command or BEFORE fails once.
#include "measure.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <limits>

namespace {

/// Waits for the command; its exit status, and its largest resident set in KiB.
int run(char* const* command, long& resident) {
  posix_spawn_file_actions_t quiet;
  posix_spawn_file_actions_init(&quiet);
  posix_spawn_file_actions_addopen(&quiet, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  pid_t child = 0;
  int const failed = posix_spawnp(&child, command[0], &quiet, nullptr, command, environ);
  posix_spawn_file_actions_destroy(&quiet);
  if (failed != 0) return 127;
  int status = 0;
  rusage used{};
  if (wait4(child, &status, 0, &used) != child) return 127;
  resident = used.ru_maxrss;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 4) return 2;
  double least = std::numeric_limits<double>::infinity();
  long most = 0;
  for (int left = std::atoi(arguments[1]); left > 0; --left) {
    if (arguments[2][0] != '\0' && std::system(arguments[2]) != 0) return 1;
    int status = 0;
    long resident = 0;
    least = std::min(least, bench::seconds([&] { status = run(arguments + 3, resident); }));
    most = std::max(most, resident);
    if (status != 0) {
      std::fprintf(stderr, "%s: exit status %d\n", arguments[3], status);
      return 1;
    }
  }
  std::printf("%.6f %ld\n", least, most);
}
