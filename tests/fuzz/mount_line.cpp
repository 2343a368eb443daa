// Invariant: any text as mountinfo gives only entries with numbers that can be; a path is escaped as the kernel does it and
// comes back as it was, whatever is in it.

#include <strata/sys/mount_entry.hpp>

#include "fuzz.hpp"

using namespace strata;

namespace {

std::string escaped(std::string_view text) {
  std::string out;
  for (char const c : text) {
    if (c != ' ' && c != '\t' && c != '\n' && c != '\\') {
      out += c;
      continue;
    }
    auto const byte = static_cast<unsigned char>(c);
    out += '\\';
    for (int const shift : {6, 3, 0}) out += static_cast<char>('0' + (byte >> shift & 7));
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  fuzz::Input input(data, size);
  std::size_t count = 0;
  sys::for_each_mount(input.text(), [&](sys::MountEntry& entry) {
    ++count;
    fuzz::require(entry.id >= 0 && entry.parent >= 0, "numbers that can be");
  });
  fuzz::require(count <= input.text().size() / 14, "an entry takes a line");
  auto const path = "/" + std::string(input.part('\0')), type = std::string(input.part('\0'));
  auto const entry =
      sys::parse_mount_line("36 35 98:0 " + escaped(path) + ' ' + escaped(path) + " rw,noatime master:1 - " +
                            escaped(type) + ' ' + escaped(path) + " rw");
  fuzz::require(entry && entry->point == path && entry->root == path && entry->source == path &&
                    entry->type == type && entry->propagation == "master:1" && entry->super_options == "rw",
                "what is escaped comes back");
  return 0;
}
