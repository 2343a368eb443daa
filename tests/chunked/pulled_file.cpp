#include <strata/chunked/pulled_file.hpp>
#include <strata/fs.hpp>
#include <strata/sys/file.hpp>
#include <strata/testing/temp_dir.hpp>

#include <catch2/catch.hpp>

#include "chunked/chunked_tools.hpp"
#include <memory>
#include <optional>
#include <string>
#include <vector>

using namespace strata;

namespace {

struct Seen : detail::ContentObserver {
  void contents(Bytes bytes) override { all += as_text(bytes); }
  std::string all = {};
};

std::string read(Reader& body) {
  std::string out;
  for (auto part = body.next(); !part.empty(); part = body.next()) out += as_text(part);
  return out;
}

std::error_code failure(Reader& body) {
  try {
    read(body);
  } catch (Error const& error) {
    return error.code();
  }
  return {};
}

/// A file of three pieces: of a file that is there, zeros, and of a stream.
class ThreePieces {
 public:
  ThreePieces() {
    sys::replace_file(directory_ / "other", "...local...");
    stream_ = "****" + chunked_tools::zstd("from the stream");
    plan.entry.header.name = "file";
    plan.entry.digest = chunked_tools::digest(contents());
    plan.pieces = {{.piece = {.plain_size = 5}, .local = &place},
                   {.piece = {.plain_size = 200'000, .zeros = true}},
                   {.piece = {.offset = 4, .end = stream_.size(), .plain_size = 15}}};
  }
  static std::string contents() { return "local" + std::string(200'000, '\0') + "from the stream"; }
  fs::path other() const { return directory_ / "other"; }

  /// Calls `look(body)`.
  template <class Look>
  void look(Look&& look, detail::ContentObserver* observer = nullptr) {
    Ranges source = chunked_tools::Watched(stream_, std::make_shared<chunked_tools::Watched::Requests>());
    RangeFetcher fetcher(source, {{4, stream_.size() - 4}}, {});
    detail::PiecesBody body(plan, fetcher, observer);
    look(body);
  }

 private:
  testing::TempDir directory_;
  std::string stream_;

 public:
  LocalPlace place{.tree = directory_.path(), .path = "other", .offset = 3, .size = 5};
  detail::FilePlan plan = {};
};

}  // namespace

TEST_CASE("pulled_file: chunks of a file, zeros and the stream are assembled", "[store][pulled_file]") {
  ThreePieces file;
  Seen seen;
  file.look(
      [](auto& body) {
        CHECK(read(body) == ThreePieces::contents());
        CHECK(body.next().empty());
      },
      &seen);
  CHECK(seen.all == ThreePieces::contents());
}

TEST_CASE("pulled_file: chunks with wrong contents are refused", "[store][pulled_file]") {
  ThreePieces file;
  std::error_code expected;
  SECTION("another digest") {
    file.plan.entry.digest = chunked_tools::digest("else");
    expected = Errc::digest_mismatch;
  }
  SECTION("more in the stream") {
    file.plan.pieces[2].piece.plain_size = 14;
    expected = Errc::corrupt_archive;
  }
  SECTION("less in the stream") {
    file.plan.pieces[2].piece.plain_size = 16;
    expected = Errc::corrupt_archive;
  }
  SECTION("a file that has gone") {
    fs::remove(file.other());
    expected = Errc::changed_meanwhile;
  }
  SECTION("a file that has become shorter") {
    fs::resize_file(file.other(), 7);
    expected = Errc::changed_meanwhile;
  }
  file.look([&](auto& body) { CHECK(failure(body) == expected); });
}

TEST_CASE("pulled_file: a reused file is read and verified", "[store][pulled_file]") {
  testing::TempDir const directory;
  sys::replace_file(directory / "other", std::string(600'000, 'x'));
  archive::ChunkedEntry entry;
  entry.digest = chunked_tools::digest(std::string(600'000, 'x'));
  Seen seen;
  detail::WholeBody body(sys::open_at(AT_FDCWD, directory / "other", O_RDONLY), entry, &seen, true);
  CHECK(body.may_link());
  CHECK(read(body) == std::string(600'000, 'x'));
  CHECK(seen.all.size() == 600'000);

  entry.digest = chunked_tools::digest("else");
  detail::WholeBody changed(sys::open_at(AT_FDCWD, directory / "other", O_RDONLY), entry, nullptr, false);
  CHECK(failure(changed) == Errc::changed_meanwhile);
}
