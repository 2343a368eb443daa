#include "../../examples/oci-storage/human.hpp"

#include <catch2/catch.hpp>

using oci_storage::human_duration;
using oci_storage::human_size;

TEST_CASE("sizes are printed with three digits and powers of a thousand", "[oci-storage]") {
  CHECK(human_size(0) == "0 B");
  CHECK(human_size(999) == "999 B");
  CHECK(human_size(2048) == "2.05 kB");
  CHECK(human_size(301'568) == "302 kB");
  CHECK(human_size(999'700) == "1 MB");
  CHECK(human_size(123'456'789'012) == "123 GB");
}

TEST_CASE("times that have passed are rounded as Podman rounds them", "[oci-storage]") {
  CHECK(human_duration(-5) == "Less than a second");
  CHECK(human_duration(1) == "1 second");
  CHECK(human_duration(59) == "59 seconds");
  CHECK(human_duration(60) == "About a minute");
  CHECK(human_duration(119) == "About a minute");
  CHECK(human_duration(120) == "2 minutes");
  CHECK(human_duration(3599) == "59 minutes");
  CHECK(human_duration(3600) == "About an hour");
  CHECK(human_duration(5400) == "2 hours");
  CHECK(human_duration(47 * 3600) == "47 hours");
  CHECK(human_duration(48 * 3600) == "2 days");
  CHECK(human_duration(13 * 86'400) == "13 days");
  CHECK(human_duration(14 * 86'400) == "2 weeks");
  CHECK(human_duration(59 * 86'400) == "8 weeks");
  CHECK(human_duration(60 * 86'400) == "2 months");
  CHECK(human_duration(729 * 86'400) == "24 months");
  CHECK(human_duration(730 * 86'400) == "2 years");
}
