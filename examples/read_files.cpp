// Read files of an image without mounting it: list what is in it, and read one file through a link.
#include <strata/codec/all.hpp>
#include <strata/drivers/memory.hpp>
#include <strata/serializers/journal.hpp>
#include <strata/store/store.hpp>

#include <iostream>

std::string archive_with_a_link() {
  using strata::archive::EntryType;
  std::string tar;
  strata::Sink out = strata::string_sink(tar);
  strata::archive::TarWriter writer(out);
  std::string const text = "NAME=example\n";
  strata::Source body = strata::memory_source(text);
  writer.add({.name = "usr/lib/os-release", .mode = 0644, .size = static_cast<std::int64_t>(text.size())},
             &body);
  writer.add({.name = "etc/os-release",
              .link_name = "../../../usr/lib/os-release",
              .type = EntryType::symlink,
              .mode = 0777});
  writer.finish();
  return tar;
}

int main() {
  strata::Store<strata::drivers::Memory, strata::serializers::Journal> store(
      {.graph_root = "read-files/graph", .run_root = "read-files/run"});
  auto layer = store.layers().import(strata::memory_source(archive_with_a_link()));
  auto image = store.images().create({.top_layer = layer});
  for (auto const& entry : image.entries()) {
    std::cout << entry.path;
    if (!entry.target.empty()) std::cout << " -> " << entry.target;
    std::cout << '\n';
  }
  auto file = image.open("/etc/os-release");  // ".." ends at the image's root
  for (auto part = file.next(); !part.empty(); part = file.next()) std::cout << strata::as_text(part);
}
