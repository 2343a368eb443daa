#include <strata/sys/fd.hpp>
#include <strata/tree/directory_cache.hpp>

#include <catch2/catch.hpp>

#include <fcntl.h>
#include <string>

using DirectoryCache = strata::archive::DirectoryCache<strata::sys::Fd>;
using Place = strata::archive::Place<strata::sys::Fd>;
using strata::sys::open_at;

namespace {
bool is_open(int fd) { return ::fcntl(fd, F_GETFD) != -1; }
Place some_directory() { return {.directory = open_at(AT_FDCWD, "/", O_PATH | O_DIRECTORY)}; }
int number(Place const* place) { return place == nullptr ? -1 : place->directory.get(); }
}  // namespace

TEST_CASE("the directories last used are kept", "[tree][directory_cache]") {
  DirectoryCache cache;
  CHECK(number(cache.find("")) == -1);
  int const root = number(&cache.put("", some_directory()));
  int const a = number(&cache.put("a", some_directory()));
  CHECK(number(cache.find("")) == root);
  CHECK(number(cache.find("a")) == a);
  CHECK(number(cache.find("b")) == -1);
  for (int i = 0; i < 100; ++i) {
    cache.put(std::to_string(i), some_directory());
    CHECK(number(cache.find("")) == root);  // in use all the time
  }
  CHECK(number(cache.find("a")) == -1);
  CHECK(number(cache.find("99")) >= 0);
}

TEST_CASE("a directory put in anew takes the place of the old one", "[tree][directory_cache]") {
  DirectoryCache cache;
  int const old = number(&cache.put("a", some_directory()));
  int const now = number(&cache.put("a", some_directory()));
  CHECK(number(cache.find("a")) == now);
  CHECK((now == old || !is_open(old)));
}

TEST_CASE("after a removal no path is known, and the directory in use is open", "[tree][directory_cache]") {
  DirectoryCache cache;
  int const a = number(&cache.put("a", some_directory()));
  int const b = number(&cache.put("b", some_directory()));
  cache.clear_but(cache.find("b"));
  CHECK(number(cache.find("a")) == -1);
  CHECK(number(cache.find("b")) == -1);
  CHECK_FALSE(is_open(a));
  CHECK(is_open(b));
  cache.clear();
  CHECK_FALSE(is_open(b));
}
