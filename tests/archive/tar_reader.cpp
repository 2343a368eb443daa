#include <strata/archive/tar_reader.hpp>

#include <catch2/catch.hpp>

#include "tar_tools.hpp"
#include <random>
#include <string>
#include <unistd.h>

using namespace strata;
using namespace strata::archive;
using tar_tools::code_of;
using tar_tools::end_of_tar;
using tar_tools::extension;
using tar_tools::padded;
using tar_tools::raw_header;
using tar_tools::read_tar;
using tar_tools::record;

namespace {

/// Puts together again what an observer is told.
struct Recorder final : TarObserver {
  void raw(Bytes bytes) override {
    all += as_text(bytes);
    if (ended) trailing += as_text(bytes);
  }
  void entry(TarHeader const& header) override { marks += "[" + header.name + "]"; }
  void payload(Bytes bytes) override { all += as_text(bytes); }
  void global_header(std::string_view name) override { marks += "{" + std::string(name) + "}"; }
  void end_marker() override { ended = true; }
  std::string all = {};
  std::string marks = {};
  std::string trailing = {};
  bool ended = false;
};

std::string tree_as(std::string const& options) {
  tar_tools::Directory dir;
  dir.put("t/plain", "hello");
  dir.put("t/empty", "");
  dir.put("t/block", std::string(512, 'b'));
  dir.put("t/large", std::string(70'001, 'c'));
  bool const v7 = options.find("v7") != std::string::npos;  // no long names, no fifos or devices
  if (!v7) dir.put("t/" + std::string(60, 'd') + "/" + std::string(60, 'e'), "split");
  if (!v7) dir.run("mkfifo -m 640 t/fifo");
  dir.run(
      "cd t && ln plain zlink && ln -s plain symlink && mkdir -m 1777 sticky && chmod "
      "6755 plain");
  dir.run("touch -d '2001-02-03 04:05:06.123456789 UTC' t/plain && touch -d @1000000000 t/empty");
  if (!v7 && ::getuid() == 0) dir.run("mknod t/chr c 10 200 && mknod t/blk b 259 5");
  if (!v7 && options.find("ustar") == std::string::npos) {
    dir.put("t/" + std::string(150, 'n'), "long");
    dir.run("ln -s " + std::string(150, 'l') +
            " t/longlink && touch -d '1969-12-31 23:59:58.75 UTC' t/block");
  }
  dir.run("tar --sort=name --owner=1000:100 --group=200:300 " + options +
          " -cf t.tar t 2>err || { cat err; false; }");
  return dir.get("t.tar");
}

tar_tools::Entry const& named(std::vector<tar_tools::Entry> const& entries, std::string const& name) {
  auto const at = std::ranges::find(entries, name, [](auto const& e) { return e.header.name; });
  INFO(name);
  REQUIRE(at != entries.end());
  return *at;
}

}  // namespace

TEST_CASE("every format that GNU tar writes is read", "[archive][tar_reader]") {
  for (auto const* format : {"v7", "ustar", "gnu", "pax", "oldgnu", "posix"}) {
    INFO(format);
    auto const tar = tree_as(std::string("--format=") + format);
    auto const entries = read_tar(tar);
    auto const is = std::string_view(format);
    bool const pax = is == "pax" || is == "posix";
    auto const& plain = named(entries, "t/plain");
    CHECK(plain.content == "hello");
    CHECK(plain.header.mode == 06755);
    CHECK(plain.header.uid == 100);
    CHECK(plain.header.gid == 300);
    CHECK(plain.header.user_name == (is == "v7" ? "" : "1000"));
    CHECK(plain.header.mtime == FileTime{981173106, pax ? 123456789 : 0});
    CHECK(plain.header.atime.has_value() == pax);
    CHECK(named(entries, "t/empty").header.mtime.seconds == 1000000000);
    CHECK(named(entries, "t/large").content == std::string(70'001, 'c'));
    CHECK(named(entries, "t/sticky/").header.type == EntryType::directory);
    CHECK(named(entries, "t/sticky/").header.mode == 01777);
    CHECK(named(entries, "t/symlink").header.link_name == "plain");
    CHECK(named(entries, "t/symlink").header.type == EntryType::symlink);
    CHECK(named(entries, "t/zlink").header.type == EntryType::hard_link);
    CHECK(named(entries, "t/zlink").header.link_name == "t/plain");
    if (is == "v7") continue;
    CHECK(named(entries, "t/" + std::string(60, 'd') + "/" + std::string(60, 'e')).content == "split");
    CHECK(named(entries, "t/fifo").header.type == EntryType::fifo);
    if (::getuid() == 0) {
      CHECK(named(entries, "t/chr").header.type == EntryType::char_device);
      CHECK(named(entries, "t/chr").header.dev_major == 10);
      CHECK(named(entries, "t/chr").header.dev_minor == 200);
      CHECK(named(entries, "t/blk").header.type == EntryType::block_device);
      CHECK(named(entries, "t/blk").header.dev_major == 259);
    }
    if (is == "ustar") continue;
    CHECK(named(entries, "t/" + std::string(150, 'n')).content == "long");
    CHECK(named(entries, "t/longlink").header.link_name == std::string(150, 'l'));
    CHECK(named(entries, "t/block").header.mtime == FileTime{-2, pax ? 750'000'000 : 0});
  }
}

TEST_CASE("entries and what the observer is told do not depend on how the input is cut",
          "[archive][tar_reader]") {
  auto const tar = tree_as("--format=pax") + "and then some";
  auto const entries = read_tar(tar);
  for (std::size_t const chunk : {1U, 13U, 511U, 512U, 513U, 1000U, 10240U}) {
    Recorder observer;
    CHECK(read_tar(tar, chunk, &observer) == entries);
    CHECK(observer.all == tar);
    CHECK(observer.ended);
    CHECK(observer.trailing.ends_with("and then some"));
    std::string marks;
    for (auto const& e : entries) marks += "[" + e.header.name + "]";
    CHECK(observer.marks == marks);
  }
}

TEST_CASE("content that is not asked for is passed over, and told all the same", "[archive][tar_reader]") {
  auto const tar = tree_as("--format=gnu");
  Recorder observer;
  tar_tools::Chunks in(tar, 700);
  TarReader reader(in, {}, &observer);
  std::size_t n = 0;
  for (TarHeader header; reader.next(header); ++n)
    if (header.name == "t/large") CHECK(!reader.next().empty());  // the rest of it is left
  CHECK(n == read_tar(tar).size());
  CHECK(observer.all == tar);
  TarHeader header;
  CHECK_FALSE(reader.next(header));
  CHECK(reader.next().empty());
}

TEST_CASE("payload is a part of the input's chunk", "[archive][tar_reader]") {
  struct Fixed final : Reader {
    Bytes next() override { return std::exchange(all, Bytes{}); }
    Bytes all = {};
  } in;
  auto const tar = raw_header("f", '0', "00000000012") + padded("0123456789") + end_of_tar;
  in.all = as_bytes(tar);
  TarReader reader(in);
  TarHeader header;
  REQUIRE(reader.next(header));
  auto const part = reader.next();
  CHECK(static_cast<void const*>(part.data()) == tar.data() + 512);
  CHECK(part.size() == 10);
}

TEST_CASE("PAX records replace what the header says", "[archive][tar_reader]") {
  std::string const nul("a\0b=\n", 5);
  auto const records =
      record("path", "p/ü") + record("linkpath", "l") + record("uid", "3000000") + record("gid", "-2") +
      record("uname", "u") + record("gname", "g") + record("mtime", "-1.5") + record("atime", "7.25") +
      record("ctime", "8") + record("SCHILY.xattr.user.x", nul) + record("SCHILY.xattr.user.a", "") +
      record("SCHILY.xattr.user.x", "last") + record("size", "3") + record("comment", "none");
  auto const tar = extension('x', records) + raw_header("old", '0', "00000000000") + padded("abc") +
                   raw_header("next", '0') + end_of_tar;
  auto const entries = read_tar(tar);
  REQUIRE(entries.size() == 2);
  auto const& h = entries[0].header;
  CHECK(h.name == "p/ü");
  CHECK(h.link_name == "l");
  CHECK(h.uid == 3000000);
  CHECK(h.gid == 4294967294);
  CHECK(h.user_name == "u");
  CHECK(h.group_name == "g");
  CHECK(h.mtime == FileTime{-2, 500'000'000});
  CHECK(h.atime == FileTime{7, 250'000'000});
  CHECK(h.ctime == FileTime{8, 0});
  CHECK(h.xattrs == std::vector<std::pair<std::string, std::string>>{{"user.a", ""}, {"user.x", "last"}});
  CHECK(entries[0].content == "abc");
  CHECK(entries[1].header == tar_tools::file("next").header);
}

TEST_CASE("global headers are told and passed over", "[archive][tar_reader]") {
  auto const tar = extension('g', record("comment", "0123") + record("path", "not this")) +
                   raw_header("f", '0') + end_of_tar;
  Recorder observer;
  auto const entries = read_tar(tar, 100, &observer);
  REQUIRE(entries.size() == 1);
  CHECK(entries[0].header.name == "f");
  CHECK(observer.marks == "{ext}[f]");
}

TEST_CASE("GNU long names end at a NUL and win over PAX", "[archive][tar_reader]") {
  std::string const name(1000, 'n');
  auto const tar = extension('L', name + '\0' + "junk") + extension('K', std::string(300, 'k') + '\0') +
                   raw_header("short", '2') + raw_header("after", '0') + end_of_tar;
  auto const entries = read_tar(tar);
  REQUIRE(entries.size() == 2);
  CHECK(entries[0].header.name == name);
  CHECK(entries[0].header.link_name == std::string(300, 'k'));
  CHECK(entries[1].header.name == "after");
}

TEST_CASE("old headers: a name that ends in a slash is a directory, others are files",
          "[archive][tar_reader]") {
  auto tar = raw_header("d/", '\0') + raw_header("f", '\0') + raw_header("c", '7') + raw_header("s/", '0');
  for (std::size_t i = 0; i < tar.size(); i += 512) {
    tar.replace(i + 257, 255, 255, '\0');
    tar_tools::seal(tar, i);
  }
  auto const entries = read_tar(tar);
  REQUIRE(entries.size() == 4);
  CHECK(entries[0].header.type == EntryType::directory);
  for (std::size_t i = 1; i < 4; ++i) CHECK(entries[i].header.type == EntryType::regular);
}

TEST_CASE("only regular files have content, whatever size a header gives", "[archive][tar_reader]") {
  for (char const type : {'1', '2', '3', '4', '5', '6'}) {
    auto const entries = read_tar(raw_header("a", type, "00000001000") + raw_header("b", '0') + end_of_tar);
    REQUIRE(entries.size() == 2);
    CHECK(entries[0].header.size == 0);
    CHECK(entries[1].header.name == "b");
  }
}

TEST_CASE("GNU times, a prefix in their place, and star's prefix are told apart", "[archive][tar_reader]") {
  auto block = raw_header("n", '0');
  block.replace(257, 8, std::string_view("ustar  \0", 8));
  auto times = block;
  times.replace(345, 24, "00000000007 00000000010 ");
  auto prefix = block;
  prefix.replace(345, 5, "a/dir");
  auto star = raw_header("n", '0');
  star.replace(345, 5, "a/dir");
  star.replace(476, 24, "00000000007 00000000010 ");
  star.replace(508, 4, std::string_view("tar\0", 4));
  auto both = times + prefix + star;
  for (std::size_t i = 0; i < both.size(); i += 512) tar_tools::seal(both, i);
  auto const entries = read_tar(both);
  REQUIRE(entries.size() == 3);
  CHECK(entries[0].header.atime == FileTime{7, 0});
  CHECK(entries[0].header.ctime == FileTime{8, 0});
  CHECK(entries[0].header.name == "n");
  CHECK_FALSE(entries[1].header.atime);
  CHECK(entries[1].header.name == "a/dir/n");
  CHECK(entries[2].header.name == "a/dir/n");
  CHECK(entries[2].header.atime == FileTime{7, 0});
}

TEST_CASE("checksums of signed and of unsigned characters are accepted, others not",
          "[archive][tar_reader]") {
  auto block = raw_header("\xff\xfe\xfd", '0');
  CHECK(read_tar(block).size() == 1);
  std::fill_n(block.begin() + 148, 8, ' ');
  int sum = 0;
  for (char const c : block) sum += static_cast<signed char>(c);
  for (std::size_t i = 0; i < 6; ++i, sum /= 8) block[153 - i] = static_cast<char>('0' + sum % 8);
  block[154] = '\0';
  CHECK(read_tar(block).size() == 1);
  block[153] = block[153] == '0' ? '1' : '0';
  CHECK(code_of([&] { read_tar(block); }) == Errc::corrupt_archive);
}

TEST_CASE("an archive ends at two zero blocks, at one, or with its input", "[archive][tar_reader]") {
  auto const one = raw_header("f", '0', "00000000001") + padded("x");
  std::string const zeros(512, '\0');
  for (auto const& tail : {std::string(), zeros, zeros + zeros, zeros + zeros + zeros, zeros + zeros + "rest",
                           zeros + zeros + one}) {
    Recorder observer;
    CHECK(read_tar(one + tail, 4096, &observer).size() == 1);
    CHECK(observer.all == one + tail);
  }
  CHECK(read_tar("").empty());
  CHECK(read_tar(zeros).empty());
  CHECK(code_of([&] { read_tar(one + zeros + one); }) == Errc::corrupt_archive);
  CHECK(code_of([&] { read_tar(one + zeros + "x"); }) == Errc::corrupt_archive);
}

TEST_CASE("an archive cut anywhere is damaged, but between entries and in the last padding",
          "[archive][tar_reader]") {
  auto const tar = extension('x', record("path", "long")) + raw_header("f", '0', "00000001001") +
                   padded(std::string(513, 'x')) + extension('L', "name") + raw_header("g", '5');
  std::size_t const first = 1024 + 512 + 513;
  for (std::size_t size = 0; size < tar.size(); ++size) {
    bool const fine = size == 0 || (size > 513 && size <= 1024 && size - 512 >= 12 + 1) ||
                      (size >= first && size <= 1024 + 512 + 1024) ||
                      (size >= 1024 + 1536 + 512 + 4 && size <= 1024 + 1536 + 1024);
    INFO(size);
    auto const code = code_of([&] { read_tar(tar.substr(0, size), 300); });
    REQUIRE(code == (fine ? std::error_code{} : make_error_code(Errc::corrupt_archive)));
  }
}

TEST_CASE("kinds a layer cannot hold are refused by name", "[archive][tar_reader]") {
  for (char const type : {'D', 'M', 'V', 'N', 'A', '8', '\x01', '\xff'}) try {
      read_tar(raw_header("culprit", type));
      FAIL("taken");
    } catch (Error const& e) {
      CHECK(e.code() == Errc::unsupported);
      CHECK(e.subject().find("culprit") != std::string::npos);
    }
}

TEST_CASE("damage has the words that Go has for it", "[archive][tar_reader]") {
  auto const words_of = [](std::string const& tar) {
    try {
      read_tar(tar);
    } catch (Error const& e) {
      return e.subject();
    }
    return std::string();
  };
  auto const f = raw_header("f", '0', "00000000002");
  for (auto const& cut : {std::string("x"), std::string(511, 'x'), f.substr(0, 300), f, f + "x",
                          f + padded("xx") + "x", raw_header("x", 'x', "00000000002") + "1"})
    CHECK(words_of(cut).starts_with("unexpected EOF"));
  for (auto const& bad : {std::string(512, 'x'), std::string(5000, 'x'), extension('x', "junk"),
                          raw_header("f", '0', "9"), extension('x', record("size", "-1")) + f})
    CHECK(words_of(bad).starts_with("invalid tar header"));
}

TEST_CASE("numbers that overflow and negative sizes are damage", "[archive][tar_reader]") {
  auto const base256 = [](char first, char rest) {
    auto block = raw_header("f", '0');
    block.replace(124, 12, 12, rest);
    block[124] = first;
    tar_tools::seal(block);
    return block;
  };
  for (auto const& tar :
       {base256('\xff', '\xff'), base256('\x80', '\xff'), base256('\x81', '\0'), raw_header("f", '0', "9"),
        extension('x', record("size", "-1")) + raw_header("f", '0'),
        extension('x', record("size", "99999999999999999999")) + raw_header("f", '0'),
        extension('x', record("mtime", "1e9")) + raw_header("f", '0'),
        extension('x', record("uid", "root")) + raw_header("f", '0'),
        extension('x', "junk") + raw_header("f", '0'), extension('g', "junk") + raw_header("f", '0'),
        raw_header("f", '0', "777777777777") /* 64 GiB that are not there */,
        extension('x', record("size", "9223372036854775807")) + raw_header("f", '0')})
    CHECK(code_of([&] { read_tar(tar); }) == Errc::corrupt_archive);
}

TEST_CASE("owners below -1 are those that Go makes of them", "[archive][tar_reader]") {
  auto const owner = [](std::string const& number) {
    auto block = raw_header("f", '0');
    block.replace(108, 8, number);
    tar_tools::seal(block);
    return read_tar(block + end_of_tar).at(0).header.uid;
  };
  CHECK(owner(std::string(7, '\xff') + '\xfe') == 4294967294);
  CHECK(owner(std::string(7, '\xff') + '\xff') == -1);
  CHECK(owner(std::string(4, '\xff') + std::string("\x80\0\0\0", 4)) == 2147483648);
  CHECK(owner(std::string(4, '\xff') + std::string("\x7f\xff\xff\xff", 4)) == -2147483649);
  CHECK(read_tar(extension('x', record("uid", "-2")) + raw_header("f", '0')).at(0).header.uid == 4294967294);
}

TEST_CASE("a device number beyond 32 bits is damage, not another device", "[archive][tar_reader]") {
  for (std::size_t const at : {329U, 337U}) {
    auto block = raw_header("dev", '4');
    block.replace(at, 8, std::string("\x80\0\0\1\0\0\0\1", 8));
    tar_tools::seal(block);
    CHECK(code_of([&] { read_tar(block); }) == Errc::corrupt_archive);
  }
}

TEST_CASE("what Go's reader checks or forgives besides", "[archive][tar_reader]") {
  auto const with = [](std::size_t at, std::string const& bytes, std::string const& magic) {
    auto block = raw_header("f", '0');
    block.replace(257, 8, magic);
    block.replace(at, bytes.size(), bytes);
    tar_tools::seal(block);
    return block;
  };
  std::string const ustar("ustar\00000", 8), gnu("ustar  \0", 8);
  CHECK(code_of([&] { read_tar(with(329, "x", ustar)); }) == Errc::corrupt_archive);
  CHECK(read_tar(with(329, "17", ustar)).at(0).header.dev_major == 0);
  CHECK(read_tar(with(329, std::string(8, '\xff'), ustar)).at(0).header.dev_major == 0);
  CHECK(read_tar(with(357, "8", gnu)).at(0).header.name == "f");
  CHECK(code_of([&] {
          read_tar(extension('x', "junk") + extension('x', record("uid", "1")) + raw_header("f", '0'));
        }) == Errc::corrupt_archive);
}

TEST_CASE("budgets hold before memory is spent", "[archive][tar_reader]") {
  auto const with = [](std::string const& tar, TarBudgets budgets) {
    return code_of([&] {
      tar_tools::Chunks in(tar);
      TarReader reader(in, budgets);
      for (TarHeader header; reader.next(header);) {
      }
    });
  };
  auto const f = raw_header("f", '0');
  for (char const type : {'x', 'g', 'L', 'K'}) {
    CHECK(with(raw_header("huge", type, "77777777777"), {}) == Errc::over_budget);
    auto max = raw_header("huge", type);
    max.replace(124, 12, std::string("\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff", 12));
    tar_tools::seal(max);
    CHECK(with(max, {}) == Errc::over_budget);
  }
  std::string many;
  for (int i = 0; i < 10; ++i) many += extension('L', "x");
  CHECK(with(many + f, {.header_bytes = 4096}) == Errc::over_budget);
  CHECK(with(many + f, {}) == std::error_code{});
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += "d/";
  CHECK(with(extension('L', deep) + f, {}) == Errc::over_budget);
  CHECK(with(extension('x', record("path", deep)) + f, {}) == Errc::over_budget);
  CHECK(with(extension('x', record("linkpath", deep)) + f, {}) == Errc::over_budget);
  CHECK(with(extension('L', deep) + f, {.path_bytes = 1'000'000}) == std::error_code{});
  CHECK(with(extension('x', record("SCHILY.xattr.user.a", deep)) + f, {.xattr_bytes = 65'536}) ==
        Errc::over_budget);
  CHECK(with(f + f + f, {.entries = 2}) == Errc::over_budget);
  CHECK(with(f + f, {.entries = 2}) == std::error_code{});
}

TEST_CASE("whatever a hostile archive holds, reading it ends with entries or an Error",
          "[archive][tar_reader]") {
  std::mt19937 random(42);
  auto const base =
      extension('x',
                record("path", "some/name") + record("mtime", "1.5") + record("SCHILY.xattr.user.a", "v")) +
      raw_header("f", '0', "00000000012") + padded("0123456789") + extension('L', std::string(200, 'n')) +
      raw_header("s", '2') + extension('g', record("comment", "c")) + raw_header("d/", '5') + end_of_tar;
  std::size_t good = 0;
  for (int round = 0; round < 4000; ++round) {
    auto tar = base;
    for (auto edits = random() % 4 + 1; edits != 0; --edits) {
      auto const at = random() % tar.size();
      switch (random() % 4) {
        case 0:
          tar[at] = static_cast<char>(random());
          break;
        case 1:
          tar[at] = "0123456789 =\n\0x"[random() % 15];
          break;
        case 2:
          tar.erase(at, random() % 600);
          break;
        default:
          tar.insert(at, tar.substr(random() % tar.size(), random() % 600));
          break;
      }
      if (tar.empty()) tar = base;
    }
    if (round % 2 == 0)  // past the checksums
      for (std::size_t at = 0; at + 512 <= tar.size(); at += 512)
        if (tar.compare(at + 257, 5, "ustar") == 0) tar_tools::seal(tar, at);
    Recorder observer;
    tar_tools::Chunks in(tar, random() % 1500 + 1);
    TarReader reader(in, {}, &observer);
    try {
      for (TarHeader header; reader.next(header);) {
        std::uint64_t size = 0;
        while (true) {
          auto const part = reader.next();
          if (part.empty()) break;
          size += part.size();
        }
        REQUIRE(size == static_cast<std::uint64_t>(header.size));
      }
      REQUIRE(observer.all == tar);
      ++good;
    } catch (Error const& e) {
      REQUIRE((e.code() == Errc::corrupt_archive || e.code() == Errc::unsupported ||
               e.code() == Errc::over_budget));
    }
  }
  CHECK(good > 100);
}
