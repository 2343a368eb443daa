#include <strata/serializers/journal.hpp>

#include "store_subject.hpp"

namespace crash_recovery {

std::unique_ptr<Subject> open_journal(Setting const& setting, Place const& place) {
  return std::make_unique<StoreSubject<strata::serializers::Journal>>(setting, place);
}

}  // namespace crash_recovery
