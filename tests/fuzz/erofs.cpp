// Invariant: an image with any superblock is mounted or refused with an error of the kernel's, and nothing is left behind:
// no mount, no loop device, no descriptor. The kernel is the one that reads it; of its choices the library sees a code.

#include <strata/fs.hpp>
#include <strata/sys/erofs.hpp>
#include <strata/sys/mount.hpp>

#include "fuzz.hpp"
#include "sandbox.hpp"

using namespace strata;
namespace fs = boost::filesystem;

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  auto const image = fuzz::sandbox() / "image";
  sys::Fd const file = sys::open_at(AT_FDCWD, image, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  sys::write_all(file.get(), std::as_bytes(std::span(data, size)), image);
  auto const left = [] {
    std::size_t count = 0;
    for (auto const& entry : sys::mounts()) count += entry.type == "erofs" ? 1 : 0;
    return count + static_cast<std::size_t>(std::distance(fs::directory_iterator("/proc/self/fd"), {}));
  };
  auto const before = left();
  fuzz::succeeds([&] {
    auto const root = sys::mount_erofs(image);
    struct stat status {};
    fuzz::require(::fstat(root.get(), &status) != 0 || S_ISDIR(status.st_mode), "the root is a directory");
    fuzz::require(::faccessat(root.get(), ".", W_OK, AT_EACCESS) != 0, "that cannot be written");
  });
  fuzz::require(left() == before, "nothing is left behind");
  return 0;
}
