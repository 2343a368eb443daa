#include <strata/former.hpp>
#include <strata/testing/layer_probe.hpp>
#include <strata/tree/compare_memory_trees.hpp>
#include <strata/tree/unpack_headers.hpp>

#include <catch2/catch.hpp>

#include <string>
#include <utility>
#include <vector>

using namespace strata::archive;
using strata::Former;
using strata::testing::directory;
using strata::testing::Entry;
using strata::testing::file;
using strata::testing::hard_link;
using strata::testing::symbolic_link;
using strata::testing::whiteout;

namespace {

std::vector<TarHeader> headers(std::vector<Entry> const& entries) {
  std::vector<TarHeader> all;
  for (auto const& entry : entries) all.push_back(entry.header);
  return all;
}

/// A tree that two archives made, one over the other.
struct Twice {
  std::vector<TarHeader> second;
  MemoryTree tree;

  Twice(std::vector<Entry> const& one, std::vector<Entry> const& other)
      : second(headers(other)),
        tree(unpack_headers(unpack_headers(MemoryTree(), headers(one), executed).tree, second, executed)
                 .tree) {
    tree.take_told();
  }
  /// What the second archive tells of, and is otherwise.
  std::string differences() const {
    auto const again =
        unpack_headers_again(tree, second, {.whiteouts = Whiteouts::execute, .former = Former::not_hidden});
    std::string text;
    for (auto const& difference : strata::archive::differences(again.tree, tree, {}))
      for (auto const& path : again.told)
        if (difference.how != Differs::added && (path + '/').starts_with(difference.path + '/'))
          text += difference.text + '\n';
    return text;
  }
  void remove(std::string const& directory, std::string const& name) const {
    tree.find(directory)->children.erase(name);
  }

 private:
  static inline ApplyOptions const executed{.whiteouts = Whiteouts::execute};
};

}  // namespace

TEST_CASE("an archive that is unpacked again over what it went over makes of that what it is",
          "[tree][unpack_headers]") {
  std::vector<Entry> const former{directory("b"), file("b/z", "former"), symbolic_link("l", "b"),
                                  symbolic_link("r", "/b"), file("f", "of before")};
  Twice const through(former,
                      {file("l/n", "new"), file("r/s/n", "new"), hard_link("h", "f"), whiteout("b/z")});
  CHECK(through.tree.find("b/n"));
  CHECK(through.tree.find("b/s/n"));
  CHECK_FALSE(through.tree.find("b/z"));
  CHECK(through.differences().empty());
  through.remove("b/s", "n");
  CHECK(through.differences() == "-/b/s/n\n");
  through.remove("", "h");
  CHECK(through.differences() == "-/b/s/n\n-/h\n");
}

TEST_CASE("what an archive took away does not tell where its entries went", "[tree][unpack_headers]") {
  std::vector<Entry> const former{directory("b"), directory("c"), symbolic_link("l", "b"),
                                  file("f", "of before")};
  for (auto const& taking : {std::vector{directory("l")},
                             {symbolic_link("l", "c")},
                             {file("l", "")},
                             {whiteout("l")},
                             {file(".wh..wh..opq", "")}}) {
    auto archive = std::vector{file("l/n", ""), directory("l/d"), file("e", "there")};
    archive.insert(archive.end(), taking.begin(), taking.end());
    Twice const one(former, archive);
    CHECK(one.tree.find("b/n"));
    CHECK(one.differences().empty());
    one.remove("", "e");
    CHECK(one.differences() == "-/e\n");
  }
  // An opaque mark takes nothing away of the way to what is beside it.
  Twice const opaque(
      {directory("b"), file("b/x", "")},
      {file("b/new", ""), directory("b/dd"), symbolic_link("b/s", "new"), file("b/.wh..wh..opq", "")});
  CHECK(opaque.differences().empty());
  for (auto const* name : {"new", "dd", "s"}) opaque.remove("b", name);
  CHECK(opaque.differences() == "-/b/dd/\n-/b/new\n-/b/s\n");
  // Nor by another name of what it took away, or of what was passed on the way.
  std::vector<Entry> const far{directory("b"),
                               directory("c/s"),
                               directory("d"),
                               symbolic_link("l", "b"),
                               symbolic_link("b/d", "../c"),
                               symbolic_link("to", "c/s/../../d")};
  for (auto const& archive : {std::vector{file("y", ""), hard_link("l/d/f", "y"), directory("b/d")},
                              {file("to/f", ""), file("c", "")}}) {
    Twice const one(far, archive);
    CHECK(one.differences().empty());
  }
  CHECK(Twice(former, {hard_link("h", "f"), file("f", "new")}).differences().empty());
  CHECK(Twice(former, {hard_link("l/h", "f"), directory("l")}).differences().empty());
  // Its attributes are those of the hard link.
  auto link = hard_link("x/h", "e");
  link.header.mode = 0600;
  CHECK(Twice(former, {file("e", "new", 0755), link, file("x", "")}).differences().empty());
}
