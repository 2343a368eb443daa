// Invariant: an archive gives the same entries, contents and error however its bytes are cut into chunks; what the observer is
// told of is the archive, byte for byte; and what was read, written again by the writer, reads back the same (the writer
// keeps whole seconds of the modification time alone, and says so where no format holds a value).

#include <strata/archive/tar_reader.hpp>
#include <strata/archive/tar_writer.hpp>

#include "fuzz.hpp"
#include <vector>

using namespace strata;
using archive::TarHeader;

namespace {

struct Entry {
  TarHeader header = {};
  std::string contents = {};
  bool operator==(Entry const&) const = default;
};

struct Tap final : archive::TarObserver {
  void raw(Bytes bytes) override { text += as_text(bytes); }
  void entry(TarHeader const&) override { ++entries; }
  void payload(Bytes bytes) override { text += as_text(bytes); }
  std::string text = {};
  std::uint64_t entries = 0;
};

struct Archive {
  std::vector<Entry> entries = {};
  std::error_code error = {};
};

Archive read(std::string_view tar, std::size_t chunk) {
  Archive out;
  fuzz::Chunks in(tar, chunk);
  Tap observer;
  archive::TarReader reader(in, {.sparse_bytes = 1U << 20U}, &observer);
  out.error = fuzz::outcome({Errc::corrupt_archive, Errc::over_budget, Errc::unsupported}, [&] {
    for (TarHeader header; reader.next(header);) {
      out.entries.push_back({header, {}});
      for (auto part = reader.next(); !part.empty(); part = reader.next())
        out.entries.back().contents += as_text(part);
      fuzz::require(out.entries.back().contents.size() == static_cast<std::size_t>(header.size),
                    "as many bytes as the header says");
    }
  });
  fuzz::require(tar.starts_with(observer.text), "the observer is told what was read");
  fuzz::require(out.error || observer.text.size() == tar.size(), "the observer is told of all");
  fuzz::require(observer.entries == out.entries.size(), "the observer is told of each entry");
  return out;
}

/// As the writer keeps it.
Entry kept(Entry entry) {
  entry.header.mtime.nanoseconds = 0;
  entry.header.atime.reset();
  entry.header.ctime.reset();
  entry.header.sparse = false;  // written with its holes
  return entry;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  fuzz::Input input(data, size);
  auto const chunk = fuzz::chunk_size(input.choice(8));
  auto const first = read(input.text(), chunk);
  auto const second = read(input.text(), fuzz::chunk_size(0));
  fuzz::require(first.entries == second.entries && first.error == second.error,
                "the same whatever the chunks");
  fuzz::Text written;
  archive::TarWriter writer(written);
  std::vector<Entry> wanted;
  for (auto const& entry : first.entries) {
    if (entry.contents.size() != static_cast<std::size_t>(entry.header.size)) break;  // it was cut off there
    bool const added = !fuzz::outcome({Errc::unsupported}, [&] {
      fuzz::Chunks body(entry.contents, chunk);
      writer.add(entry.header, &body);
    });
    if (added) wanted.push_back(kept(entry));
  }
  writer.finish();
  auto const again = read(written.text, chunk);
  fuzz::require(!again.error, "what was written can be read");
  fuzz::require(again.entries == wanted, "what was written reads back the same");
  return 0;
}
