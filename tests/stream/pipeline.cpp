#include <strata/codec/all.hpp>
#include <strata/stream/pipeline.hpp>

#include "../codec/tools.hpp"

using namespace strata;

TEST_CASE("what an outlet writes an inlet reads", "[archive][pipeline]") {
  auto const plain = tools::sample(6'000'000);
  for (auto const compression : {Compression::none, Compression::gzip, Compression::zstd}) {
    std::string packed;
    archive::CompressingWriter out(tools::StringSink{&packed}, compression, codec::All{},
                                   {.hash_plain = true, .hash_output = true});
    out.write(as_bytes(plain));
    auto const written = out.finish();
    archive::DecompressingReader in(tools::Chunks(packed, 50'000), codec::All{});
    auto const read = in.finish();
    CHECK(read.compression == compression);
    CHECK(read.plain_digest == written.plain_digest);
    CHECK(read.plain_size == written.plain_size);
    CHECK(read.compressed_digest == written.output_digest);
    CHECK(read.compressed_size == written.output_size);
  }
}
