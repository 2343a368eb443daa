#include <strata/concepts/bytes.hpp>
#include <strata/sys/stream.hpp>

#include <catch2/catch.hpp>

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

using namespace strata;

namespace {

/// Gives its parts one by one.
struct Parts {
  std::vector<std::string> parts;
  std::size_t at = 0;
  Bytes next() { return at == parts.size() ? Bytes{} : as_bytes(parts[at++]); }
};

/// Writes where it is told to, and says so.
struct Filling : Parts {
  int* fills;
  std::size_t fill(std::span<std::byte> into) {
    ++*fills;
    auto const part = next();
    std::ranges::copy(part, into.begin());
    return part.size();
  }
};

struct Collect {
  std::string* to;
  void write(Bytes bytes) { to->append(as_text(bytes)); }
};

std::string fill(Source& source, std::size_t size) {
  std::string out(size, '\0');
  out.resize(source.fill(std::as_writable_bytes(std::span(out.data(), out.size()))));
  return out;
}

}  // namespace

static_assert(ByteSource<Parts> && !FillingSource<Parts> && FillingSource<Filling> && ByteSink<Collect>);
static_assert(!ByteSource<Collect> && !ByteSink<Parts>);

TEST_CASE("a source says how much it will give if it knows", "[bytes]") {
  Source known = memory_source("12345");
  CHECK(known.size() == 5u);
  CHECK(fill(known, 2) == "12");
  CHECK(known.size() == 3u);
  CHECK(Source(Parts{{"a"}}).size() == std::nullopt);
  CHECK(Source().size() == std::nullopt);
}

TEST_CASE("a source gives chunks, or fills what it is given, in any order", "[bytes]") {
  Source source = Parts{{"abcdef", "gh", "i"}};
  CHECK(fill(source, 2) == "ab");
  CHECK(fill(source, 1) == "c");
  CHECK(as_text(source.next()) == "def");  // the rest of the chunk that was begun
  CHECK(fill(source, 100) == "gh");        // no more than a chunk at once
  CHECK(as_text(source.next()) == "i");
  CHECK(source.next().empty());
  CHECK(source.next().empty());
  CHECK(fill(source, 10).empty());
}

TEST_CASE("a source that can fill is asked to", "[bytes]") {
  int fills = 0;
  Filling filling;
  filling.parts = {"ab", "cd"};
  filling.fills = &fills;
  Source source = std::move(filling);
  CHECK(fill(source, 10) == "ab");
  CHECK(as_text(source.next()) == "cd");
  CHECK(fills == 1);
}

TEST_CASE("reading an empty source, or one that was moved from, is an error", "[bytes]") {
  auto const is_refused = [](auto&& call) {
    try {
      call();
    } catch (std::system_error const& error) {
      return error.code() == std::error_code(EBADF, std::system_category());
    }
    return false;
  };
  Source source = Parts{{"a"}};
  Source moved = std::move(source);
  CHECK(moved);
  CHECK(as_text(moved.next()) == "a");
  Source never;
  for (auto* empty : {&source, &never}) {
    CHECK_FALSE(*empty);
    CHECK(is_refused([&] { empty->next(); }));
    CHECK(is_refused([&] { fill(*empty, 10); }));
  }
}

TEST_CASE("a sink passes on all that it gets", "[bytes]") {
  std::string text;
  Sink sink = Collect{&text};
  sink.write(as_bytes("ab"));
  sink.write({});
  Sink moved = std::move(sink);
  moved.write(as_bytes(std::string_view("\0c", 2)));
  CHECK(text == std::string("ab\0c", 4));
}

TEST_CASE("what is written to a sink that was moved from is an error", "[concepts][bytes]") {
  std::string text;
  strata::Sink sink = strata::string_sink(text);
  strata::Sink const other = std::move(sink);
  try {
    sink.write(strata::as_bytes("lost"));
    FAIL("no error");
  } catch (std::system_error const& error) {
    CHECK(error.code() == std::error_code(EBADF, std::system_category()));
  }
}
