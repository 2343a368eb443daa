#include <strata/drivers/naive_diff.hpp>
#include <strata/testing/driver_suite.hpp>

#include "driver_archetype.hpp"
#include <string>

namespace {

using strata::archetype::Differ;
using strata::archetype::Driver;
using strata::archetype::Mounter;

struct NoStage : Driver {
  int stage = 0;
};
struct WrongTrash : Driver {
  void remove(strata::LayerId const&);
};
struct CopiedStaged : Driver {
  struct Staged : Driver::Staged {
    Staged(Staged&&) = delete;
  };
  Staged stage(strata::StageRequest const&);
};
static_assert(!strata::LayerDriver<NoStage>);
static_assert(!strata::LayerDriver<WrongTrash>);
static_assert(!strata::LayerDriver<CopiedStaged>);
static_assert(!strata::LayerDriver<std::string>);

}  // namespace

// Compiled, not linked: no template needs more than its concept says.
template void strata::testing::driver_suite<Driver>(std::filesystem::path const&);
template void strata::testing::driver_suite<Differ>(std::filesystem::path const&);
template void strata::testing::driver_suite<Mounter>(std::filesystem::path const&);
template std::vector<strata::Change> strata::drivers::naive::changes<Mounter>(Mounter&,
                                                                              strata::DiffRequest const&);
