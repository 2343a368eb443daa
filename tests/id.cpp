#include <strata/id.hpp>

#include <catch2/catch.hpp>

#include <set>
#include <sstream>
#include <string>
#include <type_traits>
#include <unordered_set>

using namespace strata;

TEST_CASE("an id is one safe path component", "[id]") {
  for (auto const& good : {std::string("a"), std::string("..."), std::string(".x"), std::string(255, 'a'),
                           std::string("with space"), std::string("\xff")})
    CHECK(LayerId(good).str() == good);
  for (auto const& bad : {std::string(), std::string("."), std::string(".."), std::string("a/b"),
                          std::string("/"), std::string("a\0b", 3), std::string(256, 'a')}) {
    INFO(bad);
    CHECK_FALSE(is_safe_component(bad));
    try {
      LayerId id(bad);
      FAIL("taken");
    } catch (Error const& error) {
      CHECK(error.code() == Errc::invalid_id);
    }
  }
}

TEST_CASE("random ids are hexadecimal, of the wanted length, and differ", "[id]") {
  for (std::size_t const digits : {1U, 12U, 31U, 32U, 64U}) {
    auto const text = ImageId::random(digits).str();
    CHECK(text.size() == digits);
    CHECK(text.find_first_not_of("0123456789abcdef") == std::string::npos);
  }
  std::set<std::string> seen;
  for (int i = 0; i < 2000; ++i) {
    auto const text = LayerId::random(32).str();
    CHECK(seen.insert(text).second);
    // Twelve digits are what programs shorten an id to; one in 280 would be a number.
    CHECK(text.substr(0, 12).find_first_not_of("0123456789") != std::string::npos);
  }
}

TEST_CASE("a reference made from an id or an item means that one only", "[id]") {
  struct Item {
    LayerId id() const { return LayerId("abc"); }
  };
  CHECK_FALSE(Ref("abc").is_id());
  CHECK_FALSE(Ref(std::string("abc")).is_id());
  CHECK(Ref(LayerId("abc")).is_id());
  CHECK(Ref(Item()).is_id());
  CHECK(Ref(Item()).text() == "abc");
  CHECK(Ref::exactly("abc").is_id());
  CHECK(Ref("").empty());
}

TEST_CASE("ids of different kinds are different types", "[id]") {
  STATIC_REQUIRE_FALSE(std::is_convertible_v<LayerId, ImageId>);
  STATIC_REQUIRE_FALSE(std::is_constructible_v<LayerId, ImageId>);
  CHECK(std::hash<LayerId>{}(LayerId("a")) == std::hash<LayerId>{}(LayerId("a")));
  CHECK(LayerId("a") < LayerId("b"));
}

TEST_CASE("ids and references are written, compared and hashed", "[id]") {
  std::ostringstream out;
  out << LayerId("abc") << ' ' << Ref("name");
  CHECK(out.str() == "abc name");
  CHECK(Ref("abc") == Ref(std::string("abc")));
  CHECK(Ref("abc") != Ref::exactly("abc"));
  CHECK(Ref("a") < Ref("b"));
  CHECK(std::unordered_set<Ref>{Ref("a"), Ref("a"), LayerId("a")}.size() == 2);
}
