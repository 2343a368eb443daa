// Report the progress of a long import, and cancel it: nothing of the layer remains.
#include <strata/codec/all.hpp>
#include <strata/drivers/memory.hpp>
#include <strata/serializers/journal.hpp>
#include <strata/store/store.hpp>

#include <iostream>

// An endless archive, generated while it is read; any type with next() is a source.
class Endless {
 public:
  explicit Endless(std::stop_source caller) : caller_(std::move(caller)) {}

  strata::Bytes next() {
    if (++files_ == 10'000) caller_.request_stop();  // as a button or Ctrl-C would
    chunk_.clear();
    strata::Sink out = strata::string_sink(chunk_);
    strata::archive::TarWriter writer(out);
    writer.add({.name = "file-" + std::to_string(files_)});
    writer.finish();
    chunk_.resize(512);  // without the end-of-archive blocks
    return strata::as_bytes(chunk_);
  }

 private:
  std::stop_source caller_;
  int files_ = 0;
  std::string chunk_;
};

int main() {
  strata::Store<strata::drivers::Memory, strata::serializers::Journal> store(
      {.graph_root = "progress/graph", .run_root = "progress/run"});
  std::stop_source caller;
  std::uint64_t entries = 0;
  auto const follow = [&](strata::Progress const& now) {
    if (now.entries < entries) std::cout << "went backwards\n";
    entries = now.entries;
  };
  try {
    store.layers().import(Endless(caller),
                          {.names = {"endless"}, .progress = follow, .stop = caller.get_token()});
  } catch (strata::Error const& error) {
    std::cout << (error.code() == strata::Errc::stopped ? "stopped" : error.what()) << '\n';
  }
  std::cout << "layers: " << store.layers().list().size() << '\n';
}
