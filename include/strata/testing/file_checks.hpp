#pragma once

#include <strata/archive/tar_header.hpp>
#include <strata/concepts/driver.hpp>
#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/testing/layer_probe.hpp>

#include <catch2/catch.hpp>

#include <cstddef>
#include <string>
#include <vector>

namespace strata::testing::detail {

/// Checks names and contents of files.
template <LayerDriver D>
void check_files(D& driver, fs::path const& place) {
  LayerId const base("base");
  SECTION("bytes come back under the name that they were put in by") {
    std::string large(700'000, 'x');
    for (std::size_t i = 0; i < large.size(); i += 7) large[i] = static_cast<char>(i);
    std::vector<Entry> const entries{directory("./etc/"),
                                     file("./etc/passwd", "root\n"),
                                     file("/absolute", "1"),
                                     file("deep/down/below", "2"),
                                     file("empty", ""),
                                     file("large", large),
                                     file("odd/ \n\t*'\"", "3"),
                                     file("odd/-rf", "4"),
                                     file("odd/\xC3\xA9\xE2\x82\xAC", "5"),
                                     file("odd/\xFF\xFE", "6"),
                                     file("odd/" + std::string(255, 'n'), "7"),
                                     file("odd/.whatever", "8"),
                                     file("a/./b//c", "9")};
    create_layer(driver, base, {}, entries);
    for (auto const& entry : entries) {
      if (entry.header.type != archive::EntryType::regular) continue;
      INFO(entry.header.name);
      CHECK(read_layer_file(driver, base, entry.header.name) == entry.bytes);
    }
    CHECK(code_of([&] { read_layer_file(driver, base, "none"); }) == Errc::data_unknown);
    CHECK(code_of([&] { read_layer_file(driver, base, "etc"); }) == Errc::data_unknown);
    CHECK(code_of([&] { read_layer_file(driver, base, "empty/none"); }) == Errc::data_unknown);
    CHECK(code_of([&] { read_layer_file(driver, LayerId("none"), "etc/passwd"); }) == Errc::layer_unknown);
  }
  SECTION("a later entry replaces an earlier one, a directory joins one") {
    create_layer(driver, base, {},
                 {file("f", ""), file("f", "2"), directory("d"), file("d/kept", "3"), directory("d", 0700),
                  directory("was-directory"), file("was-directory/below", ""), file("was-directory", "5"),
                  file("was-file", ""), directory("was-file"), file("was-file/below", "7")});
    CHECK(read_layer_file(driver, base, "f") == "2");
    CHECK(read_layer_file(driver, base, "d/kept") == "3");
    CHECK(read_layer_file(driver, base, "was-directory") == "5");
    CHECK(read_layer_file(driver, base, "was-file/below") == "7");
    CHECK(code_of([&] {
            create_layer(driver, LayerId("lossy"), {}, {file("f", "1"), file("f", "2")});
          }) == Errc::corrupt_archive);
  }
  SECTION("names cannot leave the layer") {
    create_layer(driver, base, {},
                 {file("../../../escaped", "1"), file("d/../../up", "2"), file("/../rooted", "3")});
    CHECK(read_layer_file(driver, base, "escaped") == "1");
    CHECK(read_layer_file(driver, base, "../../../escaped") == "1");
    CHECK(read_layer_file(driver, base, "up") == "2");
    CHECK(read_layer_file(driver, base, "rooted") == "3");
    CHECK_FALSE(fs::exists(place.parent_path() / "escaped"));
    CHECK_FALSE(fs::exists("/rooted"));
    for (std::string const& name :
         {std::string(".wh."), std::string(".wh..."), std::string("d/.wh.."), std::string("a\0b", 3)}) {
      INFO(name);
      CHECK(code_of([&] { create_layer(driver, LayerId("bad"), {}, {file(name, "")}); }) ==
            Errc::unsafe_path);
    }
  }
  SECTION("an archive cannot make what is the driver's own") {
    auto entry = file("hidden", "");
    entry.header.type = archive::EntryType::char_device;
    auto const code = code_of([&] { create_layer(driver, base, {}, {entry}); });
    CHECK((!code || code == Errc::reserved_entry));  // drivers with whole trees have no reserved entries
  }
}

}  // namespace strata::testing::detail
