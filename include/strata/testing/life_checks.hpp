#pragma once

#include <strata/concepts/driver.hpp>
#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/testing/layer_probe.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <exception>
#include <stop_token>
#include <string>
#include <string_view>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

namespace strata::testing::detail {

/// True if a file of that name exists anywhere below `top`.
inline bool anywhere(fs::path const& top, std::string const& name) {
  using fs::directory_options, fs::recursive_directory_iterator;
  for (auto const& entry : recursive_directory_iterator(top, directory_options::skip_permission_denied))
    if (entry.path().filename() == name) return true;
  return false;
}

/// Checks how layers are made, published, replaced and removed.
template <LayerDriver D>
void check_life(D& driver, fs::path const& place) {
  LayerId const base("base");
  LayerId const top("top");

  SECTION("a layer exists from publish to remove") {
    CHECK_FALSE(std::string_view(driver.name()).empty());
    CHECK_FALSE(driver.exists(base));
    CHECK(driver.list().empty());
    auto staged = driver.stage({});
    add_all(staged, {file("a", "text")});
    staged.finish();
    CHECK_FALSE(driver.exists(base));
    CHECK(driver.list().empty());
    driver.publish(base, std::move(staged));
    CHECK(driver.exists(base));
    CHECK(driver.list() == std::vector{base});
    create_layer(driver, top, base, {}, Flush::full);
    auto ids = driver.list();
    std::sort(ids.begin(), ids.end());
    CHECK(ids == std::vector{base, top});
    auto trash = driver.remove(top);
    CHECK_FALSE(driver.exists(top));
    CHECK(driver.exists(base));
    trash.empty();
    driver.remove(base).empty();
    CHECK(driver.list().empty());
    CHECK_NOTHROW(driver.remove(base).empty());
    create_layer(driver, base, {}, {file("b", "again")});
    CHECK_FALSE(has_layer_file(driver, base, "a"));
    CHECK_NOTHROW(driver.status());
  }
  SECTION("what is not published leaves nothing") {
    {
      auto staged = driver.stage({});
      add_all(staged, {directory("d"), file("d/abandoned", "text")});
      auto moved = std::move(staged);
      moved.finish();
    }
    CHECK(driver.list().empty());
    CHECK_FALSE(anywhere(place, "abandoned"));
  }
  SECTION("recover removes what a dead process left, and nothing else") {
    create_layer(driver, base, {}, {file("kept", "text")});
    auto const alive = [&] {
      auto staged = driver.stage({});
      add_all(staged, {file("in-use", "text")});
      return staged;
    };
    auto staged = alive();
    pid_t const child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      try {
        auto left = driver.stage({.parent = base});
        add_all(left, {file("abandoned", "text")});
        ::_exit(0);  // without running destructors
      } catch (...) {
        ::_exit(1);
      }
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(status == 0);
    driver.recover();
    CHECK_FALSE(anywhere(place, "abandoned"));
    staged.finish();
    driver.publish(top, std::move(staged));
    CHECK(read_layer_file(driver, top, "in-use") == "text");
    CHECK(read_layer_file(driver, base, "kept") == "text");
  }
  SECTION("parents must exist, when staging and when publishing") {
    CHECK(code_of([&] { driver.stage({.parent = base}); }) == Errc::layer_unknown);
    create_layer(driver, base, {}, {});
    auto staged = driver.stage({.parent = base});
    staged.finish();
    driver.remove(base).empty();
    CHECK(code_of([&] { driver.publish(top, std::move(staged)); }) == Errc::layer_unknown);
    CHECK_FALSE(driver.exists(top));
  }
  SECTION("an id is taken once") {
    create_layer(driver, base, {}, {file("a", "first")});
    CHECK(code_of([&] { create_layer(driver, base, {}, {file("a", "second")}); }) == Errc::duplicate_id);
    CHECK(read_layer_file(driver, base, "a") == "first");
    CHECK(driver.list().size() == 1);
  }
  SECTION("contents are replaced in one step") {
    create_layer(driver, base, {}, {file("a", "old"), file("gone", "old")});
    auto staged = driver.stage({});
    add_all(staged, {file("a", "new")});
    staged.finish();
    driver.replace(base, staged);
    CHECK(read_layer_file(driver, base, "a") == "new");
    CHECK_FALSE(has_layer_file(driver, base, "gone"));
    driver.replace(base, staged);
    CHECK(read_layer_file(driver, base, "a") == "old");
    CHECK(read_layer_file(driver, base, "gone") == "old");
    CHECK(driver.list() == std::vector{base});
    auto other = driver.stage({});
    other.finish();
    CHECK(code_of([&] { driver.replace(top, other); }) == Errc::layer_unknown);
  }
  SECTION("a copy of a layer changes without it") {
    create_layer(driver, base, {}, {file("a", "old"), file("b", "kept")});
    auto staged = driver.stage({.copy_of = base});
    add_all(staged, {file("a", "new")});
    staged.finish();
    driver.publish(top, std::move(staged));
    CHECK(read_layer_file(driver, top, "a") == "new");
    CHECK(read_layer_file(driver, top, "b") == "kept");
    CHECK(read_layer_file(driver, base, "a") == "old");
  }
  SECTION("a driver can be moved") {
    create_layer(driver, base, {}, {file("a", "text")});
    D moved = std::move(driver);
    CHECK(read_layer_file(moved, base, "a") == "text");
    driver = std::move(moved);
    CHECK(driver.exists(base));
  }
  SECTION("a stop is heard") {
    std::stop_source stop;
    auto staged = driver.stage({.control = {.stop = stop.get_token()}});
    add_all(staged, {file("a", "text")});
    stop.request_stop();
    CHECK(code_of([&] {
            add_all(staged, {file("b", "text")});
            staged.finish();
          }) == Errc::stopped);
  }
  SECTION("trees are staged side by side") {
    create_layer(driver, base, {}, {file("shared", "text")});
    std::array<std::exception_ptr, 2> failures;
    std::vector<typename D::Staged> staged;
    for (int i = 0; i < 2; ++i) staged.push_back(driver.stage({.parent = base}));
    {
      std::vector<std::jthread> threads;
      for (std::size_t i = 0; i < 2; ++i)
        threads.emplace_back([&, i] {
          try {
            for (int k = 0; k < 100; ++k) {
              add_all(staged[i],
                      {file("d/" + std::to_string(k), std::string(1000, static_cast<char>('a' + i)))});
              read_layer_file(driver, base, "shared");
            }
            staged[i].finish();
          } catch (...) {
            failures[i] = std::current_exception();
          }
        });
    }
    for (std::size_t i = 0; i < 2; ++i) {
      if (failures[i]) std::rethrow_exception(failures[i]);
      LayerId const id("side" + std::to_string(i));
      driver.publish(id, std::move(staged[i]));
      CHECK(read_layer_file(driver, id, "d/99") == std::string(1000, static_cast<char>('a' + i)));
    }
  }
}

}  // namespace strata::testing::detail
