#include <strata/chunked/range_fetcher.hpp>
#include <strata/error.hpp>

#include <catch2/catch.hpp>

#include "chunked/chunked_tools.hpp"
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

using namespace strata;

namespace {

std::string numbers() {
  std::string bytes;
  for (int i = 0; i < 500'000; ++i) bytes += static_cast<char>('a' + i * 7 % 26);
  return bytes;
}

std::string take(RangeFetcher& fetcher, std::size_t size) {
  std::string out;
  while (out.size() < size) out += as_text(fetcher.next(size - out.size()));
  return out;
}

}  // namespace

TEST_CASE("range_fetcher: wanted bytes come in order, in few requests", "[store][range_fetcher]") {
  auto const bytes = numbers();
  auto const requests = std::make_shared<chunked_tools::Watched::Requests>();
  Ranges source = chunked_tools::Watched(bytes, requests);
  std::vector<ByteRange> const wanted{{10, 5}, {15, 5}, {30, 1}, {5000, 300'000}, {400'000, 7}};
  std::string all;
  for (auto const& range : wanted) all += bytes.substr(range.offset, range.size);
  {
    RangeFetcher fetcher(source, wanted, {.gap = 10, .in_request = 2});
    CHECK(fetcher.asked() == std::vector<ByteRange>{{10, 21}, {5000, 300'000}, {400'000, 7}});
    CHECK(take(fetcher, all.size()) == all);
    CHECK_THROWS_AS(fetcher.next(1), Error);
  }
  CHECK(*requests == chunked_tools::Watched::Requests{{{10, 21}, {5000, 300'000}}, {{400'000, 7}}});
  requests->clear();
  {
    RangeFetcher fetcher(source, wanted, {.gap = 0, .in_request = 1000});
    CHECK(take(fetcher, all.size()) == all);
  }
  CHECK(*requests == chunked_tools::Watched::Requests{{{10, 10}, {30, 1}, {5000, 300'000}, {400'000, 7}}});
  requests->clear();
  CHECK(RangeFetcher(source, {}, {}).asked().empty());
  CHECK(requests->empty());
}

TEST_CASE("range_fetcher: may be destroyed before the end", "[store][range_fetcher]") {
  auto const requests = std::make_shared<chunked_tools::Watched::Requests>();
  Ranges source = chunked_tools::Watched(std::string(20'000'000, 'x'), requests);
  RangeFetcher fetcher(source, {{0, 20'000'000}}, {});
  CHECK(take(fetcher, 10) == "xxxxxxxxxx");
}

TEST_CASE("range_fetcher: failing and forged sources", "[store][range_fetcher]") {
  struct Source {
    int kind;
    std::uint64_t size() const { return 100; }
    void read(std::span<ByteRange const> asked, RangeBytes const& to) const {
      std::string const bytes(100, 'x');
      auto const whole = [&](std::size_t i) { to(i, as_bytes(bytes).first(asked[i].size)); };
      switch (kind) {
        case 0:
          throw std::runtime_error("no network");
        case 1:  // nothing at all
          return;
        case 2:  // the second too short
          whole(0);
          return to(1, as_bytes(bytes).first(asked[1].size - 1));
        case 3:  // the first too long
          return to(0, as_bytes(bytes).first(asked[0].size + 1));
        case 4:  // the second first
          whole(1);
          return whole(0);
        case 5:  // one that nobody asked for
          whole(0);
          whole(1);
          return to(2, as_bytes(bytes).first(1));
        default:
          whole(0);
          whole(1);
      }
    }
  };
  for (int kind = 0; kind <= 6; ++kind) {
    CAPTURE(kind);
    Ranges source = Source{kind};
    RangeFetcher fetcher(source, {{0, 10}, {50, 10}}, {.gap = 0});
    std::string code = "none";
    try {
      take(fetcher, 20);
      fetcher.next(1);
    } catch (Error const& error) {
      CHECK(error.code() == Errc::corrupt_archive);
      code = "corrupt";
    } catch (std::runtime_error const& error) {
      code = error.what();
    }
    CHECK(code == (kind == 0 ? "no network" : "corrupt"));
  }
}
