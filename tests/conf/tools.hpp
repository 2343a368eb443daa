#pragma once

#include <strata/conf/host.hpp>
#include <strata/sys/file.hpp>
#include <strata/testing/temp_dir.hpp>

#include <map>
#include <string>
#include <string_view>

/// A machine and a user that exist in a directory.
struct FakeHost {
  strata::testing::TempDir dir;
  std::map<std::string, std::string> variables{{"HOME", (dir / "home").native()}};

  std::string write(std::string const& path, std::string_view text) const {
    auto const full = dir / path;
    strata::sys::make_directories(full.parent_path(), 0755);
    strata::sys::replace_file(full, text, {.mode = 0644});
    return full.native();
  }
  strata::conf::Host host(std::uint32_t uid = 0) const {
    return {.uid = uid,
            .rootless = uid != 0,
            .environment = [this](std::string const& name) -> std::optional<std::string> {
              auto const found = variables.find(name);
              return found == variables.end() ? std::nullopt : std::optional(found->second);
            },
            .system = dir.path()};
  }
};
