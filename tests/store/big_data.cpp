#include <strata/fs.hpp>
#include <strata/store/big_data.hpp>

#include "stores.hpp"
#include <cstddef>
#include <string>

using namespace strata;
using stores::code_of;
using stores::Fixture;

TEMPLATE_TEST_CASE("big data of a layer is stored by key", "[store][big_data]", stores::Vfs) {
  Fixture<TestType> fixture;
  auto layer = fixture.store.layers().create({.id = "one"});
  layer.big_data().set("zstd-chunked-manifest", "bytes");
  layer.big_data().set("plain", "");
  CHECK(layer.big_data().names() == names::List{"zstd-chunked-manifest", "plain"});
  CHECK(layer.big_data().get("plain").empty());
  CHECK(layer.big_data().size("plain") == 0);
  CHECK(code_of([&] { layer.big_data().get("nothing"); }) == Errc::data_unknown);
  CHECK(code_of([&] { layer.big_data().set("", "x"); }) == Errc::invalid_name);
  CHECK(code_of([&] { layer.big_data().set("..", "x"); }) == Errc::invalid_name);
}

TEST_CASE("big data is streamed out, and of a const image only read", "[store][big_data]") {
  Fixture<stores::Vfs> fixture;
  auto image = fixture.store.images().create({.id = "image"});
  std::string const bytes(1'000'000, 'x');
  image.big_data().set("Key", bytes);
  std::string out;
  image.big_data().get("Key", string_sink(out));
  CHECK(out == bytes);

  // A stream that was opened goes on with what there was.
  auto from = image.big_data().source("Key");
  CHECK(from.size() == bytes.size());
  image.big_data().set("Key", "other");
  std::size_t size = 0;
  for (Bytes part = from.next(); !part.empty(); part = from.next()) size += part.size();
  CHECK(size == bytes.size());
  CHECK(image.big_data().get("Key") == "other");

  for (auto const* key : {"nothing", "", "."}) {
    CHECK(code_of([&] { static_cast<void>(image.big_data().source(key)); }) == Errc::data_unknown);
    CHECK(code_of([&] { image.big_data().get(key, string_sink(out)); }) == Errc::data_unknown);
  }

  auto const& constant = image;
  CHECK(constant.big_data().get("Key") == "other");
  auto const can_set = [](auto data) {
    return requires { data.set("Key", "x"); };
  };
  CHECK(can_set(image.big_data()));
  CHECK_FALSE(can_set(constant.big_data()));

  // Of an item that nobody keeps.
  auto kept = fixture.store.images().get("image").big_data();
  kept.set("more", "data");
  CHECK(kept.names() == names::List{"Key", "more"});
  CHECK(image.big_data().get("more") == "data");
  CHECK(image.big_data().names() == names::List{"Key"});  // as this handle knows the record
  image.refresh();
  CHECK(image.big_data().names() == names::List{"Key", "more"});
}
