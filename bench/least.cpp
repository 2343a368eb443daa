// How long does a command take at its best, and how much memory does it need?
// usage: bench-least RUNS BEFORE COMMAND [ARGUMENT...]    BEFORE: a line for sh that is run, untimed, before each run
// Prints: <seconds, least of the runs> <KiB of the largest resident set> <seconds of processor time, least>. Fails if the command or BEFORE fails once.
#include "measure.hpp"
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <limits>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

double seconds_of(timeval const& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
}

/// Waits for the command; its exit status, and what it used.
int run(char* const* command, rusage& used) {
  posix_spawn_file_actions_t quiet;
  posix_spawn_file_actions_init(&quiet);
  posix_spawn_file_actions_addopen(&quiet, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  pid_t child = 0;
  int const failed = posix_spawnp(&child, command[0], &quiet, nullptr, command, environ);
  posix_spawn_file_actions_destroy(&quiet);
  if (failed != 0) return 127;
  int status = 0;
  if (wait4(child, &status, 0, &used) != child) return 127;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 4) return 2;
  double least = std::numeric_limits<double>::infinity();
  double processor = least;
  long most = 0;
  for (int left = std::atoi(arguments[1]); left > 0; --left) {
    if (arguments[2][0] != '\0' && std::system(arguments[2]) != 0) return 1;
    int status = 0;
    rusage used{};
    least = std::min(least, bench::seconds([&] { status = run(arguments + 3, used); }));
    processor = std::min(processor, seconds_of(used.ru_utime) + seconds_of(used.ru_stime));
    most = std::max(most, used.ru_maxrss);
    if (status != 0) {
      std::fprintf(stderr, "%s: exit status %d\n", arguments[3], status);
      return 1;
    }
  }
  std::printf("%.6f %ld %.6f\n", least, most, processor);
}
