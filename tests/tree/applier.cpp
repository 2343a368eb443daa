#include <strata/former.hpp>
#include <strata/fs.hpp>
#include <strata/sys/file.hpp>
#include <strata/sys/xattr.hpp>
#include <strata/testing/layer_probe.hpp>
#include <strata/testing/temp_dir.hpp>
#include <strata/tree/applier.hpp>

#include <boost/filesystem/fstream.hpp>
#include <catch2/catch.hpp>

#include <cerrno>
#include <csignal>
#include <memory>
#include <optional>
#include <string>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <vector>

namespace fs = boost::filesystem;
using namespace strata::archive;
using strata::Errc;
using strata::Former;
using strata::testing::code_of;
using strata::testing::directory;
using strata::testing::Entry;
using strata::testing::file;
using strata::testing::hard_link;
using strata::testing::opaque;
using strata::testing::symbolic_link;
using strata::testing::whiteout;

namespace {

ApplyOptions const as_overlay{.whiteouts = Whiteouts::overlay};
ApplyOptions const executed{.whiteouts = Whiteouts::execute};

/// A tree `root` beside which there is something to be hit by mistake.
struct Tree {
  strata::testing::TempDir place = {};
  fs::path root = place / "root";

  Tree() {
    fs::create_directory(root);
    fs::create_directory(place / "outside");
    write(place / "outside/victim", "untouched");
  }
  ~Tree() { CHECK(strata::sys::read_file(place / "outside/victim") == "untouched"); }

  static void write(fs::path const& path, std::string const& text) { fs::ofstream(path) << text; }
  std::string read(fs::path const& path) const { return strata::sys::read_file(root / path); }
  struct stat status(fs::path const& path) const {
    struct stat found {};
    INFO(path.native());
    REQUIRE(::lstat((root / path).c_str(), &found) == 0);
    return found;
  }
  unsigned mode(fs::path const& path) const { return status(path).st_mode & 07777U; }
  bool has(fs::path const& path) const {
    return fs::symlink_status(root / path).type() != fs::file_not_found;
  }
  bool hides(fs::path const& path) const { return has(path) && is_overlay_whiteout(status(path)); }
  bool is_opaque(fs::path const& path, std::string const& name = "trusted.overlay.opaque") const {
    return strata::sys::get_xattr(root / path, name) == "y";
  }

  void apply(std::vector<Entry> const& entries, ApplyOptions options) const {
    Applier applier(strata::sys::open_at(AT_FDCWD, root, O_PATH | O_DIRECTORY), options);
    strata::testing::add_all(applier, entries);
    applier.finish();
  }
};

Entry with_header(Entry entry, auto&& change) {
  change(entry.header);
  return entry;
}

bool is_root() {
  if (::geteuid() == 0) return true;
  WARN("needs root: not checked");
  return false;
}

}  // namespace

TEST_CASE("files, directories and links stand where and as the archive says", "[tree][applier]") {
  for (auto const& options : {as_overlay, executed}) {
    Tree tree;
    mode_t const old_mask = ::umask(077);
    tree.apply(
        {directory("d", 0751), file("d/f", "text", 0644), file("set", "1", 06755), directory("t", 01777),
         symbolic_link("l", "../x"), hard_link("h", "d/f"), file("missing/parents/f", "2", 0666)},
        options);
    ::umask(old_mask);
    CHECK(tree.read("d/f") == "text");
    CHECK(tree.mode("d") == 0751);
    CHECK(tree.mode("d/f") == 0644);
    CHECK(tree.mode("set") == 06755);
    CHECK(tree.mode("t") == 01777);
    CHECK(fs::read_symlink(tree.root / "l") == "../x");
    CHECK(tree.status("h").st_ino == tree.status("d/f").st_ino);
    CHECK(tree.mode("missing") == 0755);
    CHECK(tree.mode("missing/parents") == 0755);
    CHECK(tree.mode("missing/parents/f") == 0666);
  }
}

TEST_CASE("owners are set, also below a directory that gives its group on", "[tree][applier]") {
  if (!is_root()) return;
  Tree tree;
  auto const owned = [](TarHeader& header) { header.uid = 123, header.gid = 456; };
  tree.apply({with_header(directory("d", 02777), owned), file("d/mine", "1"), symbolic_link("d/link", "mine"),
              directory("d/sub"), with_header(file("d/set", "2", 04755), owned), file("d/made/again/f", "3"),
              with_header(symbolic_link("s", "x"), owned)},
             as_overlay);
  for (auto const* path : {"d", "d/set", "s"}) {
    CHECK(tree.status(path).st_uid == 123);
    CHECK(tree.status(path).st_gid == 456);
  }
  for (auto const* path : {"d/mine", "d/link", "d/sub"}) CHECK(tree.status(path).st_gid == 0);
  CHECK(tree.mode("d") == 02777);
  CHECK(tree.mode("d/sub") == 0755);
  CHECK(tree.mode("d/set") == 04755);
  Tree copies;
  copies.apply({with_header(directory("d", 02777), owned), file("d/made/again/f", "3")}, executed);
  for (auto const* path :
       {"d/made", "d/made/again"}) {  // without an entry: theirs gives the group on vfs only
    CHECK(tree.mode(path) == 02755);
    CHECK(tree.status(path).st_gid == 0);
    CHECK(copies.mode(path) == 02755);
    CHECK(copies.status(path).st_uid == 0);
    CHECK(copies.status(path).st_gid == 456);
  }
  for (std::int64_t const id : {std::int64_t{-1}, std::int64_t{0xFFFF'FFFF}, std::int64_t{1} << 40})
    CHECK(code_of([&] {
            tree.apply({with_header(file("bad", ""), [&](auto& h) { h.uid = id; })}, as_overlay);
          }) == Errc::corrupt_archive);
}

TEST_CASE("times: nanoseconds, access not before modification, 1970 at the least, directories last",
          "[tree][applier]") {
  Tree tree;
  auto const at = [](std::int64_t seconds, std::int32_t nanoseconds = 0) {
    return [=](TarHeader& header) { header.mtime = {.seconds = seconds, .nanoseconds = nanoseconds}; };
  };
  tree.apply(
      {with_header(directory("d"), at(1'000'000'000, 5)),
       with_header(file("d/f", "1"), at(1'100'000'000, 123'456'789)),
       with_header(file("late", ""),
                   [](auto& h) { h.mtime = {.seconds = 10}, h.atime = FileTime{.seconds = 20}; }),
       with_header(file("early", ""),
                   [](auto& h) { h.mtime = {.seconds = 20}, h.atime = FileTime{.seconds = 10}; }),
       with_header(file("old", ""), at(-5, 7)), with_header(symbolic_link("old-link", "x"), at(-5, 7))},
      as_overlay);
  auto const mtime = [&](char const* path) {
    return std::pair(tree.status(path).st_mtim.tv_sec, tree.status(path).st_mtim.tv_nsec);
  };
  CHECK(mtime("d") == std::pair(1'000'000'000L, 5L));
  CHECK(mtime("d/f") == std::pair(1'100'000'000L, 123'456'789L));
  CHECK(tree.status("late").st_atim.tv_sec == 20);
  CHECK(tree.status("early").st_atim.tv_sec == 20);
  CHECK(mtime("old") == std::pair(0L, 0L));
  CHECK(mtime("old-link") == std::pair(-5L, 7L));
}

TEST_CASE("links in the tree lead where they would in the container", "[tree][applier]") {
  for (auto const& options : {as_overlay, executed}) {
    Tree tree;
    fs::create_directory(tree.root / "real");
    fs::create_symlink("/real", tree.root / "absolute");
    fs::create_symlink("../../../real", tree.root / "above");
    fs::create_symlink(tree.place / "outside", tree.root / "out");
    fs::create_symlink("/proc/self/root", tree.root / "magic");
    tree.apply({file("absolute/a", "1"), file("above/b", "2")}, options);
    CHECK(tree.read("real/a") == "1");
    CHECK(tree.read("real/b") == "2");
    CHECK_THROWS_AS(tree.apply({file("out/victim", "hit")}, options), strata::Error);
    CHECK_THROWS_AS(tree.apply({file("magic/victim", "hit")}, options), strata::Error);
    CHECK_THROWS_AS(tree.apply({symbolic_link("loop", "loop"), file("loop/x", "")}, options), strata::Error);
    CHECK_THROWS_AS(tree.apply({symbolic_link("dangling", "/nowhere"), file("dangling/x", "")}, options),
                    strata::Error);
  }
}

TEST_CASE("the last component is never followed", "[tree][applier]") {
  for (auto const& options : {as_overlay, executed}) {
    Tree tree;
    auto const victim = (tree.place / "outside/victim").native();
    tree.apply(
        {symbolic_link("f", victim), file("f", "mine"), symbolic_link("d", (tree.place / "outside").native()),
         directory("d"), file("d/victim", "mine"), symbolic_link("m", victim), hard_link("linked", "m"),
         symbolic_link("w", victim)},
        options);
    CHECK(tree.read("f") == "mine");
    CHECK(fs::is_directory(fs::symlink_status(tree.root / "d")));
    CHECK(fs::is_symlink(tree.root / "linked"));
    tree.apply({whiteout("w")}, executed);
    CHECK_FALSE(tree.has("w"));
  }
}

TEST_CASE("hard links stay inside, and must have a target", "[tree][applier]") {
  Tree tree;
  fs::create_directory(tree.root / "outside");
  tree.apply(
      {file("f", "1"), hard_link("absolute", "/f"), hard_link("above", "../../f"), hard_link("f", "f")},
      as_overlay);
  CHECK(tree.status("f").st_nlink == 3);
  for (auto const* target : {"none", "../outside/victim", "none/f", "f/x", "outside", "/"}) {
    INFO(target);
    CHECK_THROWS_AS(tree.apply({hard_link("h", target)}, as_overlay), strata::Error);
  }
  tree.apply({file("f", "2")}, as_overlay);  // replaces the name, not what the others still name
  CHECK(tree.read("absolute") == "1");
  CHECK(tree.read("f") == "2");
}

TEST_CASE("a directory that becomes a link takes the entries that follow along", "[tree][applier]") {
  for (auto const& options : {as_overlay, executed}) {
    Tree tree;
    tree.apply({directory("d"), file("d/old", ""), directory("e"), file("d", ""), symbolic_link("d", "e"),
                file("d/new", "")},
               options);
    CHECK(tree.has("e/new"));
    CHECK(fs::is_symlink(tree.root / "d"));
  }
}

TEST_CASE("contents that could not be found again by their name are refused", "[tree][applier]") {
  for (auto const& options : {as_overlay, executed}) {
    auto const refused = [&](std::vector<Entry> const& entries) {
      Tree tree;
      return code_of([&] { tree.apply(entries, options); }) == Errc::corrupt_archive;
    };
    auto const link = [] { return symbolic_link("l", "d"); };
    CHECK(refused({directory("d"), file("d/f", "1"), file("d", "")}));
    CHECK(refused({directory("d"), link(), file("d/f", "1"), file("l/f", "2")}));
    CHECK(refused({directory("d"), link(), file("l/f", "1"), symbolic_link("d/f", "x")}));
    CHECK(refused({directory("d"), link(), file("l/f", "1"), directory("l")}));
    // A directory that the link only passes, too.
    std::vector<Entry> passing{directory("d/e"), directory("x"), symbolic_link("l", "d/e/../../x"),
                               file("l/f", "1")};
    CHECK_FALSE(refused(passing));
    for (auto const* passed : {"d", "d/e"}) {
      auto entries = passing;
      entries.push_back(file(passed, ""));
      CHECK(refused(entries));
    }
    CHECK_FALSE(refused({directory("d"), link(), file("l/f", ""), file("d/f", "2"), directory("l")}));
    CHECK_FALSE(
        refused({directory("d"), link(), file("l/f", "1"), file("l/.wh.f", ""), hard_link("d/f", "l/f")}));
  }
  Tree tree;  // what the parent has may go, but not a link that leads to contents
  tree.apply({directory("d"), file("d/old", "1"), symbolic_link("l", "d")}, executed);
  CHECK(code_of([&] { tree.apply({file("l/new", "2"), whiteout("l")}, executed); }) == Errc::corrupt_archive);
  tree.apply({whiteout("l"), file("l/new", "2"), whiteout("d")}, executed);
  CHECK(tree.read("l/new") == "2");
}

TEST_CASE("names that are too long to be read again are refused", "[tree][applier]") {
  std::string name;
  while (name.size() < 4000) name += "ddddddddd/";
  name += std::string(4095 - name.size(), 'f');
  Tree tree;
  tree.apply({file(name, "1")}, as_overlay);
  auto const root = strata::sys::open_at(AT_FDCWD, tree.root, O_PATH | O_DIRECTORY);
  CHECK(strata::sys::try_open_in_root(root.get(), name.c_str(), O_RDONLY));
  CHECK_THROWS_WITH(tree.apply({file("d" + name, "1")}, as_overlay), Catch::Contains("name too long"));
}

TEST_CASE("overlay form: devices 0:0 and the opaque attribute", "[tree][applier]") {
  if (!is_root()) return;
  Tree tree;
  auto const owned = with_header(whiteout("gone"), [](auto& h) { h.uid = 12, h.gid = 34; });
  tree.apply(
      {owned, directory("d"), opaque("d"), whiteout("new/deep"), whiteout(".wh.aufs"), directory("./", 0700)},
      as_overlay);
  CHECK(tree.hides("gone"));
  CHECK(tree.mode("gone") == 0);
  CHECK(tree.status("gone").st_uid == 12);
  CHECK(tree.status("gone").st_gid == 34);
  CHECK(tree.is_opaque("d"));
  CHECK_FALSE(tree.has("d/.wh..wh..opq"));
  CHECK(tree.hides("new/deep"));
  CHECK(tree.hides(".wh.aufs"));
  CHECK(tree.mode(".") != 0700);
  tree.apply({directory("u"), opaque("u")}, {.whiteouts = Whiteouts::overlay, .user_xattr = true});
  CHECK(tree.is_opaque("u", "user.overlay.opaque"));
  CHECK_FALSE(tree.is_opaque("u"));
}

TEST_CASE("whiteouts are kept as files where a mount program reads them", "[tree][applier]") {
  Tree tree;
  tree.apply({directory("d"), opaque("d"), whiteout("d/gone")}, {.whiteouts = Whiteouts::keep});
  CHECK(S_ISREG(tree.status("d/.wh..wh..opq").st_mode));
  CHECK(S_ISREG(tree.status("d/.wh.gone").st_mode));
  CHECK_FALSE(tree.has("d/gone"));
  CHECK_FALSE(tree.is_opaque("d"));
}

TEST_CASE("overlay form: whiteouts and entries of one name in one archive", "[tree][applier]") {
  if (!is_root()) return;
  Tree tree;
  tree.apply({file("f", "1"), whiteout("f"), directory("d"), file("d/x", "2"), whiteout("d"), whiteout("g"),
              file("g", "3"), whiteout("e"), directory("e"), whiteout("i"), file("i/j/x", "4"),
              whiteout("twice"), whiteout("twice")},
             as_overlay);
  CHECK(tree.read("f") == "1");
  CHECK(tree.read("d/x") == "2");
  CHECK(tree.is_opaque("d"));
  CHECK(tree.read("g") == "3");
  CHECK(tree.is_opaque("e"));
  CHECK(tree.is_opaque("i"));
  CHECK_FALSE(tree.is_opaque("i/j"));
  CHECK(tree.read("i/j/x") == "4");
  CHECK(tree.hides("twice"));
  tree.apply({whiteout("h"), whiteout("h/below"), whiteout("h/deeper/below"), opaque("h")}, as_overlay);
  CHECK(tree.hides("h"));
}

TEST_CASE("overlay form: a whiteout of what the layer itself had before is refused", "[tree][applier]") {
  if (!is_root()) return;
  Tree tree;
  tree.apply({file("f", "1"), directory("d"), file("d/x", "2"), whiteout("gone")}, as_overlay);
  tree.apply({whiteout("gone")}, as_overlay);  // which it hides already
  for (auto const* name : {"f", "d", "d/x"}) {
    INFO(name);
    CHECK_THROWS_WITH(tree.apply({whiteout(name)}, as_overlay), Catch::Contains("File exists"));
    CHECK(tree.has(name));
  }
  // Nor is it the archive's own because the archive has something in it.
  for (auto const& also : {directory("d"), file("d/y", "3")})
    CHECK_THROWS_WITH(tree.apply({also, whiteout("d")}, as_overlay), Catch::Contains("File exists"));
  CHECK(tree.read("d/x") == "2");
  tree.apply({file("f", "3"), whiteout("f"), whiteout("new"), whiteout("new"), directory("own"),
              file("own/x", "4"), whiteout("own"), file("made/for/x", "5"), whiteout("made/for"),
              directory("gone"), file("gone/x", "6"), whiteout("gone")},
             as_overlay);
  CHECK(tree.read("f") == "3");
  CHECK(tree.hides("new"));
  CHECK_FALSE(tree.is_opaque("d"));
  for (auto const* name : {"own", "made/for", "gone"}) {
    INFO(name);
    CHECK(tree.is_opaque(name));
    CHECK(tree.has(std::string(name) + "/x"));
  }
}

TEST_CASE("executed form: what the parent had goes, what the archive brings stays", "[tree][applier]") {
  Tree tree;
  tree.apply({directory("d"), file("d/a", ""), directory("d/sub"), file("d/sub/b", ""), directory("e"),
              file("e/c", ""), file("f", ""), file("kept", ""), directory("o/i"), file("o/i/old", "")},
             executed);
  tree.apply(
      {file("d/new", "1"), file("d/sub/new", "2"), opaque("d"), whiteout("e"), whiteout("f"),
       whiteout("none"), whiteout("none/none"), file("o/i/mine", "3"), whiteout("o"), whiteout("kept/below")},
      executed);
  CHECK_FALSE(tree.has("d/a"));
  CHECK_FALSE(tree.has("d/sub/b"));
  CHECK(tree.read("d/new") == "1");
  CHECK(tree.read("d/sub/new") == "2");
  CHECK_FALSE(tree.has("e"));
  CHECK_FALSE(tree.has("f"));
  CHECK_FALSE(tree.has("o/i/old"));
  CHECK(tree.read("o/i/mine") == "3");
  CHECK(tree.has("kept"));
  for (auto const& entry : fs::recursive_directory_iterator(tree.root))
    CHECK_FALSE(entry.path().filename().native().starts_with(".wh."));
  tree.apply({file("top", "1"), file(".wh..wh..opq", "")}, executed);
  CHECK_FALSE(tree.has("d"));
  CHECK(tree.has("top"));
}

TEST_CASE("executed form: the root's own entry is applied", "[tree][applier]") {
  Tree tree;
  tree.apply({directory("./", 0711), file("a", "")}, executed);
  CHECK(tree.mode(".") == 0711);
  CHECK(tree.status(".").st_mtim.tv_sec == strata::testing::sample_time.seconds);
  CHECK(code_of([&] { tree.apply({file("/", "")}, executed); }) == Errc::unsafe_path);
}

TEST_CASE("names of aufs are whiteouts, and its directories are unpacked where they have files",
          "[tree][applier]") {
  for (auto const& options : {as_overlay, executed}) {
    Tree tree;
    tree.apply({file(".wh..wh.aufs", ""), directory(".wh..wh.plnk"), file(".wh..wh.plnk/1.1", "one"),
                hard_link("b", "/.wh..wh.plnk/1.1")},
               options);
    CHECK(tree.read("b") == "one");
    CHECK(tree.read(".wh..wh.plnk/1.1") == "one");
    CHECK_FALSE(tree.has(".wh..wh.aufs"));
  }
}

namespace {
ApplyOptions over(std::vector<fs::path> const& lowers) {
  return {.whiteouts = Whiteouts::overlay,
          .below = std::make_shared<LowerTrees>([lowers] { return std::optional(lowers); })};
}
}  // namespace

TEST_CASE("overlay form: a whiteout with nothing below to hide is not made", "[tree][applier]") {
  if (!is_root()) return;
  Tree lower;
  lower.apply(
      {directory("d/s"), file("d/x", "1"), file("d/s/y", "2"), file("f", ""), symbolic_link("l", "d")},
      as_overlay);
  Tree middle;
  middle.apply({whiteout("f")}, over({lower.root}));
  CHECK(middle.hides("f"));
  auto const applied = [&](std::vector<Entry> const& entries, auto const& look) {
    Tree tree;
    tree.apply(entries, over({middle.root, lower.root}));
    look(tree);
  };
  applied({whiteout("f"), whiteout("none"), whiteout("none/none"), whiteout("l/x")},
          [](auto const& tree) { CHECK(fs::is_empty(tree.root)); });
  applied({whiteout("d/x"), whiteout("d/s")}, [](auto const& tree) {
    CHECK(tree.hides("d/x"));
    CHECK(tree.hides("d/s"));
  });
  for (auto const& both :
       {std::vector{whiteout("d"), whiteout("d/x")}, std::vector{whiteout("d/x"), whiteout("d")}})
    applied(both, [](auto const& tree) { CHECK(tree.hides("d")); });
  for (auto const& all : {std::vector{whiteout("d/s/y"), opaque("d"), whiteout("d/x")},
                          std::vector{whiteout("d/x"), whiteout("d/s/y"), directory("d"), whiteout("d")}})
    applied(all, [](auto const& tree) {
      CHECK(tree.is_opaque("d"));
      CHECK(fs::is_empty(tree.root / "d"));
    });
  applied({whiteout("d/x"), file("d/s/new", "3"), whiteout("d")}, [](auto const& tree) {
    CHECK(tree.is_opaque("d"));
    CHECK_FALSE(tree.has("d/x"));
    CHECK(tree.read("d/s/new") == "3");
  });
}

TEST_CASE("overlay form: nor below a directory that the layer itself had made opaque before",
          "[tree][applier]") {
  if (!is_root()) return;
  Tree lower;
  lower.apply({file("c/y", "1"), file("c/d/z", "2"), file("e/y", "3")}, as_overlay);
  Tree tree;
  tree.apply({whiteout("c"), file("c/d/x", "4"), directory("e")}, over({lower.root}));
  REQUIRE(tree.is_opaque("c"));
  tree.apply({whiteout("c/y"), whiteout("c/d/z"), opaque("c/new"), whiteout("e/y")}, over({lower.root}));
  CHECK_FALSE(tree.has("c/y"));
  CHECK_FALSE(tree.has("c/d/z"));
  CHECK_FALSE(tree.has("c/new"));
  CHECK(tree.hides("e/y"));
  // Nor does one stay in a directory that becomes opaque.
  tree.apply({opaque("e")}, over({lower.root}));
  CHECK(tree.is_opaque("e"));
  CHECK(fs::is_empty(tree.root / "e"));
}

TEST_CASE("overlay form: an opaque root hides all that is below it, name by name", "[tree][applier]") {
  if (!is_root()) return;
  Tree lower;
  lower.apply({directory("d"), file("d/x", "1"), file("f", ""), file("g", "")}, as_overlay);
  for (bool const first : {true, false}) {
    std::vector<Entry> entries{file("g", "2"), directory("d"), file("d/new", "3")};
    entries.insert(first ? entries.begin() : entries.end(), file(".wh..wh..opq", ""));
    Tree tree;
    tree.apply(entries, over({lower.root}));
    CHECK(tree.hides("f"));
    CHECK(tree.read("g") == "2");
    CHECK(tree.is_opaque("d"));
    CHECK(tree.read("d/new") == "3");
    CHECK_FALSE(tree.has("d/x"));
  }
}

TEST_CASE("devices are made, save overlayfs's whiteout", "[tree][applier]") {
  if (!is_root()) return;
  Tree tree;
  auto const device = [](EntryType type, std::string name, unsigned major, unsigned minor) {
    return with_header({strata::testing::header(type, std::move(name), 0660)},
                       [=](TarHeader& header) { header.dev_major = major, header.dev_minor = minor; });
  };
  tree.apply({device(EntryType::char_device, "null", 1, 3), device(EntryType::block_device, "disk", 8, 300),
              device(EntryType::fifo, "fifo", 0, 0), device(EntryType::block_device, "zero", 0, 0)},
             as_overlay);
  CHECK(S_ISCHR(tree.status("null").st_mode));
  CHECK(tree.status("null").st_rdev == makedev(1, 3));
  CHECK(tree.mode("null") == 0660);
  CHECK(tree.status("disk").st_rdev == makedev(8, 300));
  CHECK(S_ISFIFO(tree.status("fifo").st_mode));
  auto const sign = device(EntryType::char_device, "sign", 0, 0);
  for (auto const& options : {as_overlay, ApplyOptions{.whiteouts = Whiteouts::keep}})
    CHECK(code_of([&] { tree.apply({sign}, options); }) == Errc::reserved_entry);
  tree.apply({sign}, executed);
  CHECK(is_overlay_whiteout(tree.status("sign")));
}

TEST_CASE("attributes are set, but for the host's and overlayfs's", "[tree][applier]") {
  if (!is_root()) return;
  Tree tree;
  std::string const capability(
      "\x01\x00\x00\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", 20);
  auto const marked = [&](TarHeader& header) {
    header.uid = 5;
    header.xattrs = {{"security.capability", capability},
                     {"security.selinux", "x"},
                     {"trusted.overlay.redirect", "/x"},
                     {"trusted.other", "1"},
                     {"user.a", std::string("\0\xFF", 2)},
                     {"user.overlay.origin", "2"},
                     {"nonsense.key", "3"}};
  };
  tree.apply({with_header(file("f", "1", 0755), marked),
              with_header(directory("d"),
                          [](auto& h) {
                            h.xattrs = {{"user.b", ""}};
                          }),
              with_header(symbolic_link("l", "f"),
                          [](auto& h) {
                            h.xattrs = {{"user.c", "1"}, {"trusted.d", "2"}};
                          })},
             as_overlay);
  CHECK(strata::sys::get_xattr(tree.root / "f", "security.capability") == capability);
  CHECK(strata::sys::get_xattr(tree.root / "f", "trusted.other") == "1");
  CHECK(strata::sys::get_xattr(tree.root / "f", "user.a") == std::string("\0\xFF", 2));
  CHECK(strata::sys::list_xattrs(tree.root / "f").size() == 3);
  CHECK(strata::sys::get_xattr(tree.root / "d", "user.b") == "");
  CHECK(strata::sys::get_xattr(tree.root / "l", "trusted.d") == "2");
}

TEST_CASE("unsafe whiteouts are refused", "[tree][applier]") {
  for (auto const& options : {as_overlay, executed}) {
    Tree tree;
    tree.apply({file("d/f", "")}, options);
    for (auto const* name : {".wh.", "d/.wh..", "d/.wh..."}) {
      INFO(name);
      CHECK(code_of([&] { tree.apply({file(name, "")}, options); }) == Errc::unsafe_path);
    }
    CHECK(tree.has("d/f"));
  }
}

TEST_CASE("contents that would be lost are refused: of whiteouts, and of a root that is no directory",
          "[tree][applier]") {
  for (auto const& options : {as_overlay, executed})
    for (auto const* name : {".wh.f", ".wh..wh..opq", ".", "", "d/.."}) {
      Tree tree;
      INFO(name);
      CHECK_THROWS_AS(tree.apply({file(name, "text")}, options), strata::Error);
    }
}

TEST_CASE("bodies are read to their end, whatever becomes of the entry", "[tree][applier]") {
  Tree tree;
  Applier applier(strata::sys::open_at(AT_FDCWD, tree.root, O_PATH | O_DIRECTORY), executed);
  for (auto const& entry : {directory("d"), file("f", ""), whiteout("x"), file(".wh..wh.aufs", "")}) {
    auto body = strata::memory_source("some bytes");
    applier.add(entry.header, body);
    CHECK(body.next().empty());
  }
  applier.finish();
  CHECK(tree.read("f") == "some bytes");
}

TEST_CASE("as many directories as one likes, as deep as a path can be", "[tree][applier]") {
  Tree tree;
  std::string deep;
  while (deep.size() < 4000) deep += "ddddddddd/";
  tree.apply({file(deep + "f", "bottom")}, as_overlay);
  std::vector<Entry> many;
  for (int i = 0; i < 300; ++i) many.push_back(file(std::to_string(i % 50) + "/" + std::to_string(i), "x"));
  tree.apply(many, as_overlay);
  CHECK(tree.read("49/299") == "x");
  auto const root = strata::sys::open_at(AT_FDCWD, tree.root, O_PATH | O_DIRECTORY);
  CHECK(strata::sys::try_open_in_root(root.get(), (deep + "f").c_str(), O_RDONLY));
}

TEST_CASE("who cannot be written is named", "[tree][applier]") {
  Tree const tree;
  auto const before = std::signal(SIGXFSZ, SIG_IGN);
  rlimit limit{};
  ::getrlimit(RLIMIT_FSIZE, &limit);
  rlimit const less{.rlim_cur = 1000, .rlim_max = limit.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &less);
  std::string subject;
  try {
    tree.apply({directory("d"), file("d/large", std::string(2000, 'x'))}, as_overlay);
  } catch (strata::Error const& error) {
    subject = error.subject();
  }
  ::setrlimit(RLIMIT_FSIZE, &limit);
  std::signal(SIGXFSZ, before);
  CHECK(subject == "write d/large");
}

namespace {
/// While it lives, no file can be opened: EMFILE.
class NoMoreFiles {
 public:
  NoMoreFiles() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    auto const next = static_cast<rlim_t>(strata::sys::open_at(AT_FDCWD, "/", O_PATH).get());
    rlimit const none{.rlim_cur = next, .rlim_max = before_.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &none);
  }
  NoMoreFiles(NoMoreFiles const&) = delete;
  NoMoreFiles& operator=(NoMoreFiles const&) = delete;
  ~NoMoreFiles() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};
}  // namespace

TEST_CASE("what cannot be looked at is not taken for absent", "[tree][applier]") {
  if (!is_root()) return;
  for (auto const& options : {as_overlay, executed}) {
    Tree tree;
    fs::create_directories(tree.root / "d/s");
    auto const fails = [&](std::vector<Entry> const& before, auto const& work) {
      Applier applier(strata::sys::open_at(AT_FDCWD, tree.root, O_PATH | O_DIRECTORY), options);
      strata::testing::add_all(applier, before);
      NoMoreFiles const none;
      return code_of([&] { work(applier); }) == std::error_code(EMFILE, std::system_category());
    };
    for (auto const& sign : {whiteout("d/s"), opaque("d"), whiteout("d/s/none")}) {
      INFO(sign.header.name);
      CHECK(fails({}, [&](Applier& applier) { strata::testing::add_all(applier, {sign}); }));
    }
    CHECK(fails({directory("e")}, [](Applier& applier) { applier.finish(); }));
    CHECK(tree.has("d/s"));
  }
}

TEST_CASE("what a tree had stays, if asked, but for what entries take the place of", "[tree][applier]") {
  if (!is_root()) return;
  for (auto const how : {Whiteouts::overlay, Whiteouts::execute}) {
    ApplyOptions const over{.whiteouts = how, .former = Former::kept};
    Tree tree;
    fs::create_directories(tree.root / "d/old");
    fs::create_directories(tree.root / "o");
    tree.write(tree.root / "d/file", "former");
    tree.write(tree.root / "d/mine", "kept");
    tree.write(tree.root / "o/mine", "kept");
    tree.apply({directory("d"), file("d/file", "new"), whiteout("d/mine"), opaque("o")}, over);
    CHECK(tree.read("d/file") == "new");
    CHECK(tree.read("d/mine") == "kept");
    CHECK(tree.read("o/mine") == "kept");
    CHECK(tree.is_opaque("o") == (how == Whiteouts::overlay));
    CHECK(tree.has("d/old"));
    // A directory gives way only if there is nothing in it.
    tree.apply({file("d/old", "now a file")}, over);
    CHECK(tree.read("d/old") == "now a file");
    CHECK(code_of([&] { tree.apply({file("o", "never")}, over); }) == std::errc::directory_not_empty);
    CHECK(tree.read("o/mine") == "kept");
    // Or it gives way, and only whiteouts remove nothing.
    tree.apply({whiteout("d/mine"), file("o", "now a file")},
               {.whiteouts = how, .former = Former::not_hidden});
    CHECK(tree.read("d/mine") == "kept");
    CHECK(tree.read("o") == "now a file");
  }
}

TEST_CASE("over what a tree had, no entry goes through a link that somebody else put there",
          "[tree][applier]") {
  if (!is_root()) return;
  for (auto const how : {Whiteouts::overlay, Whiteouts::execute}) {
    Tree below;
    fs::create_directory(below.root / "f");
    for (auto const* link : {"same", "other"}) fs::create_symlink("f", below.root / link);
    ApplyOptions const over{.whiteouts = how,
                            .below = std::make_shared<LowerTrees>(
                                [&] { return std::optional(std::vector<fs::path>{below.root}); }),
                            .former = Former::kept};
    Tree tree;
    for (auto const* made : {"f", "g"}) {
      fs::create_directory(tree.root / made);
      tree.write(tree.root / made / "y", "kept");
    }
    for (auto const* link : {"d", "same"}) fs::create_symlink("f", tree.root / link);
    fs::create_symlink("g", tree.root / "other");
    auto const refused = [&](std::vector<Entry> const& entries) {
      return code_of([&] { tree.apply(entries, over); }) == std::errc::not_a_directory;
    };
    CHECK(refused({file("d/y", "never")}));
    CHECK(refused({file("d/s/y", "never")}));
    CHECK(refused({hard_link("h", "d/y")}));
    CHECK(refused({file("other/y", "never")}));
    // In a tree of changes the parent's link is not there for an archive: its name is that of a directory.
    CHECK(refused({file("same/z", "parent's")}) == (how == Whiteouts::overlay));
    CHECK(tree.read("f/y") == "kept");
    CHECK(tree.read("g/y") == "kept");
    CHECK_FALSE(tree.has("f/s"));
    tree.apply({symbolic_link("d", "g"), hard_link("e", "d"), file("d/new", "1"), file("e/newer", "2")},
               over);
    CHECK(tree.read("g/new") == "1");
    CHECK(tree.read("g/newer") == "2");
  }
}

TEST_CASE("a sign below a link of its own archive is made where the layers below have what the link leads to",
          "[tree][applier]") {
  if (!is_root()) return;
  Tree below;
  fs::create_directories(below.root / "lib");
  for (auto const* name : {"x", "y"}) below.write(below.root / "lib" / name, "1");
  ApplyOptions const over{.below = std::make_shared<LowerTrees>(
                              [&] { return std::optional(std::vector<fs::path>{below.root}); })};
  for (auto const* target : {"lib", "../../lib", "/lib"}) {
    Tree hides;
    hides.apply({symbolic_link("a", target), whiteout("a/y"), whiteout("a/none")}, over);
    CHECK(fs::status(hides.root / "lib/y").type() == fs::character_file);
    CHECK_FALSE(hides.has("lib/none"));
    Tree covers;
    covers.apply({symbolic_link("a", target), opaque("a")}, over);
    CHECK(covers.is_opaque("lib"));
  }
  for (auto const* target : {"none", "none/../lib", "a"}) {
    Tree nothing;
    nothing.apply({symbolic_link("a", target), whiteout("a/y"), opaque("a")}, over);
    CHECK_FALSE(nothing.has("lib"));
    CHECK_FALSE(nothing.has("none"));
  }
}
