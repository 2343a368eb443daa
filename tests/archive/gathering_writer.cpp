#include <strata/archive/gathering_writer.hpp>

#include <catch2/catch.hpp>

#include <cstring>
#include <string>
#include <vector>

using namespace strata;
using namespace strata::archive;

namespace {
struct Writes final : Writer {
  void write(Bytes bytes) override {
    text += as_text(bytes);
    sizes.push_back(bytes.size());
  }
  std::string text = {};
  std::vector<std::size_t> sizes = {};
};
}  // namespace

TEST_CASE("small writes are put together, large ones passed on, all in order",
          "[archive][gathering_writer]") {
  Writes out;
  std::string want;
  GatheringWriter gathered(out);
  for (int i = 0; i < 2000; ++i) {
    std::string const text(i % 500 == 3 ? GatheringWriter::capacity * 2 : 100,
                           static_cast<char>('a' + i % 26));
    gathered.write(as_bytes(text));
    want += text;
    if (i % 3 == 0) {
      std::memcpy(gathered.room(2), "xy", 2);
      gathered.advance(2);
      gathered.zeros(3);
      want += std::string("xy\0\0\0", 5);
    }
  }
  gathered.write({});
  gathered.flush();
  gathered.flush();
  CHECK(out.text == want);
  CHECK(out.sizes.size() < 20);
}
