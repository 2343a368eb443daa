#pragma once

#include <strata/concepts/driver.hpp>
#include <strata/error.hpp>
#include <strata/sys/trash.hpp>

#include <memory>
#include <utility>

namespace strata::testing {

/// A driver that fails at one chosen step, to test how a store handles it; otherwise behaves as `Base`.
///
/// Steps are the calls that change something (`stage`, `add`, `finish`, `publish`, `replace`, `remove`),
/// counted from 0 over the life of the options, so that one run per step covers them all.
template <LayerDriver Base>
class FaultDriver : public Base {
 public:
  struct Options {
    typename Base::Options base = {};
    int fail_at = -1;                                       ///< the step that throws EIO; negative: none
    std::shared_ptr<int> steps = std::make_shared<int>(0);  ///< number of steps so far
  };

  class Staged : public Base::Staged {
   public:
    Staged(typename Base::Staged&& staged, FaultDriver const& driver)
        : Base::Staged(std::move(staged)), options_(driver.options_) {}
    void add(archive::TarHeader const& header, Reader& body) {
      step(options_);
      Base::Staged::add(header, body);
    }
    void finish() {
      step(options_);
      Base::Staged::finish();
    }

   private:
    Options options_;
  };

  FaultDriver(DriverPlace const& place, Options const& options)
      : Base(place, options.base), options_(options) {}

  Staged stage(StageRequest const& request) {
    step(options_);
    return Staged(Base::stage(request), *this);
  }
  void publish(LayerId const& id, Staged&& staged) {
    step(options_);
    Base::publish(id, std::move(staged));
  }
  void replace(LayerId const& id, Staged& staged) {
    step(options_);
    Base::replace(id, staged);
  }
  Trash remove(LayerId const& id) {
    step(options_);
    return Base::remove(id);
  }

 private:
  static void step(Options const& options) {
    if ((*options.steps)++ == options.fail_at)
      throw Error(std::make_error_code(std::errc::io_error), "fault");
  }

  Options options_;
};

}  // namespace strata::testing
