#pragma once

#include <strata/concepts/driver.hpp>
#include <strata/concepts/with_ability.hpp>
#include <strata/fs.hpp>
#include <strata/testing/ability_checks.hpp>
#include <strata/testing/change_checks.hpp>
#include <strata/testing/file_checks.hpp>
#include <strata/testing/layer_probe.hpp>
#include <strata/testing/life_checks.hpp>
#include <strata/testing/mount_checks.hpp>
#include <strata/testing/read_checks.hpp>
#include <strata/testing/temp_dir.hpp>

#include <functional>

namespace strata::testing {

/// Checks the semantics of the driver concepts with Catch2; call it in a test case.
///
/// @param make  makes a driver in an empty directory of its own
/// @param in    parent of that directory
/// @code
/// TEST_CASE("MyDriver keeps the driver contract") { strata::testing::driver_suite<MyDriver>(); }
/// @endcode
template <LayerDriver D>
void driver_suite(std::function<D(DriverPlace const&)> const& make,
                  fs::path const& in = fs::temp_directory_path()) {
  TempDir const directory(in);
  DriverPlace const place{.graph_root = directory / "graph", .run_root = directory / "run"};
  fs::create_directories(place.graph_root);
  fs::create_directories(place.run_root);
  D driver = make(place);
  with_ability(driver, [](ShutdownDriver auto& able) {
    able.shutdown();
    able.resume();  // must have the same effect as if never shut down
  });
  detail::check_life(driver, directory.path());
  detail::check_files(driver, directory.path());
  detail::check_abilities(driver);
  detail::check_reading(driver);
  if constexpr (CanTellChanges<D>) detail::check_changes(driver);
  if constexpr (MountDriver<D>) detail::check_mounts(driver);
  with_ability(driver, [](ShutdownDriver auto& able) { able.shutdown(); });
}

/// As above, with the driver's default options.
template <OpenableDriver D>
void driver_suite(fs::path const& in = fs::temp_directory_path()) {
  driver_suite<D>([](DriverPlace const& place) { return D(place, typename D::Options()); }, in);
}

}  // namespace strata::testing
