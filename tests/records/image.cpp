#include <strata/drivers/memory.hpp>
#include <strata/records/image.hpp>
#include <strata/serializers/json.hpp>

#include <catch2/catch.hpp>

#include <string>
#include <vector>

using namespace strata;

namespace image_tests {

using Traits = ImageTraits<drivers::Memory, serializers::Json>;
using Texts = std::vector<std::string>;

Texts referred(ImageRecord const& record) {
  Texts out;
  Traits::refers_to(record, [&](std::string const& text) { out.push_back(text); });
  return out;
}

}  // namespace image_tests

using image_tests::referred;

TEST_CASE("an image is found by its digest and by those of its manifests, each once", "[records][image]") {
  ImageRecord image;
  CHECK(image_digests(image).empty());
  image.big_data_digests = {{"config", "sha256:c"},
                            {"manifest", "sha256:m"},
                            {"manifest-sha256:m", "sha256:m"},
                            {"manifest-other", "sha256:o"},
                            {"a-manifest", "sha256:a"}};
  CHECK(image_digests(image) == image_tests::Texts{"sha256:m", "sha256:o"});
  image.digest = "sha256:d";
  CHECK(image_digests(image) == image_tests::Texts{"sha256:d", "sha256:m", "sha256:o"});
  image.digest = "sha256:o";
  CHECK(image_digests(image) == image_tests::Texts{"sha256:o", "sha256:m"});
}

TEST_CASE("the layers of an image are its top layer, then the copies with other owners", "[records][image]") {
  ImageRecord image;
  CHECK(image_layers(image).empty());
  image.mapped_top_layers = {"m1", "m2"};
  CHECK(image_layers(image) == image_tests::Texts{"m1", "m2"});
  image.top_layer = "top";
  CHECK(image_layers(image) == image_tests::Texts{"top", "m1", "m2"});
  image.digest = "sha256:d";
  CHECK(referred(image) == image_tests::Texts{"top", "m1", "m2", "sha256:d"});
}

TEST_CASE("an image without a digest gets that of its first manifest, and keeps it", "[records][image]") {
  ImageRecord image;
  image_tests::Traits::data_changed(image);
  CHECK(image.digest.empty());
  image.big_data_digests["config"] = "sha256:c";
  image_tests::Traits::data_changed(image);
  CHECK(image.digest.empty());
  image.big_data_digests["manifest"] = "sha256:m";
  image_tests::Traits::data_changed(image);
  CHECK(image.digest == "sha256:m");
  image.big_data_digests["manifest"] = "sha256:n";
  image_tests::Traits::data_changed(image);
  CHECK(image.digest == "sha256:m");
}

TEST_CASE("the names that an image had are remembered, the newest first", "[records][image]") {
  ImageRecord image;
  image.names = {"a"};
  image_tests::Traits::named(image);
  image.names = {"b"};
  image_tests::Traits::named(image);
  CHECK(image.names_history == image_tests::Texts{"b", "a"});
  image.names = {"a"};
  image_tests::Traits::named(image);
  CHECK(image.names_history.size() == 2);
  image.names = {};
  image_tests::Traits::named(image);
  CHECK(image.names_history.size() == 2);
}

TEST_CASE("the fields of an image are those of images.json", "[records][image]") {
  ImageRecord record;
  image_tests::Texts keys, always;
  ImageRecord::fields(record, [&](std::string const& key, auto const&, Presence presence) {
    keys.push_back(key);
    if (presence == Presence::always) always.push_back(key);
  });
  CHECK(keys == image_tests::Texts{"id", "digest", "names", "names-history", "layer", "mapped-layers",
                                   "metadata", "big-data-names", "big-data-sizes", "big-data-digests",
                                   "created", "flags"});
  CHECK(always == image_tests::Texts{"id", "created"});
}
