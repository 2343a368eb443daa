#pragma once

#include "disk.hpp"
#include "log.hpp"
#include "subject.hpp"
#include "verify.hpp"
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <string>
#include <utility>

namespace crash {

/// What was done, for the line at the end.
struct Counts {
  std::map<std::string, std::size_t> cuts = {};   ///< by file system and driver
  std::map<std::string, std::size_t> kills = {};  ///< likewise
  std::size_t operations = 0;
  std::size_t sweeps = 0;  ///< operations of which every changing system call was killed at
  std::size_t failures = 0;
};

/// What all rounds share.
struct Session {
  std::filesystem::path scratch;
  std::filesystem::path keep;  ///< where what failed is kept
  std::uint64_t seed = 0;
  DiskHome const& home;
  Counts counts = {};

  static std::string key(Setting const& setting) { return setting.file_system + '/' + setting.driver; }

  /// Tells of a failure with all that is needed to look at it again.
  /// @param disk  as it was at the crash, if it was copied
  void fail(Setting const& setting, std::string const& what, std::string const& problem,
            std::string const& story, std::filesystem::path const& disk = {}) {
    ++counts.failures;
    std::cout << "not ok " << setting.title() << ", seed " << seed << ", " << what << '\n'
              << problem << "  begun last:\n"
              << story;
    if (!disk.empty() && counts.failures <= 10) {
      std::filesystem::create_directories(keep);
      auto const name =
          keep / ("seed-" + std::to_string(seed) + "-failure-" + std::to_string(counts.failures));
      run_program("cp --sparse=always " + disk.native() + ' ' + name.native() + ".img");
      std::ofstream(name.native() + ".txt") << setting.title() << '\n' << what << '\n' << problem << story;
      std::cout << "    the disk is kept: " << name.native() << ".img\n";
    }
    std::cout << std::flush;
  }
};

/// Mounts a copy of a disk and looks at the store in it as after the next start of the machine: the run root is empty.
inline std::string verify_disk(Session& session, Setting const& setting, std::filesystem::path const& disk,
                               std::vector<Expectation> expected, bool thorough) {
  auto const copy = session.home.path() / "verified.img";
  share_copy(disk, copy);
  Place const place{.disk = session.scratch / "copy", .run = session.scratch / "copy-run"};
  std::filesystem::remove_all(place.run);
  std::string problem;
  try {
    MountedDisk const mounted(copy, setting.file_system, place.disk);
    Verification verification(setting, place, std::move(expected), After::power_cut);
    problem = verification.run(thorough);
  } catch (std::exception const& error) {
    problem += error.what() + std::string("\n");
  }
  return problem;
}

}  // namespace crash
