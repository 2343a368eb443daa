#include <strata/fs.hpp>
#include <strata/records/container.hpp>
#include <strata/records/image.hpp>
#include <strata/records/layer.hpp>
#include <strata/serializers/json.hpp>
#include <strata/testing/serializer_suite.hpp>
#include <strata/testing/temp_dir.hpp>

#include <boost/filesystem/fstream.hpp>
#include <boost/json.hpp>
#include <catch2/catch.hpp>

#include <cstdlib>
#include <iterator>
#include <string>

namespace {

using namespace strata;
using serializers::Json;

template <class Record>
std::string again(std::string_view bytes) {
  auto const read = Json::decode<Record>(bytes);
  std::vector<Row<Record>> rows;
  for (auto const& record : read.records) rows.push_back(std::make_shared<Record const>(record));
  return Json::encode(std::span<Row<Record> const>(rows), read.unreadable);
}

template <class Record>
Record only(std::string_view bytes) {
  auto read = Json::decode<Record>(bytes);
  REQUIRE(read.unreadable.empty());
  REQUIRE(read.records.size() == 1);
  return read.records[0];
}

std::string file(fs::path const& path) {
  fs::ifstream in(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

}  // namespace

TEST_CASE("serializers::Json keeps the serializer contract", "[serializers][json]") {
  strata::testing::serializer_suite<Json>();
  strata::testing::serializer_suite<Json>(42);
}

TEST_CASE("Boost.JSON, a parser of its own, agrees that our files are JSON and on what they say",
          "[serializers][json]") {
  strata::testing::RandomRecords random(7);
  std::vector<Row<ImageRecord>> rows;
  for (int i = 0; i < 200; ++i)
    rows.push_back(std::make_shared<ImageRecord const>(random.make<ImageRecord>()));
  auto const bytes = Json::encode(std::span<Row<ImageRecord> const>(rows), {});
  auto const parsed = boost::json::parse(bytes).as_array();
  REQUIRE(parsed.size() == rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    auto const& object = parsed[i].as_object();
    CHECK(std::string_view(object.at("id").as_string()) == rows[i]->id);
    CHECK((object.contains("metadata") ? std::string_view(object.at("metadata").as_string()) : "") ==
          rows[i]->metadata);
    for (auto const& [key, value] : rows[i]->big_data_digests)
      CHECK(std::string_view(object.at("big-data-digests").as_object().at(key).as_string()) == value);
  }
}

TEST_CASE("Boost.JSON agrees on what is a JSON file and what is not", "[serializers][json]") {
  strata::testing::RandomRecords random(99);
  for (int round = 0; round < 20; ++round) {
    Row<ContainerRecord> const row = std::make_shared<ContainerRecord const>(random.make<ContainerRecord>());
    auto const bytes = Json::encode(std::span<Row<ContainerRecord> const>(&row, 1), {});
    for (int i = 0; i < 100; ++i) {
      auto const damaged = random.damage(bytes);
      boost::json::error_code error;
      boost::json::parse_options options;
      options.allow_invalid_utf8 = true;  // Go replaces those
      auto const parsed = boost::json::parse(boost::json::string_view(damaged), error, {}, options);
      if (error == boost::json::error::exponent_overflow) continue;  // a matter of numbers, not of JSON
      bool const theirs = damaged.empty() || (!error && (parsed.is_array() || parsed.is_null()));
      auto const ours = strata::testing::detail::error_of([&] { Json::decode<ContainerRecord>(damaged); });
      CAPTURE(damaged);
      CHECK(theirs == !ours);
    }
  }
}

TEST_CASE("records that containers/storage wrote come back byte for byte", "[serializers][json]") {
  // From the worked example of a store made by version 1.43.
  std::string const layers =
      R"([{"id":"B","names":["base"],"created":"2026-11-23T16:56:22.394348017Z","compressed-diff-digest":"sha256:96a6","compressed-size":402,"diff-digest":"sha256:25f2","diff-size":10240,"compression":2,"uidset":[0,1000],"gidset":[0,100]},)"
      R"({"id":"T","names":["top"],"parent":"B","created":"2026-11-23T16:56:22.425204094Z","diff-size":10240,"uidmap":[{"container_id":0,"host_id":100000,"size":65536}],"big-data-names":["zstd-chunked-manifest"]},)"
      R"({"id":"L","parent":"T","created":"0001-01-01T00:00:00Z"}])";
  CHECK(again<LayerRecord>(layers) == layers);
  std::string const containers =
      R"([{"id":"C","names":["ctr1"],"image":"","layer":"L","metadata":"{\"m\":1}","big-data-names":["config.json"],"big-data-sizes":{"config.json":14},"big-data-digests":{"config.json":"sha256:5809"},"created":"2026-11-23T16:56:22.526407978Z","flags":{"MountLabel":"","MountOpts":["a","b"],"ProcessLabel":"","Volatile":true}}])";
  CHECK(again<ContainerRecord>(containers) == containers);
  std::string const mounts = R"([{"id":"L","path":"/graph/overlay/L/merged","count":1}])";
  CHECK(again<MountRecord>(mounts) == mounts);
}

TEST_CASE("strings are escaped as Go escapes them", "[serializers][json]") {
  LayerRecord record;
  record.id = "a";
  record.metadata =
      "<>&\"\\\b\f\n\r\t\x01\x1F\x7F/\xC3\xA9\xE2\x80\xA8\xE2\x80\xA9\xEF\xBF\xBD"
      "\xFF\xED\xA0\x80\xF0\x9F\x90\xB3";
  Row<LayerRecord> const row = std::make_shared<LayerRecord const>(record);
  CHECK(Json::encode(std::span<Row<LayerRecord> const>(&row, 1), {}) ==
        R"([{"id":"a","metadata":"\u003c\u003e\u0026\"\\\u0008\u000c\n\r\t\u0001\u001f)"
        "\x7F/\xC3\xA9"
        R"(\u2028\u2029)"
        "\xEF\xBF\xBD"
        R"(\ufffd\ufffd\ufffd\ufffd)"
        "\xF0\x9F\x90\xB3"
        R"(","created":"0001-01-01T00:00:00Z"}])");
}

TEST_CASE("what Go reads is read", "[serializers][json]") {
  SECTION("white space, keys in any case, null for nothing, offsets in times") {
    auto const record = only<LayerRecord>(
        " [ { \"ID\" : \"a\" ,\n\t\"Names\":[ \"x\" , \"y\" ], \"pARENT\" : null , \"flags\":null,"
        "\"created\":\"2026-11-23T18:00:00.5+02:00\", \"diff-\\u0073ize\" : -1, \"unknown\" : { \"a b\" : [ "
        "1 , 2 ] } } ]\r\n");
    CHECK(record.id == "a");
    CHECK(record.names == std::vector<std::string>{"x", "y"});
    CHECK(record.parent.empty());
    CHECK(record.created.str() == "2026-11-23T16:00:00.5Z");
    CHECK(record.diff_size == -1);
    REQUIRE(record.extra.size() == 1);
    CHECK(record.extra[0].first == "unknown");
    CHECK(record.extra[0].second.text == R"({"a b":[1,2]})");
  }
  SECTION("whole numbers written as fractions, times without a zone") {
    for (auto const& [text, value] : std::vector<std::pair<std::string, std::int64_t>>{{"1.0", 1},
                                                                                       {"10240.00", 10240},
                                                                                       {"1e3", 1000},
                                                                                       {"1E+3", 1000},
                                                                                       {"-1.0", -1},
                                                                                       {"-0.0", 0},
                                                                                       {"15.5e1", 155}}) {
      CAPTURE(text);
      auto const record =
          only<LayerRecord>(R"([{"id":"a","diff-size":)" + text +
                            R"(,"created":"2026-11-23T18:00:00","uidset":[5.0,6],"kept":[1.0]}])");
      CHECK(record.diff_size == value);
      CHECK(record.created.str() == "2026-11-23T18:00:00Z");
      CHECK(record.uidset == std::vector<std::uint32_t>{5, 6});
      REQUIRE(record.extra.size() == 1);
      CHECK(record.extra[0].second.text == "[1.0]");
    }
    for (std::string const text :
         {"1.5", "1e-1", "9223372036854775808", "9223372036854775808.0", "1e19", "1e300"}) {
      CAPTURE(text);
      CHECK_FALSE(serializers::json::read_record<LayerRecord>(R"({"id":"a","diff-size":)" + text + "}",
                                                              serializers::json::BadUtf8::replace));
    }
  }
  SECTION("the exact key is meant before one in another case, the last of two counts") {
    CHECK(only<LayerRecord>(R"([{"id":"a","id":"b"}])").id == "b");
    CHECK(only<LayerRecord>(R"([{"id":"a","ID":"b"}])").id == "b");
    CHECK(only<LayerRecord>("[{\"id\":\"a\",\"name\xC5\xBF\":[\"n\"]}]").names.size() == 1);
  }
  SECTION("keys in any order") {
    auto const record = only<LayerRecord>(R"([{"toc-digest":"t","zzz":1,"parent":"p","aaa":2,"id":"a"}])");
    CHECK(record.toc_digest == "t");
    CHECK(record.parent == "p");
    CHECK(record.extra.size() == 2);
    CHECK(again<LayerRecord>(R"([{"toc-digest":"t","zzz":1,"parent":"p","aaa":2,"id":"a"}])") ==
          R"([{"id":"a","parent":"p","created":"0001-01-01T00:00:00Z","toc-digest":"t","zzz":1,"aaa":2}])");
  }
  SECTION("escapes, also of characters that need two; halves of them are replaced") {
    CHECK(only<LayerRecord>(R"([{"id":"b","metadata":"\u0061\/\"\ud83d\udc33\ud83dx\udc33\ud83d\u0041"}])")
              .metadata ==
          "a/\"\xF0\x9F\x90\xB3\xEF\xBF\xBDx\xEF\xBF\xBD\xEF\xBF\xBD"
          "A");
    CHECK(only<LayerRecord>("[{\"id\":\"b\",\"metadata\":\"\xFFx\xC3\"}]").metadata ==
          "\xEF\xBF\xBDx\xEF\xBF\xBD");
  }
  SECTION("numbers of flags keep all their digits") {
    auto const text =
        std::string(R"([{"id":"a","created":"0001-01-01T00:00:00Z","flags":{"n":12345678901234567890}}])");
    CHECK(again<LayerRecord>(text) == text);
  }
  CHECK(Json::decode<LayerRecord>("null").records.empty());
  CHECK(Json::decode<LayerRecord>(" [ ] ").records.empty());
}

TEST_CASE("one bad record does not make the others unreachable", "[serializers][json]") {
  for (std::string const bad : {R"(1)",
                                R"("x")",
                                R"(null)",
                                R"([])",
                                R"({})",
                                R"({"id":null})",
                                R"({"id":7})",
                                R"({"id":""})",
                                R"({"id":"a/b"})",
                                R"({"id":".."})",
                                R"({"id":"x","names":"n"})",
                                R"({"id":"x","names":[1]})",
                                R"({"id":"x","created":"yesterday"})",
                                R"({"id":"x","created":5})",
                                R"({"id":"x","diff-size":1.5})",
                                R"({"id":"x","diff-size":1.5})",
                                R"({"id":"x","diff-size":9223372036854775808})",
                                R"({"id":"x","uidset":[-1]})",
                                R"({"id":"x","uidset":[4294967296]})",
                                R"({"id":"x","flags":[]})",
                                R"({"id":"x","uidmap":[{"size":"1"}]})",
                                R"({"id":"x","uidmap":{}})"}) {
    CAPTURE(bad);
    auto const bytes = R"([{"id":"a","created":"0001-01-01T00:00:00Z"},)" + bad +
                       R"(,{"id":"b","created":"0001-01-01T00:00:00Z"}])";
    auto const read = Json::decode<LayerRecord>(bytes);
    REQUIRE(read.records.size() == 2);
    CHECK(read.records[1].id == "b");
    CHECK(read.unreadable == std::vector<std::string>{bad});
    auto const kept = again<LayerRecord>(bytes);
    CHECK(kept.find(bad) != std::string::npos);
    CHECK(again<LayerRecord>(kept) == kept);
  }
}

TEST_CASE("a broken file is an error that says where", "[serializers][json]") {
  std::string const whole =
      R"([{"id":"a","names":["x"],"created":"0001-01-01T00:00:00Z","flags":{"k":[true,-1.5e3]}}])";
  for (std::size_t size = 1; size < whole.size(); ++size) {
    CAPTURE(size);
    CHECK_THROWS_AS(Json::decode<LayerRecord>(whole.substr(0, size)), Error);
  }
  for (std::string const bad : {"{}",
                                "[,]",
                                "[{},]",
                                "[] []",
                                "[{\"id\":\"a\"}",
                                "[{\"id\" \"a\"}]",
                                "[{id:1}]",
                                "[{\"id\":\"a\",}]",
                                "[01]",
                                "[1.]",
                                "[-]",
                                "[1e]",
                                "[+1]",
                                "[tru]",
                                "[nulL]",
                                "[\"\\x\"]",
                                "[\"\\u12\"]",
                                "[\"\\u12g4\"]",
                                "[\"\n\"]",
                                "[\"",
                                "[{\"a\":}]",
                                "\xEF\xBB\xBF[]",
                                " ",
                                "[1}",
                                "[{]",
                                "['a']",
                                "[{\"id\":\"a\",\"x\":.5}]"}) {
    CAPTURE(bad);
    CHECK_THROWS_AS(Json::decode<LayerRecord>(bad), Error);
  }
  CHECK_THROWS_AS(Json::decode<LayerRecord>(std::string(64, '\0')), Error);
  try {
    Json::decode<LayerRecord>(R"([{"id":"a"} {"id":"b"}])");
    FAIL("no error");
  } catch (Error const& error) {
    CHECK(error.code() == Errc::corrupt_record);
    CHECK(error.subject().find("byte 12") != std::string::npos);
  }
  INFO("nesting is no way to overflow the stack");
  CHECK_THROWS_AS(Json::decode<LayerRecord>("[" + std::string(1'000'000, '[')), Error);
  auto const deep = std::string(400, '[') + std::string(400, ']');
  CHECK(only<LayerRecord>(R"([{"id":"a","x":)" + deep + "}]").extra[0].second.text == deep);
}

TEST_CASE("a flag that is not JSON is refused before it spoils the file", "[serializers][json]") {
  for (std::string const bad : {"", "yes", "1 2", "{", "\"a"}) {
    LayerRecord record;
    record.id = "a";
    record.flags["k"] = RawJson{bad};
    Row<LayerRecord> const row = std::make_shared<LayerRecord const>(record);
    CHECK_THROWS_AS(Json::encode(std::span<Row<LayerRecord> const>(&row, 1), {}), Error);
  }
}

TEST_CASE("the real program writes what we read, and reads what we write", "[serializers][json][interop]") {
  if (std::system("command -v containers-storage >/dev/null 2>&1") != 0) {
    WARN("skipped: containers-storage is not installed");
    return;
  }
  strata::testing::TempDir const dir;
  auto const storage = [&](std::string const& arguments) {
    auto const command = "containers-storage --graph " + (dir / "root").string() + " --run " +
                         (dir / "run").string() + " --storage-driver vfs " + arguments + " >" +
                         (dir / "out").string() + " 2>&1";
    INFO(command);
    REQUIRE(std::system(command.c_str()) == 0);
    return file(dir / "out");
  };
  std::string const odd = R"('<b>&"\	é'$(printf '\342\200\250\010\177'))";
  // It writes \ufffd for bytes that are not UTF-8, and the character itself from the next save on, as we do.
  storage("create-layer -i base -n \"$(printf '\\377')\" -n base-" + odd);
  storage("create-layer -i top base");
  storage("create-image -i img -n localhost/demo -m " + odd + " top");
  storage("add-names -n other -n third img");
  {
    fs::ofstream(dir / "data") << "some data\n";
    storage("set-image-data -f " + (dir / "data").string() + " img config");
  }
  storage("create-container -i ctr -n box-" + odd + " -m '{\"m\":1}' img");

  auto const layers = dir / "root/vfs-layers/layers.json";
  auto const images = dir / "root/vfs-images/images.json";
  auto const containers = dir / "root/vfs-containers/containers.json";
  CHECK(again<LayerRecord>(file(layers)) == file(layers));
  CHECK(again<ImageRecord>(file(images)) == file(images));
  CHECK(again<ContainerRecord>(file(containers)) == file(containers));

  auto read = Json::decode<LayerRecord>(file(layers));
  REQUIRE(read.records.size() == 3);
  read.records[1].names = {"named <by> us & \xE2\x80\xA8 \xF0\x9F\x90\xB3"};
  read.records[1].extra.emplace_back("strata-test", RawJson{"[1,{\"a\":null}]"});
  std::vector<Row<LayerRecord>> rows;
  for (auto const& record : read.records) rows.push_back(std::make_shared<LayerRecord const>(record));
  fs::ofstream(layers, std::ios::binary) << Json::encode(std::span<Row<LayerRecord> const>(rows), {});
  CHECK(storage("layers").find(read.records[1].names[0]) != std::string::npos);
}
