#include <strata/drivers/naive_diff.hpp>
#include <strata/fs.hpp>
#include <strata/testing/driver_suite.hpp>

#include "driver_archetype.hpp"
#include <optional>
#include <string>
#include <vector>

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

// "There is none" must be sayable, looking must change nothing, and who repairs must be able to say what.
struct AlwaysATree : Driver {
  strata::OwnTree own_tree(strata::LayerId const&) const;
};
struct AlwaysAncestors : Driver {
  std::vector<strata::LayerId> ancestors(strata::LayerId const&) const;
};
struct ChangingInspector : Driver {
  std::vector<strata::Problem> inspect(strata::LayerId const&,
                                       std::optional<std::vector<strata::LayerId>> const&);
};
struct BlindRepairer : Driver {
  std::vector<std::string> repair(strata::LayerId const&, std::optional<std::vector<strata::LayerId>> const&);
};
struct OwnerOfPaths : Driver {
  std::vector<strata::fs::path> ownership(std::vector<strata::LayerId> const&) const;
};
struct AlwaysAnIdentity : Driver {
  std::string contents_identity(strata::LayerId const&) const;
};
struct TreeAlone {
  std::optional<strata::OwnTree> own_tree(strata::LayerId const&) const;
};
static_assert(strata::archetype::abilities<AlwaysATree> == 0);
static_assert(strata::archetype::abilities<AlwaysAncestors> == 0);
static_assert(strata::archetype::abilities<ChangingInspector> == 0);
static_assert(strata::archetype::abilities<BlindRepairer> == 0);
static_assert(strata::archetype::abilities<OwnerOfPaths> == 0);
static_assert(strata::archetype::abilities<AlwaysAnIdentity> == 0);
static_assert(strata::archetype::abilities<TreeAlone> == 0);

// What is asked for reaches the driver that has it, itself or held, and no other.
using Held = strata::archetype::Holder<strata::archetype::Keeper, strata::archetype::Owner>;

}  // namespace

// Compiled, not linked: no template needs more than its concept says.
template bool strata::has_own_trees<Driver>(Driver const&);
template bool strata::has_own_trees<Held>(Held const&);
template std::optional<strata::OwnTree> strata::own_tree_of<Held>(Held const&, strata::LayerId const&);
template std::optional<std::vector<strata::LayerId>> strata::ancestors_of<Held>(Held const&,
                                                                                strata::LayerId const&);
template void strata::testing::driver_suite<strata::archetype::FileReader>(strata::fs::path const&);
template void strata::testing::driver_suite<strata::archetype::Keeper>(strata::fs::path const&);
template void strata::testing::driver_suite<strata::archetype::Descendant>(strata::fs::path const&);
template void strata::testing::driver_suite<strata::archetype::Repairer>(strata::fs::path const&);
template void strata::testing::driver_suite<strata::archetype::Owner>(strata::fs::path const&);
template void strata::testing::driver_suite<strata::archetype::Identifier>(strata::fs::path const&);
template void strata::testing::driver_suite<Held>(strata::fs::path const&);
template void strata::testing::driver_suite<Driver>(strata::fs::path const&);
template void strata::testing::driver_suite<Differ>(strata::fs::path const&);
template void strata::testing::driver_suite<Mounter>(strata::fs::path const&);
template std::vector<strata::Change> strata::drivers::naive::changes<Mounter>(Mounter&,
                                                                              strata::DiffRequest const&);
