#include <strata/serializers/json.hpp>

#include "store_subject.hpp"

namespace crash_recovery {

std::unique_ptr<Subject> open_json(Setting const& setting, Place const& place) {
  return std::make_unique<StoreSubject<strata::serializers::Json>>(setting, place);
}

}  // namespace crash_recovery
