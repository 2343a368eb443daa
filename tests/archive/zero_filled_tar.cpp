#include <strata/archive/gzip_lines.hpp>
#include <strata/archive/zero_filled_tar.hpp>

#include <catch2/catch.hpp>

#include "tar_tools.hpp"
#include <string>

using namespace strata;
using namespace strata::archive;

namespace {

std::string gzip(std::string const& text) {
  tar_tools::Text out;
  GzipTextWriter writer(out);
  writer.append(text);
  writer.finish();
  return out.text;
}

std::string segment(std::string const& bytes) {
  std::string base64(base64_size(bytes.size()), '\0');
  base64_encode(as_bytes(bytes), base64.data());
  return R"({"type":2,"payload":")" + base64 + "\",\"position\":0}\n";
}

std::string file(std::uint64_t size) {
  return R"({"type":1,"name":"f","size":)" + std::to_string(size) +
         R"(,"payload":"AAAAAAAAAAE=","position":0})" + '\n';
}

/// Sizes in the headers of the archive that these lines tell of.
std::vector<std::int64_t> sizes(std::string const& lines) {
  tar_tools::Chunks in(gzip(lines));
  ZeroFilledTar hollow(in);
  TarReader reader(hollow, {}, &hollow);
  std::vector<std::int64_t> out;
  for (TarHeader header; reader.next(header);) out.push_back(header.size);
  return out;
}

}  // namespace

TEST_CASE("the archive without contents has as many bytes as its headers say", "[archive][hollow_archive]") {
  auto const header = [](std::size_t size) {
    return tar_tools::raw_header("f", '0', tar_tools::octal(size));
  };
  auto const padding = std::string(512 - 5, '\0');
  CHECK(sizes(segment(header(5)) + file(5) + segment(padding + header(0)) + segment(tar_tools::end_of_tar)) ==
        std::vector<std::int64_t>{5, 0});
  constexpr std::uint64_t exbibyte = std::uint64_t{1} << 60;      // would take years to go through
  for (auto const& lines : {segment(header(5)) + file(exbibyte),  // another size
                            segment(header(0)) + file(exbibyte), file(exbibyte),  // no contents, no header
                            segment(header(5)) + file(5) + file(5),               // twice
                            segment(header(5)) + file(5) + segment(padding + tar_tools::end_of_tar) +
                                file(512)})  // behind the end
    CHECK(tar_tools::code_of([&] { sizes(lines); }) == Errc::corrupt_tar_split);
}
