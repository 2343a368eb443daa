#include <strata/progress.hpp>

#include <catch2/catch.hpp>

using namespace strata;

TEST_CASE("a control without a stop token never stops; one with a token stops when asked to", "[progress]") {
  CHECK_NOTHROW(Control{}.check());
  std::stop_source source;
  Control const control{.progress = {}, .stop = source.get_token()};
  CHECK_NOTHROW(control.check());
  source.request_stop();
  try {
    control.check();
    FAIL("went on");
  } catch (Error const& error) {
    CHECK(error.code() == Errc::stopped);
  }
}
