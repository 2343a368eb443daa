#pragma once

#include <strata/fs.hpp>

#include <boost/filesystem/fstream.hpp>

#include "disk.hpp"
#include "log.hpp"
#include "subject.hpp"
#include "verify.hpp"
#include <cstddef>
#include <cstdint>
#include <iostream>
#include <istream>
#include <map>
#include <ostream>
#include <string>
#include <utility>

namespace crash_recovery {

/// What was done, for the line at the end: "cuts ext4/overlay" and the like, "operations", "failures".
class Counts {
 public:
  std::size_t& operator[](std::string const& what) { return counts_[what]; }
  void add(Counts const& other) {
    for (auto const& [what, count] : other.counts_) counts_[what] += count;
  }
  /// A line each, as `read` takes them.
  void write(std::ostream& to) const {
    for (auto const& [what, count] : counts_) to << count << ' ' << what << '\n';
  }
  static Counts read(std::istream& from) {
    Counts counts;
    std::size_t count = 0;
    for (std::string what; from >> count && std::getline(from >> std::ws, what);) counts[what] += count;
    return counts;
  }
  /// All in one line, and the sums of those of which there are several.
  std::string line() const {
    std::map<std::string, std::size_t> sums;
    std::string out;
    for (auto const& [what, count] : counts_) {
      out += (out.empty() ? "" : ", ") + std::to_string(count) + ' ' + what;
      if (auto const on = what.find(" on "); on != what.npos) sums[what.substr(0, on)] += count;
    }
    std::string first;
    for (auto const& [what, count] : sums) first += std::to_string(count) + ' ' + what + ", ";
    return first + out;
  }

 private:
  std::map<std::string, std::size_t> counts_ = {};
};

/// What all rounds share.
struct Session {
  strata::fs::path scratch;
  strata::fs::path keep;  ///< where what failed is kept
  std::uint64_t seed = 0;
  DiskHome const& home;
  Counts counts = {};

  /// The count of "cuts" or "kills" in a setting, which is one more now.
  std::size_t count(std::string const& what, Setting const& setting) {
    return ++counts[what + " on " + setting.file_system + '/' + setting.driver];
  }

  /// Tells of a failure with all that is needed to look at it again.
  /// @param disk  as it was at the crash, if it was copied
  void fail(Setting const& setting, std::string const& what, std::string const& problem,
            std::string const& story, strata::fs::path const& disk = {}) {
    auto const number = ++counts["failures"];
    std::cout << "not ok " << setting.title() << ", seed " << seed << ", " << what << '\n'
              << problem << "  begun last:\n"
              << story;
    if (!disk.empty() && number <= 10) {
      strata::fs::create_directories(keep);
      auto const name = keep / ("seed-" + std::to_string(seed) + "-failure-" + std::to_string(number));
      run_program("cp --sparse=always " + disk.native() + ' ' + name.native() + ".img");
      strata::fs::ofstream(name.native() + ".txt") << setting.title() << '\n'
                                                   << what << '\n'
                                                   << problem << story;
      std::cout << "    the disk is kept: " << name.native() << ".img\n";
    }
    std::cout << std::flush;
  }
};

/// Mounts a copy of a disk and looks at the store in it as after the next start of the machine: the run root is empty.
inline std::string verify_disk(Session& session, Setting const& setting, strata::fs::path const& disk,
                               std::vector<Expectation> expected, bool thorough) {
  auto const copy = session.home.path() / "verified.img";
  share_copy(disk, copy);
  Place const place{.disk = session.scratch / "copy", .run = session.scratch / "copy-run"};
  strata::fs::remove_all(place.run);
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

}  // namespace crash_recovery
