// Invariant: of every archive that is read to its end without an error, the recorded one and the files' contents give the
// same bytes back; alone it gives the same headers; and one whose files have other contents is refused.

#include <strata/archive/tar_split.hpp>
#include <strata/archive/zero_filled_tar.hpp>

#include "fuzz.hpp"
#include <map>
#include <set>
#include <string>
#include <vector>

using namespace strata;
using archive::TarHeader;

namespace {

std::vector<TarHeader> headers(archive::ZeroFilledTar& hollow) {
  archive::TarReader reader(hollow, {}, &hollow);
  std::vector<TarHeader> out;
  for (TarHeader header; reader.next(header);) out.push_back(header);
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  fuzz::Input input(data, size);
  auto const chunk = fuzz::chunk_size(input.choice(8));
  auto const tar = input.text();
  std::map<std::string, std::string> files;
  std::vector<TarHeader> read;
  std::set<std::string> sparse;
  fuzz::Text split;
  auto const error = fuzz::outcome({Errc::corrupt_archive, Errc::over_budget, Errc::unsupported}, [&] {
    archive::TarSplitWriter writer(split);
    fuzz::Chunks in(tar, chunk);
    archive::TarReader reader(in, {.sparse_bytes = 1U << 20U}, &writer);
    for (TarHeader header; reader.next(header);) {
      read.push_back(header);
      if (header.sparse) sparse.insert(header.name);  // its bytes stand in the tar-split
      auto& contents = files[header.name];
      for (auto part = reader.next(); !part.empty(); part = reader.next()) contents += as_text(part);
    }
    writer.finish();
  });
  if (error) return 0;

  fuzz::Text rebuilt;
  fuzz::Chunks lines(split.text, chunk);
  archive::assemble(
      lines, [&](std::string const& name, Writer& out) { out.write(as_bytes(files.at(name))); }, rebuilt);
  fuzz::require(rebuilt.text == tar, "the archive comes back");

  fuzz::Chunks again(split.text, chunk);
  archive::ZeroFilledTar hollow(again);
  fuzz::require(headers(hollow) == read, "the tar-split has the headers");

  for (auto& [name, contents] : files) {
    if (contents.empty() || sparse.contains(name)) continue;
    contents.back() = static_cast<char>(contents.back() ^ 1);
    fuzz::Text other;
    fuzz::Chunks once_more(split.text, chunk);
    auto const changed = fuzz::outcome({Errc::file_changed}, [&] {
      archive::assemble(
          once_more, [&](std::string const& file, Writer& out) { out.write(as_bytes(files.at(file))); },
          other);
    });
    fuzz::require(changed == Errc::file_changed, "a changed file is noticed");
    break;
  }
  return 0;
}
