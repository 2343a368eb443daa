#include <strata/oci/config_change.hpp>

#include <catch2/catch.hpp>

#include "oci/oci_tools.hpp"
#include <string>
#include <utility>
#include <vector>

using oci_tools::error_of;

namespace oci = strata::oci;

namespace {

using Texts = std::vector<std::string>;

oci::RunConfig changed(Texts const& instructions) {
  oci::RunConfig run{.env = {"PATH=/bin", "A=1", "AB=2"}, .cmd = {"old"}, .working_dir = "/home"};
  oci::apply_changes(run, instructions);
  return run;
}

}  // namespace

// What is expected here is what Podman 4.3.1 writes; tests/interop/commit.sh has both side by side.

TEST_CASE("command lines are lists in JSON, or lines for a shell", "[oci]") {
  CHECK(changed({R"(CMD ["a","b c"])"}).cmd == Texts{"a", "b c"});
  CHECK(changed({R"(cmd=["a","b"])"}).cmd == Texts{"a", "b"});
  CHECK(changed({"CMD a b"}).cmd == Texts{"/bin/sh", "-c", "a b"});
  CHECK(changed({R"(CMD ["a",1])"}).cmd == Texts{"/bin/sh", "-c", R"(["a",1])"});
  CHECK(changed({R"(CMD {"a":"b"})"}).cmd == Texts{"/bin/sh", "-c", R"({"a":"b"})"});
  CHECK(changed({"CMD [null]"}).cmd == Texts{""});
  CHECK(changed({R"(CMD ["a\u0000b"])"}).cmd == Texts{std::string("a\0b", 3)});
  CHECK(changed({"CMD []"}).cmd.empty());
  CHECK(changed({"CMD "}).cmd == Texts{"/bin/sh", "-c"});
  CHECK(changed({"CMD a", "CMD null"}).cmd == Texts{"old"});
  CHECK(changed({"ENTRYPOINT x", "CMD b"}).entrypoint == Texts{"/bin/sh", "-c", "x"});
  CHECK(changed({R"(ENTRYPOINT ["/x"])"}).cmd == Texts{"old"});
  CHECK(changed({R"(ENTRYPOINT ["/x"])", "ENTRYPOINT "}).entrypoint.empty());
}

TEST_CASE("variables and labels are added, one an instruction", "[oci]") {
  CHECK(changed({"ENV A=b C=d"}).env == Texts{"PATH=/bin", "AB=2", "A=b C=d"});
  CHECK(changed({"ENV B"}).env.back() == "B=");
  CHECK(changed({R"(ENV "B"="c d")"}).env.back() == "B=c d");
  CHECK(changed({R"(ENV B=")"}).env.back() == "B=");
  CHECK(changed({R"(ENV B"="c")"}).env.back() == R"(B"=c)");
  CHECK(changed({"ENV B=1", "ENV B=2"}).env == Texts{"PATH=/bin", "A=1", "AB=2", "B=2"});
  CHECK(changed({R"(LABEL "a b"="c d")", "LABEL e=f g=h"}).labels ==
        std::map<std::string, std::string>{{"a b", "c d"}, {"e", "f g=h"}});
}

TEST_CASE("ports, volumes and what is done on a build are added", "[oci]") {
  CHECK(changed({"EXPOSE 80", "EXPOSE 53/UDP", "EXPOSE +080"}).exposed_ports == Texts{"80/tcp", "53/udp"});
  CHECK(changed({"VOLUME /a /b", R"(VOLUME ["/b","/c d"])"}).volumes == Texts{"/a", "/b", "/c d"});
  CHECK(changed({"ONBUILD RUN x", "ONBUILD CMD y"}).unknown.at("OnBuild") ==
        boost::json::array{"RUN x", "CMD y"});
}

TEST_CASE("users, directories and signals replace what there was", "[oci]") {
  CHECK(changed({"USER  me:you "}).user == "me:you");
  CHECK(changed({"WORKDIR b"}).working_dir == "b");
  CHECK(changed({"WORKDIR /a", "WORKDIR b/../c", "WORKDIR d"}).working_dir == "/a/c/d");
  CHECK(changed({"WORKDIR /a", "WORKDIR /b//"}).working_dir == "/b");
  for (auto const& [text, number] : std::vector<std::pair<std::string, std::string>>{{"SIGTERM", "15"},
                                                                                     {"quit", "3"},
                                                                                     {"9", "9"},
                                                                                     {"IO", "29"},
                                                                                     {"POLL", "29"},
                                                                                     {"sigcld", "17"},
                                                                                     {"iot", "6"},
                                                                                     {"RTMIN", "34"},
                                                                                     {"sigrtmin+3", "37"},
                                                                                     {"RTMAX-14", "50"},
                                                                                     {"64", "64"}}) {
    INFO(text);
    CHECK(changed({"STOPSIGNAL " + text}).stop_signal == number);
  }
}

TEST_CASE("what is no change is refused with the instruction, and nothing is changed", "[oci]") {
  for (std::string const text : {"",
                                 "CMD",
                                 "CMD\ttab",
                                 "FROM x",
                                 "RUN x",
                                 "HEALTHCHECK CMD x",
                                 "  USER x",
                                 "USER ",
                                 "USER=a b",
                                 "ENV =x",
                                 "ENV ",
                                 "LABEL a",
                                 "LABEL a b",
                                 "LABEL =x",
                                 "EXPOSE 0",
                                 "EXPOSE 65536",
                                 "EXPOSE -1",
                                 "EXPOSE 80-82",
                                 "EXPOSE 80 81",
                                 "EXPOSE 80/",
                                 "EXPOSE 80/sctp",
                                 "EXPOSE 80/tcp/x",
                                 "EXPOSE 99999999999",
                                 "STOPSIGNAL 0",
                                 "STOPSIGNAL 65",
                                 "STOPSIGNAL FOO",
                                 "STOPSIGNAL RTMIN+16",
                                 "STOPSIGNAL RTMIN-1",
                                 "STOPSIGNAL RTMAX-15",
                                 "STOPSIGNAL ",
                                 "VOLUME ",
                                 "VOLUME []",
                                 "VOLUME null",
                                 R"(VOLUME [""])",
                                 "VOLUME /a  /b",
                                 "WORKDIR ",
                                 "ONBUILD "}) {
    INFO(text);
    auto run = oci::RunConfig{.user = "me"};
    CHECK(error_of(
              [&] {
                oci::apply_changes(run, {"USER you", text});
              },
              "change \"" + text + '"') == std::errc::invalid_argument);
    CHECK(run.user == "me");
  }
}
