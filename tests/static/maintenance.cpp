#include <strata/maintenance/dedup.hpp>
#include <strata/maintenance/garbage.hpp>
#include <strata/maintenance/repair.hpp>
#include <strata/maintenance/usage.hpp>
#include <strata/serializers/journal.hpp>
#include <strata/store/store.hpp>

#include "driver_archetype.hpp"

// Compiled, not linked: looking after a store needs none of a driver's abilities, and each of them alone is enough to be used.
namespace {

using namespace strata;

template <class D>
using Of = Store<D, serializers::Journal>;

}  // namespace

template RepairReport strata::repair(Of<archetype::Driver> const&, RepairOptions const&);
template UsageReport strata::measure_usage(Of<archetype::Driver> const&, UsageOptions const&);
template DedupResult strata::dedup_layers(Of<archetype::Driver> const&, DedupOptions const&);

template RepairReport strata::repair(Of<archetype::Keeper> const&, RepairOptions const&);
template RepairReport strata::repair(Of<archetype::Holder<archetype::Descendant, archetype::Repairer>> const&,
                                     RepairOptions const&);
template GarbageReport strata::collect_garbage(Of<archetype::Owner> const&, GarbageOptions const&);
