#pragma once

#include <strata/concepts/driver.hpp>
#include <strata/durability.hpp>
#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/sys/file.hpp>
#include <strata/testing/layer_probe.hpp>

#include <catch2/catch.hpp>

namespace strata::testing::detail {

/// Checks mounts.
template <MountDriver D>
void check_mounts(D& driver) {
  LayerId const base("base");
  LayerId const top("top");
  SECTION("a mounted layer is a directory with all its files; what is written there is the layer's") {
    create_layer(driver, base, {}, {file("a", "lower"), file("gone", "lower")});
    create_layer(driver, top, base, {file("b", "upper"), whiteout("gone")});
    bool const always = driver.is_mounted(top);  // its directory exists anyway
    CHECK(code_of([&] { driver.mount(LayerId("none"), {}); }) == Errc::layer_unknown);
    auto const path = driver.mount(top, {});
    CHECK(driver.is_mounted(top));
    CHECK(path == driver.mount_path(top));
    CHECK(sys::read_file(path / "a") == "lower");
    CHECK(sys::read_file(path / "b") == "upper");
    CHECK_FALSE(fs::exists(path / "gone"));
    sys::replace_file(path / "c", "written", {.flush = Flush::none});
    if (!always) CHECK_THROWS_AS(driver.mount(top, {}), Error);
    driver.unmount(top, Flush::full);
    CHECK(driver.is_mounted(top) == always);
    for (auto const flush : {Flush::none, Flush::full}) CHECK_NOTHROW(driver.unmount(top, flush));
    driver.mount(top, {.read_only = true});
    driver.unmount(top, Flush::none);
    CHECK(driver.is_mounted(top) == always);
    CHECK(read_layer_file(driver, top, "c") == "written");
    CHECK(describe(changes_of(driver, top, base)) == "+/b +/c -/gone ");
    CHECK_FALSE(has_layer_file(driver, base, "c"));
  }
}

}  // namespace strata::testing::detail
