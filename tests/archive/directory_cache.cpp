#include <strata/archive/directory_cache.hpp>

#include <catch2/catch.hpp>

#include <fcntl.h>
#include <string>

using strata::archive::DirectoryCache;
using strata::sys::open_at;

namespace {
bool is_open(int fd) { return ::fcntl(fd, F_GETFD) != -1; }
strata::sys::Fd some_directory() { return open_at(AT_FDCWD, "/", O_PATH | O_DIRECTORY); }
}  // namespace

TEST_CASE("the directories last used are kept", "[archive][directory_cache]") {
  DirectoryCache cache;
  CHECK(cache.find("") == -1);
  int const root = cache.put("", some_directory());
  int const a = cache.put("a", some_directory());
  CHECK(cache.find("") == root);
  CHECK(cache.find("a") == a);
  CHECK(cache.find("b") == -1);
  for (int i = 0; i < 100; ++i) {
    cache.put(std::to_string(i), some_directory());
    CHECK(cache.find("") == root);  // in use all the time
  }
  CHECK(cache.find("a") == -1);
  CHECK(cache.find("99") >= 0);
}

TEST_CASE("a directory put in anew takes the place of the old one", "[archive][directory_cache]") {
  DirectoryCache cache;
  int const old = cache.put("a", some_directory());
  int const now = cache.put("a", some_directory());
  CHECK(cache.find("a") == now);
  CHECK((now == old || !is_open(old)));
}

TEST_CASE("after a removal no path is known, and the directory in use is open",
          "[archive][directory_cache]") {
  DirectoryCache cache;
  int const a = cache.put("a", some_directory());
  int const b = cache.put("b", some_directory());
  cache.clear_but(b);
  CHECK(cache.find("a") == -1);
  CHECK(cache.find("b") == -1);
  CHECK_FALSE(is_open(a));
  CHECK(is_open(b));
  cache.clear();
  CHECK_FALSE(is_open(b));
}
