#include <strata/error.hpp>
#include <strata/sys/ask_program.hpp>

#include <catch2/catch.hpp>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <string>
#include <system_error>

using namespace strata;

namespace ask_program_tests {

using namespace std::chrono_literals;

namespace {

std::error_code code_of(std::vector<std::string> const& words, sys::AskOptions const& options = {}) {
  try {
    sys::ask_program(words, options);
  } catch (Error const& error) {
    CHECK(error.subject().find(words.front()) != std::string::npos);
    return error.code();
  }
  return {};
}

std::error_code system(int code) { return {code, std::system_category()}; }

}  // namespace

TEST_CASE("a program is asked by its stdin and answers by its stdout", "[sys]") {
  auto const ended =
      sys::ask_program({"sh", "-c", "read -r line; echo \"got $line\"; exit 3"}, {.input = "a b\n"});
  CHECK(ended.said == "got a b\n");
  CHECK(ended.text() == "exit status 3");
  CHECK(sys::ask_program({"true"}, {.input = std::string(1 << 20, 'x')}).said.empty());
  CHECK(sys::ask_program({"cat"}).said.empty());
  CHECK(sys::ask_program({"sh", "-c", "kill -9 $$"}).text() == "signal 9");
  CHECK(code_of({"/no/such/program"}) == system(ENOENT));
}

TEST_CASE("an answer of the largest size is taken whole, and a larger one ends the program", "[sys]") {
  std::string const input(100'000, 'x');
  CHECK(sys::ask_program({"cat"}, {.input = input, .most_bytes = input.size()}).said == input);
  CHECK(code_of({"cat"}, {.input = input, .most_bytes = input.size() - 1}) == Errc::over_budget);
  CHECK(code_of({"cat", "/dev/zero"}) == Errc::over_budget);
}

TEST_CASE("a program that does not answer in time is killed", "[sys]") {
  auto const began = std::chrono::steady_clock::now();
  CHECK(code_of({"sleep", "60"}, {.time = 50ms}) == system(ETIMEDOUT));
  CHECK(code_of({"sh", "-c", "exec >&-; exec sleep 60"}, {.time = 50ms}) == system(ETIMEDOUT));
  CHECK(std::chrono::steady_clock::now() - began < 30s);
}

TEST_CASE("a program gets the signals that the thread which asks it holds back", "[sys]") {
  sigset_t interrupt;
  sigset_t before;
  ::sigemptyset(&interrupt);
  ::sigaddset(&interrupt, SIGINT);
  REQUIRE(::pthread_sigmask(SIG_BLOCK, &interrupt, &before) == 0);
  auto const ended = sys::ask_program({"grep", "SigBlk", "/proc/self/status"});
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  CHECK(ended.said == "SigBlk:\t0000000000000000\n");
}

TEST_CASE("a program that has ended is not waited for because a child of it lives on", "[sys]") {
  auto const began = std::chrono::steady_clock::now();
  auto const ended = sys::ask_program({"sh", "-c", "sleep 60 2>&- & echo \"$!\""});
  CHECK(ended.succeeded());
  CHECK(std::chrono::steady_clock::now() - began < 30s);
  sys::run({"kill", ended.said.substr(0, ended.said.find('\n'))});
}

}  // namespace ask_program_tests
