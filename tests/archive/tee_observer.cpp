#include <strata/archive/tar_writer.hpp>
#include <strata/archive/tee_observer.hpp>
#include <strata/sys/stream.hpp>

#include <catch2/catch.hpp>

#include <string>
#include <string_view>
#include <vector>

using namespace strata;
using namespace strata::archive;

namespace {

/// Writes down what it is told, with its own name before each line.
class Scribe final : public TarObserver {
 public:
  Scribe(std::string name, std::vector<std::string>& lines) : name_(std::move(name)), lines_(lines) {}
  void raw(Bytes bytes) override { put("raw " + std::to_string(bytes.size())); }
  void entry(TarHeader const& header) override { put("entry " + header.name); }
  void payload(Bytes bytes) override { put("payload " + std::string(as_text(bytes))); }
  void global_header(std::string_view name) override { put("global " + std::string(name)); }
  void end_marker() override { put("end"); }

 private:
  void put(std::string const& text) { lines_.push_back(name_ + ' ' + text); }
  std::string name_;
  std::vector<std::string>& lines_;
};

}  // namespace

TEST_CASE("both observers are told all, the first one first", "[archive][tee_observer]") {
  std::vector<std::string> lines;
  Scribe one("1", lines), two("2", lines);
  TeeObserver tee(one, two);
  tee.entry({.name = "a"});
  tee.payload(as_bytes("text"));
  tee.raw(as_bytes("12345"));
  tee.global_header("pax");
  tee.end_marker();
  CHECK(lines == std::vector<std::string>{"1 entry a", "2 entry a", "1 payload text", "2 payload text",
                                          "1 raw 5", "2 raw 5", "1 global pax", "2 global pax", "1 end",
                                          "2 end"});
}

TEST_CASE("both see of an archive what one alone sees", "[archive][tee_observer]") {
  std::string tar;
  Sink sink = string_sink(tar);
  TarWriter writer(sink);
  Source body = memory_source("contents");
  writer.add({.name = "file", .mode = 0644, .size = 8}, &body);
  writer.finish();
  auto const seen = [&](TarObserver* observer) {
    Source in = memory_source(tar);
    TarReader reader(in, {}, observer);
    TarHeader header;
    while (reader.next(header))
      while (!reader.next().empty()) {
      }
  };
  std::vector<std::string> alone, together;
  Scribe single("1", alone);
  seen(&single);
  Scribe one("1", together), two("2", together);
  TeeObserver tee(one, two);
  seen(&tee);
  REQUIRE_FALSE(alone.empty());
  CHECK(together.size() == 2 * alone.size());
  std::erase_if(together, [](std::string const& line) { return line.starts_with('2'); });
  CHECK(together == alone);
}
