#include <strata/clean_path.hpp>

#include <catch2/catch.hpp>

using namespace strata;

TEST_CASE("clean_path gives what Go's path.Clean gives", "[clean_path]") {
  char const* const pairs[][2] = {{"", "."},
                                  {".", "."},
                                  {"./", "."},
                                  {"/", "/"},
                                  {"//", "/"},
                                  {"a", "a"},
                                  {"./a", "a"},
                                  {"a/", "a"},
                                  {"a//b", "a/b"},
                                  {"a/./b", "a/b"},
                                  {"a/../b", "b"},
                                  {"a/..", "."},
                                  {"..", ".."},
                                  {"../..", "../.."},
                                  {"../a", "../a"},
                                  {"a/../../b", "../b"},
                                  {"/..", "/"},
                                  {"/../a", "/a"},
                                  {"/a/../..", "/"},
                                  {"abc/def/../../..", ".."},
                                  {"abc/../../././../def", "../../def"},
                                  {"/abc/def/ghi/..", "/abc/def"},
                                  {"...", "..."},
                                  {"a/...", "a/..."},
                                  {"..a", "..a"},
                                  {"a./b.", "a./b."},
                                  {"/.", "/"},
                                  {".hidden", ".hidden"}};
  for (auto const& [path, clean] : pairs) {
    INFO(path);
    CHECK(clean_path(path) == clean);
    CHECK(clean_path(clean) == clean);
  }
}
