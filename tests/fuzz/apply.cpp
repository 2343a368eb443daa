// Invariant: whatever an archive says, unpacking it touches nothing outside the directory it is unpacked into, be it empty
// or full of links that lead out, and neither does removing the result; the tree holds no device 0:0 but whiteouts, and no
// attribute of overlayfs but the mark of opaque directories. With each kind of whiteouts.

#include <strata/archive/tar_reader.hpp>
#include <strata/fs.hpp>
#include <strata/sys/remove_tree.hpp>
#include <strata/tree/applier.hpp>

#include <boost/filesystem/fstream.hpp>

#include "fuzz.hpp"
#include "sandbox.hpp"

using namespace strata;
namespace fs = boost::filesystem;

namespace {

/// What must stay as it is; its snapshot.
std::string make_canary(fs::path const& place) {
  fs::create_directories(place / "outside/d");
  fs::ofstream(place / "outside/victim") << "untouched";
  fs::ofstream(place / "outside/d/f") << "untouched";
  fs::create_symlink("victim", place / "outside/link");
  return fuzz::snapshot(place / "outside");
}

/// A parent's files, and links by which an archive may try to get out.
void fill(fs::path const& root) {
  fs::create_directories(root / "d/e");
  fs::ofstream(root / "d/f") << "old";
  fs::ofstream(root / "d/e/g") << "old";
  fs::create_symlink("../outside", root / "out");
  fs::create_symlink("/mnt/outside", root / "abs");
  fs::create_symlink("../../outside/victim", root / "d/v");
  fs::create_symlink("..", root / "d/up");
  fs::create_symlink("self", root / "self");
}

void check_tree(fs::path const& root, archive::ApplyOptions const& options) {
  bool const may_hide = options.whiteouts == archive::Whiteouts::overlay;
  for (auto const& entry : fs::recursive_directory_iterator(root)) {
    struct stat status {};
    fuzz::require(::lstat(entry.path().c_str(), &status) == 0, "what is listed can be looked at");
    fuzz::require(may_hide || !archive::is_overlay_whiteout(status), "a device 0:0");
    sys::Fd const fd = sys::open_at(AT_FDCWD, entry.path(), O_PATH | O_NOFOLLOW);
    char names[4096];
    auto const size = ::listxattr(("/proc/self/fd/" + std::to_string(fd.get())).c_str(), names, sizeof names);
    for (std::string_view rest(names, size > 0 ? static_cast<std::size_t>(size) : 0); !rest.empty();) {
      auto const name = rest.substr(0, rest.find('\0'));
      rest.remove_prefix(name.size() + 1);
      bool const opaque = may_hide && S_ISDIR(status.st_mode) && name.ends_with(".overlay.opaque");
      fuzz::require(opaque || !archive::is_overlay_xattr(name), "an attribute of overlayfs");
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  auto const& place = fuzz::sandbox();
  static std::string const canary = make_canary(place);
  fuzz::Input input(data, size);
  archive::ApplyOptions options;
  options.whiteouts = static_cast<archive::Whiteouts>(input.choice(3));
  auto const how = input.choice(16);
  options.user_xattr = (how & 1) != 0;
  if ((how & 2) != 0) options.force_mask = 0700;
  if ((how & 4) != 0) options.maps = {{{0, 1000, 500}}, {{0, 1000, 500}}};
  fs::path const root = place / "root";
  fs::create_directory(root);
  if ((how & 8) != 0) fill(root);

  bool const whole = fuzz::succeeds([&] {
    fuzz::Chunks in(input.text(), fuzz::chunk_size(0));
    archive::TarReader reader(in);
    archive::Applier applier(sys::open_at(AT_FDCWD, root, O_PATH | O_DIRECTORY), options);
    for (archive::TarHeader header; reader.next(header);) applier.add(header, reader);
    applier.finish();
  });
  fuzz::require(fuzz::snapshot(place / "outside") == canary, "nothing outside is touched");
  fuzz::require(std::distance(fs::directory_iterator(place), {}) == 2, "nothing is made beside the tree");
  fuzz::require(fs::is_directory(fs::symlink_status(root)), "the root is a directory");
  if (whole) check_tree(root, options);
  sys::remove_tree(root);
  fuzz::require(!fs::exists(fs::symlink_status(root)), "the tree can be removed");
  fuzz::require(fuzz::snapshot(place / "outside") == canary, "removing it touches nothing outside");
  return 0;
}
