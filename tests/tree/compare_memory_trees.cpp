#include <strata/fs.hpp>
#include <strata/testing/layer_probe.hpp>
#include <strata/testing/temp_dir.hpp>
#include <strata/tree/applier.hpp>
#include <strata/tree/compare_memory_trees.hpp>
#include <strata/tree/load_tree.hpp>

#include <boost/filesystem/fstream.hpp>
#include <catch2/catch.hpp>

#include <memory>
#include <string>
#include <sys/stat.h>
#include <sys/sysmacros.h>

using namespace strata;
using archive::EntryType;
using archive::TarHeader;

namespace {

TarHeader entry(std::string name, EntryType type, std::int64_t size = 0, std::uint32_t mode = 0644) {
  TarHeader header{.name = std::move(name), .type = type, .mode = mode};
  header.size = size;
  header.mtime.seconds = 1'600'000'000;
  header.uid = ::geteuid();
  header.gid = ::getegid();
  return header;
}

auto const same_owners = [](std::int64_t uid, std::int64_t gid) { return std::pair(uid, gid); };

std::string joined(std::vector<archive::Difference> const& differences) {
  std::string out;
  for (auto const& difference : differences) out += difference.text + '\n';
  return out;
}

struct Tree {
  testing::TempDir directory;
  fs::path const& path() const { return directory.path(); }
  void file(std::string const& name, std::string const& text, unsigned mode = 0644) const {
    fs::create_directories((path() / name).parent_path());
    fs::ofstream(path() / name) << text;
    ::chmod((path() / name).c_str(), mode);
    timespec const times[2] = {{1'600'000'000, 0}, {1'600'000'000, 0}};
    ::utimensat(AT_FDCWD, (path() / name).c_str(), times, 0);
  }
  archive::MemoryTree state(archive::TreeForm form = archive::TreeForm::whole) const {
    return archive::load_tree(path(), form, same_owners);
  }
};

archive::MemoryTree unpacked(archive::MemoryTree below, std::vector<TarHeader> const& headers) {
  archive::BasicApplier<archive::MemoryTree> applier(std::move(below),
                                                     {.whiteouts = archive::Whiteouts::execute});
  for (auto const& header : headers) {
    auto body = memory_source(std::string(static_cast<std::size_t>(header.size), 'x'));
    applier.add(header, body);
  }
  applier.finish();
  return std::move(applier.tree());
}
std::string compared(archive::MemoryTree const& wanted, archive::MemoryTree const& found,
                     archive::Compared const& what = {}) {
  return joined(archive::differences(wanted, found, what));
}

}  // namespace

TEST_CASE("a tree that is as in its archives shows no difference", "[tree][compare_memory_trees]") {
  Tree tree;
  tree.file("a/b/c", "123");
  tree.file("kept", "");
  auto wanted = unpacked(archive::MemoryTree(),
                         {entry("./", EntryType::directory, 0, 0700), entry("gone", EntryType::regular, 7),
                          entry("d/", EntryType::directory), entry("d/x", EntryType::regular, 1),
                          entry("kept", EntryType::regular)});
  wanted = unpacked(std::move(wanted),
                    {entry("a/b/c", EntryType::regular, 3), entry(".wh.gone", EntryType::regular),
                     entry(".wh.d", EntryType::regular)});
  CHECK(compared(wanted, tree.state()) == "");
}

TEST_CASE("differences are written as containers/storage writes them", "[tree][compare_memory_trees]") {
  Tree tree;
  tree.file("d/mode", "1", 0600);
  tree.file("d/size", "22");
  tree.file("new", "");
  tree.file("newdir/a", "");
  auto type = entry("d/type", EntryType::symlink);
  type.link_name = "mode";
  auto const wanted = unpacked(
      archive::MemoryTree(), {entry("d/mode", EntryType::regular, 1), entry("d/size", EntryType::regular, 1),
                              entry("lost", EntryType::regular), entry("lostdir/", EntryType::directory),
                              entry("lostdir/a", EntryType::regular), type});
  tree.file("d/type", "");
  CHECK(compared(wanted, tree.state()) ==
        "+/d/mode(mode:0644￫0600)\n/d/mode(mode:0644￫0600)\n"
        "+/d/size(size:1￫2)\n/d/size(size:1￫2)\n"
        "+/d/type(filetype:2￫0)\n/d/type(filetype:2￫0)\n"
        "-/lost\n-/lostdir/\n+/new\n+/newdir/\n");
  CHECK(compared(wanted, tree.state(), {.modes = false}).find("mode:") == std::string::npos);
}

TEST_CASE("overlay's signs hide what is below", "[tree][compare_memory_trees]") {
  if (::geteuid() != 0) return;  // only root makes devices
  Tree lower;
  lower.file("d/a", "");
  lower.file("e/b", "");
  lower.file("f", "");
  Tree upper;
  upper.file("d/new", "");
  REQUIRE(::mknod((upper.path() / "f").c_str(), S_IFCHR, 0) == 0);
  REQUIRE(::mknod((upper.path() / "e").c_str(), S_IFCHR, 0) == 0);
  sys::set_xattr(upper.path() / "d", "trusted.overlay.opaque", "y");
  auto merged = lower.state();
  lay_over(merged, upper.state(archive::TreeForm::changes));
  CHECK(compared(upper.state(), merged, {.owners = false}) == "-/e\n-/f\n");
}

TEST_CASE("times that no file can have are no difference", "[tree][compare_memory_trees]") {
  Tree tree;
  tree.file("f", "1");
  std::int64_t const last = 0x37fffffff;  // of ext4
  auto const differs = [&](std::int64_t wanted, std::int64_t is) {
    timespec const times[2] = {{is, 0}, {is, 0}};
    REQUIRE(::utimensat(AT_FDCWD, (tree.path() / "f").c_str(), times, 0) == 0);
    auto header = entry("f", EntryType::regular, 1);
    header.mtime.seconds = wanted;
    return !compared(unpacked(archive::MemoryTree(), {header}), tree.state()).empty();
  };
  CHECK_FALSE(differs(-6, 0));
  CHECK_FALSE(differs(-6, -6));
  CHECK_FALSE(differs(std::int64_t{1} << 40, last));
  CHECK(differs(-6, 1));
  CHECK(differs(last - 1, last));
  CHECK(differs(5, 0));
  CHECK(differs(std::int64_t{1} << 40, 1'600'000'000));
}

TEST_CASE("targets, devices and names of one file are compared", "[tree][compare_memory_trees]") {
  if (::geteuid() != 0) return;  // only root makes devices
  Tree tree;
  tree.file("a", "1");
  tree.file("b", "1");
  fs::create_symlink("a", tree.path() / "l");
  REQUIRE(::mknod((tree.path() / "n").c_str(), S_IFCHR | 0644, makedev(1, 3)) == 0);
  auto link = entry("l", EntryType::symlink);
  link.link_name = "b";
  auto node = entry("n", EntryType::char_device);
  node.dev_major = 1;
  node.dev_minor = 5;
  auto second = entry("b", EntryType::hard_link);
  second.link_name = "a";
  auto const text = compared(
      unpacked(archive::MemoryTree(), {entry("a", EntryType::regular, 1), second, link, node}), tree.state());
  CHECK(text.find("/b(another file than its hard link)") != std::string::npos);
  CHECK(text.find("/l(target:b￫a") != std::string::npos);
  CHECK(text.find("/n(device:1.5￫1.3") != std::string::npos);
}

TEST_CASE("what nothing determines is no difference", "[tree][compare_memory_trees]") {
  Tree tree;
  tree.file("d/x", "1");
  ::chmod((tree.path() / "d").c_str(), 0700);
  CHECK(compared(unpacked(archive::MemoryTree(), {entry("d/x", EntryType::regular, 1)}), tree.state()) == "");
  auto const wanted = unpacked(unpacked(archive::MemoryTree(), {entry("d", EntryType::directory, 0, 0700)}),
                               {entry("d/x", EntryType::regular, 1)});
  CHECK(compared(wanted, tree.state()) == "");
  fs::create_directories(tree.path() / "other/made");
  CHECK(compared(unpacked(wanted, {entry("other/made/.wh.x", EntryType::regular)}), tree.state()) == "");
}

TEST_CASE("a directory that other programs make for a whiteout with nothing to hide is no difference",
          "[tree][compare_memory_trees]") {
  archive::MemoryTree below;
  archive::MemoryTree own;
  below = unpacked(std::move(below),
                   {entry("d", EntryType::directory, 0, 0700), entry("d/x", EntryType::regular, 1),
                    entry("e", EntryType::directory, 0, 0700)});
  {
    archive::BasicApplier<archive::MemoryTree> applier(
        std::move(own),
        {.whiteouts = archive::Whiteouts::overlay, .below = std::make_shared<archive::MemoryLower>(below)});
    auto empty = memory_source("");
    applier.add(entry("d/.wh.none", EntryType::regular), empty);
    applier.finish();
    own = std::move(applier.tree());
  }
  auto wanted = below;
  archive::lay_over(wanted, own);
  Tree theirs;
  fs::create_directories(theirs.path() / "d");
  auto found = below;
  archive::lay_over(found, theirs.state(archive::TreeForm::changes));
  CHECK(joined(archive::differences(wanted, found, {})).empty());
  fs::create_directories(theirs.path() / "e");  // nothing was said of that one
  archive::lay_over(found, theirs.state(archive::TreeForm::changes));
  CHECK_FALSE(archive::differences(wanted, found, {}).empty());
}
