#include <strata/fs.hpp>
#include <strata/sys/file.hpp>
#include <strata/testing/temp_dir.hpp>
#include <strata/tree/applier.hpp>
#include <strata/tree/file_body.hpp>

#include <catch2/catch.hpp>

#include "../sys/loop_disk.hpp"
#include <array>
#include <cstddef>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <string>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace fs = boost::filesystem;
using namespace strata;
using namespace strata::archive;

namespace {

/// A file as a body, which tells how much of it was read.
class Body final : public FileBody {
 public:
  Body(fs::path const& path, bool may_link)
      : file_(sys::open_at(AT_FDCWD, path, O_RDONLY)), may_link_(may_link) {}
  int descriptor() const noexcept override { return file_.get(); }
  bool may_link() const noexcept override { return may_link_; }
  Bytes next() override {
    auto const n = ::read(file_.get(), buffer_.data(), buffer_.size());
    bytes_read += static_cast<std::size_t>(n);
    return Bytes(buffer_).first(static_cast<std::size_t>(n));
  }
  std::size_t bytes_read = 0;

 private:
  sys::Fd file_;
  bool may_link_;
  std::array<std::byte, 1000> buffer_ = {};
};

void unpack(fs::path const& tree, TarHeader const& header, Body& body, ApplyOptions options = {}) {
  fs::create_directories(tree);
  Applier applier(sys::open_at(AT_FDCWD, tree, O_RDONLY | O_DIRECTORY), std::move(options));
  applier.add(header, body);
  applier.finish();
}

TarHeader header_for(std::string const& name, std::uint32_t mode = 0644) {
  TarHeader header{.name = name, .mode = mode, .uid = ::geteuid(), .gid = ::getegid(), .size = 5000};
  header.mtime.seconds = 1'000'000;
  return header;
}

}  // namespace

TEST_CASE("file_body: is copied, and read to its end afterwards", "[archive][file_body]") {
  testing::TempDir dir;
  std::string const bytes(5000, 'x');
  sys::replace_file(dir / "from", bytes, {.mode = 0644});
  Body body(dir / "from", false);
  unpack(dir / "tree", header_for("d/to", 0600), body);
  CHECK(sys::read_file(dir / "tree/d/to") == bytes);
  CHECK(body.bytes_read == 5000);
  CHECK(fs::hard_link_count(dir / "tree/d/to") == 1);
  CHECK((fs::status(dir / "tree/d/to").permissions() & fs::perms::all_all) == fs::perms(0600));
}

TEST_CASE("file_body: becomes one more name where all but the times is the same", "[archive][file_body]") {
  testing::TempDir dir;
  sys::replace_file(dir / "from", std::string(5000, 'x'), {.mode = 0644});
  auto const changed = [&] { return sys::find_status(dir / "from")->st_mtim.tv_nsec; };
  auto const before = changed();
  auto const links = [&](TarHeader const& header, ApplyOptions options = {}) {
    Body body(dir / "from", true);
    unpack(dir / "tree", header, body, std::move(options));
    CHECK(body.bytes_read == 5000);
    return fs::hard_link_count(dir / "from");
  };
  CHECK(links(header_for("mode", 0600)) == 1);
  auto with_attribute = header_for("attribute");
  with_attribute.xattrs = {{"user.key", "value"}};
  CHECK(links(with_attribute) == 1);
  if (::geteuid() == 0) {
    auto owned = header_for("owner");
    owned.uid = 7;
    CHECK(links(owned) == 1);
    CHECK(links(header_for("mapped"), {.maps = {.uids = {{0, 1000, 10}}, .gids = {{0, 1000, 10}}}}) == 1);
  }
  CHECK(links(header_for("same")) == 2);
  CHECK(links(header_for("same")) == 2);  // in the place of what was there
  CHECK(changed() == before);
  // The other way round: what the file has and the header has not.
  if (::setxattr((dir / "from").c_str(), "user.key", "value", 5, 0) == 0) {
    CHECK(links(header_for("less")) == 2);
    CHECK(links(with_attribute) == 3);
  }
}

TEST_CASE("file_body: shares the blocks where the file system can", "[archive][file_body]") {
  LoopDisk const disk("mkfs.xfs -q -m reflink=1");
  if (!disk.works()) {
    WARN("skipped: no XFS can be mounted here");
    return;
  }
  sys::replace_file(disk.path() / "from", std::string(100'000, 'x'), {.mode = 0644});
  Body body(disk.path() / "from", false);
  auto header = header_for("to");
  header.size = 100'000;
  unpack(disk.path() / "tree", header, body);
  auto const file = sys::open_at(AT_FDCWD, disk.path() / "tree/to", O_RDONLY);
  alignas(fiemap) std::array<std::byte, sizeof(fiemap) + 8 * sizeof(fiemap_extent)> space{};
  auto* const found = reinterpret_cast<fiemap*>(space.data());
  found->fm_length = 100'000;
  found->fm_flags = FIEMAP_FLAG_SYNC;
  found->fm_extent_count = 8;
  REQUIRE(::ioctl(file.get(), FS_IOC_FIEMAP, found) == 0);
  REQUIRE(found->fm_mapped_extents > 0);
  auto const* const extent = reinterpret_cast<fiemap_extent const*>(space.data() + sizeof(fiemap));
  CHECK((extent->fe_flags & FIEMAP_EXTENT_SHARED) != 0);
  CHECK(sys::read_file(disk.path() / "tree/to") == std::string(100'000, 'x'));
}
