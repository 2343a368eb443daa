#include <strata/oci/runtime_config.hpp>

#include <catch2/catch.hpp>

#include "oci/oci_tools.hpp"
#include <string>
#include <vector>

using oci_tools::error_of;

namespace oci = strata::oci;

namespace {

constexpr char passwd_text[] =
    "# "
    "comment\nroot:x:0:0:root:/root:/bin/sh\nnonsense\nme:x:1000:100:Me,,,:/home/me:/bin/sh\n7:x:70:71::/"
    "seven:\n"
    "big:x:4294967295:1:::\n\nlast:x:5:6:::";
constexpr char group_text[] =
    "root:x:0:\nusers:x:100:me,you\nwheel:x:10:root,me\nempty:x:11:\nbroken\nmail:x:12:you,me\n";

oci::ProcessUser resolved(std::string const& user) {
  return oci::resolve_user(user, passwd_text, group_text);
}

}  // namespace

// As runc's package `user` resolves them, which Podman uses.
TEST_CASE("users are found in the files of an image", "[oci]") {
  CHECK(resolved("") == oci::ProcessUser{.uid = 0, .gid = 0, .additional_gids = {10}, .home = "/root"});
  CHECK(resolved("root").additional_gids == std::vector<std::uint32_t>{0, 10});
  CHECK(resolved("me") ==
        oci::ProcessUser{.uid = 1000, .gid = 100, .additional_gids = {100, 10, 12}, .home = "/home/me"});
  CHECK(resolved("1000") == resolved("me"));
  CHECK(resolved("me:") == resolved("me"));
  CHECK(resolved("me:wheel") ==
        oci::ProcessUser{.uid = 1000, .gid = 10, .additional_gids = {10}, .home = "/home/me"});
  CHECK(resolved("me:11").gid == 11);
  CHECK(resolved("me:4711").gid == 4711);
  CHECK(resolved("7").uid == 70);  // the first line that has it, as name or number
  CHECK(resolved("4711") == oci::ProcessUser{.uid = 4711, .additional_gids = {0}});
  CHECK(resolved("4711:users") == oci::ProcessUser{.uid = 4711, .gid = 100, .additional_gids = {100}});
  CHECK(resolved("last") == oci::ProcessUser{.uid = 5, .gid = 6, .additional_gids = {6}, .home = ""});
  CHECK(oci::resolve_user("", "", "") == oci::ProcessUser{});
  CHECK(oci::resolve_user("5:6", "", "") == oci::ProcessUser{.uid = 5, .gid = 6, .additional_gids = {6}});
  for (std::string const text :
       {"nobody", "me:nobody", "4294967296", "2147483648", "-1", "big", "1:-1", "#", "nonsense"}) {
    INFO(text);
    CHECK(error_of([&] { resolved(text); }) == std::errc::invalid_argument);
  }
}

TEST_CASE("a container runs as its image says", "[oci]") {
  oci::RunConfig const image{.env = {"A=1", "HOME=/x"},
                             .entrypoint = {"/entry"},
                             .cmd = {"a", "b"},
                             .working_dir = "/work",
                             .labels = {{"l", "v"}},
                             .stop_signal = "15"};
  auto const config = oci::runtime_config(image, "/root/fs", {.hostname = "name"});
  auto const& process = config.at("process").as_object();
  CHECK(process.at("args") == boost::json::array{"/entry", "a", "b"});
  CHECK(process.at("env") ==
        boost::json::array{"A=1", "HOME=/x",
                           "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                           "TERM=xterm"});
  CHECK(process.at("cwd") == "/work");
  CHECK(process.at("noNewPrivileges") == true);
  CHECK(process.at("capabilities").as_object().at("effective").as_array().size() == 11);
  CHECK(config.at("root").as_object().at("path") == "/root/fs");
  CHECK(config.at("hostname") == "name");
  CHECK(config.at("annotations") ==
        boost::json::object{{"l", "v"}, {"org.opencontainers.image.stopSignal", "15"}});
}

TEST_CASE("a caller says how a container runs otherwise", "[oci]") {
  oci::RunConfig const image{.env = {"A=1"}, .cmd = {"a"}, .working_dir = "work"};
  auto const config = oci::runtime_config(image, "/",
                                          {.arguments = {"b"},
                                           .env = {"A=2", "TERM=dumb"},
                                           .user = {.uid = 5, .gid = 6, .additional_gids = {7}},
                                           .read_only = true});
  auto const& process = config.at("process").as_object();
  CHECK(process.at("args") == boost::json::array{"b"});
  CHECK(process.at("env").as_array().at(0) == "A=2");
  CHECK(process.at("env").as_array().at(1) == "TERM=dumb");
  CHECK(process.at("cwd") == "/work");
  CHECK(process.at("user").as_object().at("additionalGids") == boost::json::array{7});
  CHECK(process.at("capabilities").as_object().at("effective").as_array().empty());
  CHECK(process.at("capabilities").as_object().at("bounding").as_array().size() == 11);
  CHECK(config.at("root").as_object().at("readonly") == true);
  CHECK(error_of([] { oci::runtime_config({}, "/"); }, "no command") == std::errc::invalid_argument);
}
