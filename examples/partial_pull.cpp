// Pull a layer of which the store already has most files: only missing parts are fetched.
#include <strata/chunked/make_chunked.hpp>
#include <strata/chunked/partial_pull.hpp>
#include <strata/strata.hpp>
#include <strata/sys/ranges.hpp>

#include <iostream>
#include <span>
#include <string>
#include <utility>

using Store = strata::Store<strata::drivers::Vfs, strata::serializers::Json>;

// A layer as a registry serves it: a zstd:chunked stream, and its annotations in the image manifest.
struct Blob {
  std::string bytes;
  strata::archive::Annotations annotations;
};

Blob blob(std::string const& motd) {
  std::string tar;
  strata::Sink out = strata::string_sink(tar);
  strata::archive::TarWriter writer(out);
  for (auto const& [name, text] :
       {std::pair{"usr/lib/large", std::string(1'000'000, 'x')}, std::pair{"etc/motd", motd}}) {
    strata::Source body = strata::memory_source(text);
    writer.add({.name = name, .size = static_cast<std::int64_t>(text.size())}, &body);
  }
  writer.finish();
  Blob made;
  auto const result =
      strata::archive::make_zstd_chunked(strata::memory_source(tar), strata::string_sink(made.bytes), "/tmp");
  made.annotations = strata::archive::chunked_annotations(result);
  return made;
}

// A range source is any type with size() and read(); this one is in memory, another could use HTTP requests.
class Registry {
 public:
  explicit Registry(std::string blob) : blob_(std::move(blob)) {}

  std::uint64_t size() const { return blob_.size(); }
  void read(std::span<strata::ByteRange const> ranges, strata::RangeBytes const& to) const {
    for (std::size_t i = 0; i < ranges.size(); ++i)
      to(i, strata::as_bytes(blob_).subspan(ranges[i].offset, ranges[i].size));
  }

 private:
  std::string blob_;
};

int main() {
  Store store({.graph_root = "partial_pull/graph", .run_root = "partial_pull/run"});
  for (auto const* motd : {"hello", "good-bye"}) {
    auto const remote = blob(motd);
    auto staged = store.layers().stage();
    auto const report =
        strata::pull_chunked(staged, Registry(remote.bytes), {.annotations = remote.annotations});
    staged.commit({.names = {motd}});
    std::cout << motd << ": of " << report.bytes << " bytes " << report.reused_bytes << " were there, "
              << report.requested_ranges << " range was read\n";
  }
}
