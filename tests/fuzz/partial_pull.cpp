// Invariant: a zstd:chunked stream whose table of contents, tar-split, contents and positions are a stranger's, and
// whose range source may lie, is refused with an error and leaves nothing, or makes a layer that is exported with the
// digest recorded of it; a stream that our writer made of an archive makes a layer that is exported as that archive. Either
// way the store is sound afterwards.

#include <strata/chunked/chunked_layer.hpp>
#include <strata/chunked/partial_pull.hpp>
#include <strata/codec/all.hpp>
#include <strata/drivers/vfs.hpp>
#include <strata/maintenance/check.hpp>
#include <strata/serializers/json.hpp>
#include <strata/store/store.hpp>

#include "../chunked/chunked_tools.hpp"
#include "fuzz.hpp"
#include "sandbox.hpp"
#include <optional>

using namespace strata;
using chunked_tools::Stream;

namespace {

using Vfs = Store<drivers::Vfs, serializers::Json, durability::None>;

Vfs& store() {
  static Vfs made(Vfs::Options{.graph_root = fuzz::sandbox() / "graph", .run_root = fuzz::sandbox() / "run"});
  return made;
}

/// Tells the truth, or gives a byte less, one more, another one, the wrong range, or nothing.
class Lying {
 public:
  Lying(std::string bytes, unsigned lie) : bytes_(std::move(bytes)), lie_(lie) {}
  std::uint64_t size() const { return bytes_.size(); }
  void read(std::span<ByteRange const> ranges, RangeBytes const& to) {
    for (std::size_t i = 0; i < ranges.size(); ++i) {
      auto const [offset, size] = ranges[i];
      fuzz::require(size != 0 && offset <= bytes_.size() && size <= bytes_.size() - offset,
                    "a range of the stream");
      auto part = bytes_.substr(offset, size);
      if (lie_ == 1) part.pop_back();
      if (lie_ == 2) part += 'x';
      if (lie_ == 3) part.back() = static_cast<char>(part.back() ^ 1);
      if (lie_ == 5) continue;
      to(lie_ == 4 ? i + 1 : i, as_bytes(part));
    }
  }

 private:
  std::string bytes_;
  unsigned lie_;
};

void replace_all(std::string& text, std::string_view word, std::string const& by) {
  for (auto at = text.find(word); at != std::string::npos; at = text.find(word, at + by.size()))
    text.replace(at, word.size(), by);
}

/// A table of contents in which `DATA`, `SIZE` and `END` stand for what the rest of the input is, once compressed.
Stream hostile(fuzz::Input& input) {
  std::string toc(input.part('\0')), split(input.part('\0')), data(input.text());
  auto const packed = chunked_tools::zstd(data);
  replace_all(toc, "DATA", chunked_tools::digest(data));
  replace_all(toc, "SIZE", std::to_string(data.size()));
  replace_all(toc, "END", std::to_string(packed.size()));
  return chunked_tools::crafted(packed, toc, split);
}

std::string exported(Vfs& from) {
  std::string out;
  from.layers().get("pulled").diff(string_sink(out));
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  auto& layers = store();
  fuzz::Input input(data, size);
  bool const ours = input.flag();
  auto const lie = input.choice(12);
  auto const how = input.choice(8);
  PullOptions options;
  options.use_hard_links = (how & 1) != 0;
  options.without_tar_split = (how & 2) != 0;
  options.merge_gap = (how & 4) != 0 ? 0 : 1024;
  options.table_bytes = 1 << 20;
  options.limits.plain_bytes = 1 << 20;
  Stream stream;
  bool const made = fuzz::succeeds(
      [&] { stream = ours ? chunked_tools::stream_of(std::string(input.text())) : hostile(input); });
  if (!made) return 0;
  options.annotations = stream.annotations;
  bool const pulled = fuzz::succeeds([&] {
    auto staged = layers.layers().stage({});
    pull_chunked(staged, Lying(stream.bytes, lie), options);
    staged.commit({.id = "pulled"});
  });
  fuzz::require(pulled == layers.layers().find("pulled").has_value(), "a layer, or an error");
  if (pulled) {
    auto const record = layers.layers().get("pulled").record();
    auto const tar = exported(layers);
    if (!record.diff_digest.empty())
      fuzz::require(chunked_tools::digest(tar) == record.diff_digest, "the digest is that of the archive");
    if (ours) fuzz::require(tar == input.text(), "the archive comes back");
    fuzz::require(check(layers).clean(), "the store is sound");
    layers.layers().remove("pulled");
  }
  return 0;
}
