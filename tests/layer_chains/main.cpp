// Imports random chains of layers. If an import returns, then the exported bytes are the imported ones, a check is clean, a
// repair changes nothing, the mounted tree can be walked, and every driver shows the same tree. All but the last must
// also hold of a layer that the last two archives of a chain are applied to, one after the other.
// usage: layer_chains --scratch DIRECTORY [--btrfs DIRECTORY] [--seed N] [--chains N] [--seconds N] [TAR...]
// With archives, these are the layers of the one chain that is tried. Without, the known cases, and then seeds N, N+1, … until so many chains or seconds
// are done. Prints "ok …" or "not ok …", and after each failure the seed and a shrunk chain; then one line of counts.

#include <strata/archive/tar_reader.hpp>
#include <strata/codec/all.hpp>
#include <strata/drivers/btrfs.hpp>
#include <strata/drivers/memory.hpp>
#include <strata/drivers/overlay.hpp>
#include <strata/drivers/vfs.hpp>
#include <strata/fs.hpp>
#include <strata/maintenance/repair.hpp>
#include <strata/serializers/journal.hpp>
#include <strata/serializers/json.hpp>
#include <strata/store/store.hpp>

#include "cases.hpp"
#include "chain.hpp"
#include "expected.hpp"
#include "walk.hpp"
#include <chrono>
#include <exception>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <sched.h>
#include <stdexcept>
#include <string>
#include <string_view>
#include <sys/mount.h>
#include <utility>
#include <vector>

namespace layer_chains {

struct Broken : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// What a driver made of a chain: layer by layer until one was refused.
struct Outcome {
  std::vector<std::optional<MemoryTree>> trees = {};  ///< none: the driver shows none
  std::vector<std::map<std::string, std::string>> files = {};
  std::optional<std::string> refused = {};
  bool applied_twice = false;
};

class Driver {
 public:
  Driver() = default;
  Driver(Driver const&) = delete;
  Driver& operator=(Driver const&) = delete;
  virtual ~Driver() = default;
  virtual std::string name() const = 0;
  virtual Outcome run(std::vector<std::string> const& tars) = 0;
};

template <class Store>
class DriverOf final : public Driver {
 public:
  explicit DriverOf(strata::fs::path const& place)
      : store_({.graph_root = place / "graph", .run_root = place / "run"}) {}
  ~DriverOf() override {
    try {
      store_.shutdown({.force = true});
    } catch (...) {  // nothing is asked of it any more
    }
  }

  std::string name() const override { return store_.driver_name(); }

  Outcome run(std::vector<std::string> const& tars) override {
    struct Wipe {
      Store& store;
      ~Wipe() {
        try {
          store.wipe();
        } catch (std::exception const& error) {
          std::cerr << "wipe: " << error.what() << '\n';
        }
      }
    } const wiped{store_};
    Outcome outcome;
    std::vector<typename Store::Layer> layers;
    for (auto const& tar : tars) {
      try {
        layers.push_back(store_.layers().import(
            strata::memory_source(tar),
            {.parent = layers.empty() ? strata::Ref("") : strata::Ref(layers.back().id())}));
      } catch (strata::Error const& error) {
        outcome.refused = error.what();
        break;
      }
    }
    for (std::size_t i = 0; i < layers.size(); ++i) {
      auto const which = name() + ", layer " + std::to_string(i + 1) + ": ";
      check_export(layers[i], which, tars[i]);
      show(layers[i], which, outcome);
    }
    check_repair(name() + ": ");
    if (tars.size() > 1 && layers.size() + 2 >= tars.size())
      outcome.applied_twice =
          apply_twice(tars, tars.size() == 2 ? strata::Ref("") : strata::Ref(layers[tars.size() - 3].id()));
    return outcome;
  }

 private:
  /// Returns whether both were taken.
  bool apply_twice(std::vector<std::string> const& tars, strata::Ref const& parent) {
    if constexpr (strata::MountDriver<typename Store::Core::Driver>) {
      auto const which = name() + ", the last two in one layer: ";
      auto layer = store_.layers().create({.parent = parent});
      std::string const* applied = nullptr;
      int taken = 0;
      for (auto i = tars.size() - 2; i < tars.size(); ++i) {
        try {
          layer.apply(strata::memory_source(tars[i]));
        } catch (strata::Error const&) {  // then it is as it was
          continue;
        }
        applied = &tars[i];
        ++taken;
      }
      if (applied != nullptr) check_export(layer, which, *applied);
      Outcome walked;
      show(layer, which, walked);
      check_repair(which);
      return taken == 2;
    }
    return false;
  }

  static void check_export(typename Store::Layer const& layer, std::string const& which,
                           std::string const& tar) {
    std::string bytes;
    try {
      layer.diff(strata::string_sink(bytes));
    } catch (strata::Error const& error) {
      throw Broken(which + "cannot be exported: " + error.what());
    }
    if (bytes != tar) throw Broken(which + "is exported as other bytes");
  }

  void check_repair(std::string const& which) {
    auto const report = strata::repair(store_);
    if (!report.before.clean()) throw Broken(which + "check: " + report.before.problems.front().text);
    if (!report.actions.empty()) throw Broken(which + "repair: " + report.actions.front());
  }

  static void show(typename Store::Layer const& layer, std::string const& which, Outcome& outcome) {
    if constexpr (strata::MountDriver<typename Store::Core::Driver>) {
      auto const mount = layer.mount({.read_only = true});
      try {
        outcome.files.push_back(files_of(mount.path()));
        outcome.trees.push_back(
            strata::archive::load_tree(mount.path(), strata::archive::TreeForm::whole,
                                       [](auto uid, auto gid) { return std::pair(uid, gid); }));
      } catch (strata::Error const& error) {
        throw Broken(which + "cannot be walked: " + error.what());
      }
    } else {
      outcome.files.emplace_back();
      outcome.trees.emplace_back();
    }
  }

  Store store_;
};

struct Counts {
  std::size_t chains = 0, layers = 0, refused = 0, apart = 0, twice = 0, failed = 0;
};

class ChainTest {
 public:
  ChainTest(strata::fs::path const& scratch, strata::fs::path const& btrfs) {
    using strata::Store;
    using Json = strata::serializers::Json;
    using None = strata::durability::None;
    drivers_.push_back(
        std::make_unique<DriverOf<Store<strata::drivers::Overlay, Json, None>>>(scratch / "overlay"));
    drivers_.push_back(std::make_unique<DriverOf<Store<strata::drivers::Vfs, Json, None>>>(scratch / "vfs"));
    drivers_.push_back(
        std::make_unique<DriverOf<Store<strata::drivers::Memory, strata::serializers::Journal, None>>>(
            scratch / "memory"));
    if (!btrfs.empty())
      drivers_.push_back(
          std::make_unique<DriverOf<Store<strata::drivers::Btrfs, Json, None>>>(btrfs / "btrfs"));
  }

  /// What is wrong with a chain, if anything.
  std::optional<std::string> fault_of(Chain const& chain, Counts* counts = nullptr) {
    std::vector<std::string> tars;
    try {
      for (auto const& layer : chain) tars.push_back(tar_of(layer));
    } catch (strata::Error const&) {
      return std::nullopt;  // no archive
    }
    return fault_of(chain, tars, counts);
  }
  std::optional<std::string> fault_of(Chain const& chain, std::vector<std::string> const& tars,
                                      Counts* counts) {
    try {
      auto const expected = Expected::of(chain);
      std::vector<Outcome> outcomes;
      for (auto const& driver : drivers_) outcomes.push_back(driver->run(tars));
      compare(chain, expected, outcomes);
      refused_ = outcomes[0].refused.has_value();
      if (counts != nullptr) {
        ++counts->chains;
        counts->layers += chain.size();
        counts->refused += outcomes[0].refused ? 1 : 0;
        counts->twice += outcomes[1].applied_twice ? 1 : 0;
        counts->apart += expected.back().same_places ? 0 : 1;
      }
    } catch (Broken const& broken) {
      return broken.what();
    } catch (std::exception const& error) {
      return std::string("unexpected: ") + error.what();
    }
    return std::nullopt;
  }

  /// Was the last chain, by overlay?
  bool refused() const noexcept { return refused_; }

 private:
  void compare(Chain const& chain, std::vector<Expected::After> const& expected,
               std::vector<Outcome> const& outcomes) const {
    for (std::size_t i = 0; i < chain.size() && i < expected.size(); ++i) {
      auto const& after = expected[i];
      auto const layer = ", layer " + std::to_string(i + 1) + ": ";
      auto const has = [&](Outcome const& outcome) { return outcome.trees.size() > i; };
      for (std::size_t d = 1; d < outcomes.size(); ++d) {
        auto const& name = drivers_[d]->name();
        if (has(outcomes[d]) != has(outcomes[1]))
          throw Broken(name + layer + "refused is not refused on vfs: " + outcomes[d].refused.value_or("") +
                       outcomes[1].refused.value_or(""));
        if (!has(outcomes[d]) || !outcomes[d].trees[i]) continue;
        if (auto const text = differences(after.whole, *outcomes[d].trees[i], {}); !text.empty())
          throw Broken(name + layer + text.front().text + " is not as in memory");
        if (outcomes[d].files[i] != outcomes[1].files[i])
          throw Broken(name + layer + "has other contents than vfs");
      }
      if (!after.same_places) return;
      if (has(outcomes[0]) != has(outcomes[1]))
        throw Broken("overlay" + layer + "refused is not refused on vfs: " +
                     outcomes[0].refused.value_or("") + outcomes[1].refused.value_or(""));
      if (!has(outcomes[0])) return;
      for (auto const& [what, tree] :
           {std::pair("overlay", &*outcomes[0].trees[i]), std::pair("vfs", &*outcomes[1].trees[i])})
        if (auto const text = differences(after.changes, *tree, {}); !text.empty())
          throw Broken(what + layer + text.front().text + " is not as expected of overlay");
      if (outcomes[0].files[i] != outcomes[1].files[i])
        throw Broken("overlay" + layer + "has other contents than vfs");
    }
  }

  std::vector<std::unique_ptr<Driver>> drivers_ = {};
  bool refused_ = false;
};

/// The smallest chain that is found to be broken as well.
inline Chain shrunk(ChainTest& test, Chain chain) {
  auto const broken = [&](Chain const& smaller) {
    return !smaller.empty() && test.fault_of(smaller).has_value();
  };
  for (bool again = true; again;) {
    again = false;
    for (std::size_t i = 0; i < chain.size(); ++i) {
      auto smaller = chain;
      smaller.erase(smaller.begin() + static_cast<std::ptrdiff_t>(i));
      if (broken(smaller)) {
        chain = std::move(smaller);
        again = true;
        --i;
      }
    }
    for (std::size_t i = 0; i < chain.size(); ++i)
      for (std::size_t j = 0; j < chain[i].size(); ++j) {
        auto smaller = chain;
        smaller[i].erase(smaller[i].begin() + static_cast<std::ptrdiff_t>(j));
        if (broken(smaller)) {
          chain = std::move(smaller);
          again = true;
          --j;
        }
      }
  }
  return chain;
}

inline bool report(ChainTest& test, std::string const& title, Chain const& chain, Counts& counts) {
  auto const fault = test.fault_of(chain, &counts);
  if (!fault) return true;
  ++counts.failed;
  std::cout << "not ok " << title << ": " << *fault << '\n';
  auto const small = shrunk(test, chain);
  std::cout << "  shrunk: " << test.fault_of(small).value_or("(passes when run again)") << '\n'
            << text_of(small) << std::flush;
  return false;
}

/// The entries of archives that are given.
inline Layer read_layer(std::string const& tar) {
  Layer layer;
  auto source = strata::memory_source(tar);
  strata::archive::TarReader reader(source);
  for (TarHeader header; reader.next(header);) {
    std::string bytes;
    for (auto part = reader.next(); !part.empty(); part = reader.next()) bytes += strata::as_text(part);
    layer.push_back({header, bytes});
  }
  return layer;
}

inline int run(std::map<std::string, std::string> const& options, std::vector<std::string> const& archives) {
  auto const get = [&](char const* key, char const* otherwise) {
    auto const found = options.find(key);
    return found == options.end() ? std::string(otherwise) : found->second;
  };
  // What is mounted here goes with the process.
  if (::unshare(CLONE_NEWNS) != 0 || ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
    throw std::runtime_error("mount namespace");
  ChainTest test(get("scratch", "."), get("btrfs", ""));
  Counts counts;
  if (!archives.empty()) {
    std::vector<std::string> tars;
    Chain chain;
    for (auto const& path : archives) {
      tars.push_back(strata::sys::read_file(path));
      chain.push_back(read_layer(tars.back()));
    }
    auto const fault = test.fault_of(chain, tars, &counts);
    std::cout << (fault ? "not ok " : "ok ") << get("title", archives.front().c_str())
              << (fault ? ": " + *fault : "") << '\n';
    return fault ? 1 : 0;
  }
  for (auto const& known : cases()) {
    auto const fault = test.fault_of(known.chain);
    bool const wrongly = !fault && test.refused() != known.refused;
    counts.failed += fault || wrongly ? 1 : 0;
    std::cout << (fault || wrongly ? "not ok " : "ok ") << known.name
              << (wrongly ? known.refused ? ": is not refused" : ": is refused"
                  : fault ? ": " + *fault
                          : "")
              << '\n';
  }
  using Clock = std::chrono::steady_clock;
  auto const first = std::stoull(get("seed", "1"));
  auto const most = std::stoull(get("chains", "1000000000"));
  auto const end = Clock::now() + std::chrono::seconds(std::stoll(get("seconds", "1000000")));
  auto seed = first;
  for (; seed < first + most && Clock::now() < end; ++seed)
    report(test, "seed " + std::to_string(seed), Generator(seed).chain(), counts);
  std::cout << (counts.failed == 0 ? "ok " : "not ok ") << "seeds " << first << " to " << seed - 1 << ": "
            << counts.chains << " chains, " << counts.layers << " layers, " << counts.refused
            << " chains refused, " << counts.apart << " in which drivers differ as the reference's, "
            << counts.twice << " with two archives in one layer, " << counts.failed << " failures\n";
  return counts.failed == 0 ? 0 : 1;
}

}  // namespace layer_chains

int main(int argc, char** argv) {
  std::map<std::string, std::string> options;
  std::vector<std::string> archives;
  for (int i = 1; i < argc; ++i) {
    std::string_view const word = argv[i];
    if (word.starts_with("--") && i + 1 < argc)
      options.emplace(word.substr(2), argv[++i]);
    else
      archives.emplace_back(word);
  }
  try {
    return layer_chains::run(options, archives);
  } catch (std::exception const& error) {
    std::cout << "not ok layer_chains: " << error.what() << '\n';
    return 2;
  }
}
