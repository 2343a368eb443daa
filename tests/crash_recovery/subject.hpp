#pragma once

#include <strata/fs.hpp>

#include "operation.hpp"
#include "picture.hpp"
#include <memory>
#include <string>
#include <vector>

namespace crash_recovery {

/// How a store is composed, and where.
struct Setting {
  std::string file_system = "ext4";
  std::string driver = "overlay";
  std::string serializer = "json";
  bool image_store = false;  ///< images apart
  bool transient = false;    ///< records of containers in the run root

  std::string title() const {
    return file_system + ' ' + driver + ' ' + serializer + (image_store ? " image-store" : "") +
           (transient ? " transient" : "");
  }
};

struct Place {
  strata::fs::path disk;  ///< the graph root is below it, and a separate image store
  strata::fs::path run;   ///< run root
};

/// A store that is open.
class Subject {
 public:
  virtual ~Subject() = default;

  /// @throws what the store does
  virtual void run(Operation const& operation) = 0;
  virtual Picture look() = 0;
  /// Errors that a check finds.
  virtual std::vector<std::string> damage() = 0;
  /// Everything that a check finds after a repair.
  virtual std::vector<std::string> repair() = 0;
  virtual void collect_garbage() = 0;
  virtual void unmount_all() = 0;
};

std::unique_ptr<Subject> open_json(Setting const& setting, Place const& place);
std::unique_ptr<Subject> open_journal(Setting const& setting, Place const& place);

inline std::unique_ptr<Subject> open(Setting const& setting, Place const& place) {
  return setting.serializer == "json" ? open_json(setting, place) : open_journal(setting, place);
}

}  // namespace crash_recovery
