#include <strata/oci/certificates.hpp>
#include <strata/sys/file.hpp>
#include <strata/testing/temp_dir.hpp>

#include <boost/filesystem/operations.hpp>
#include <catch2/catch.hpp>

#include "oci_tools.hpp"

namespace oci = strata::oci;
namespace fs = strata::fs;

TEST_CASE("the files of a directory of certificates", "[oci][certificates]") {
  strata::testing::TempDir const place;
  CHECK(oci::certificate_files({}).authorities.empty());
  CHECK(oci::certificate_files(place / "no").authorities.empty());
  for (auto const* const name : {"b.crt", "a.crt", "me.cert", "me.key", "README"})
    strata::sys::replace_file(place / name, "x");
  auto const files = oci::certificate_files(place.path());
  REQUIRE(files.authorities.size() == 2);
  CHECK(files.authorities[0].filename() == "a.crt");
  REQUIRE(files.client);
  CHECK(files.client->certificate.filename() == "me.cert");
  CHECK(files.client->key.filename() == "me.key");
}

TEST_CASE("a certificate without its key is refused, and so is a key alone", "[oci][certificates]") {
  strata::testing::TempDir const place;
  auto const alone = GENERATE("me.cert", "me.key");
  strata::sys::replace_file(place / alone, "x");
  CHECK(oci_tools::error_of([&] { oci::certificate_files(place.path()); }, alone) ==
        strata::Errc::configuration);
}

TEST_CASE("the first root that has a directory for the registry has its certificates",
          "[oci][certificates]") {
  strata::testing::TempDir const place;
  fs::create_directories(place / "two/localhost:5000");
  fs::create_directories(place / "three/localhost:5000");
  std::vector<fs::path> const roots{place / "one", place / "two", place / "three"};
  CHECK(oci::find_certificates("localhost:5000", roots) == place / "two/localhost:5000");
  CHECK(oci::find_certificates("localhost", roots).empty());
  CHECK(oci::certificate_roots("/home/me").front() == "/home/me/.config/containers/certs.d");
  CHECK(oci::certificate_roots({}).front() == "/etc/containers/certs.d");
}
