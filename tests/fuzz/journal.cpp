// Invariant: of any bytes the frames that check out are read, up to the first that does not, and the same ones when only
// these are left or more is written behind them; a frame in the right form is never an error for its check sum's sake; and
// files of records come back as they were.

#include <strata/records/layer.hpp>
#include <strata/serializers/journal.hpp>

#include "fuzz.hpp"
#include "records.hpp"

using namespace strata;
using serializers::Journal;

namespace {

struct Seen {
  std::string changes = {};  ///< as they stand there
  std::size_t length = 0;
  std::error_code error = {};
  bool operator==(Seen const&) const = default;
};

Seen read(std::string_view frames) {
  Seen seen;
  seen.error = fuzz::outcome({Errc::corrupt_record}, [&] {
    seen.length = Journal::read_frames(frames, [&](LogChange const& change) {
      seen.changes += change.encoded;
      fuzz::require(change.encoded.ends_with('\n'), "a change is a line");
      if (change.record.empty()) {
        auto const again = Journal::encode_erase(change.kind, change.id);
        std::string kind, id;
        auto const keep = [&](LogChange const& other) { kind = other.kind, id = other.id; };
        Journal::read_frames(Journal::frame(std::span(&again, 1)), keep);
        fuzz::require(kind == change.kind && id == change.id, "an erasure can be written again");
      } else {
        fuzz::outcome({Errc::corrupt_record}, [&] {
          auto const record = Journal::decode_record<LayerRecord>(change.record);
          auto const written = Journal::encode_put(change.kind, record);
          fuzz::require(written.starts_with("put "), "a record that was read can be written");
        });
      }
    });
  });
  return seen;
}

void check_log(std::string_view frames) {
  auto const seen = read(frames);
  fuzz::require(seen.length <= frames.size(), "no more than there is");
  if (seen.error) return;
  auto const rest = frames.substr(seen.length);
  auto const prefix = read(frames.substr(0, seen.length));
  fuzz::require(prefix == seen, "what was read, alone, reads the same");
  static_cast<void>(Journal::frame_follows(rest));
  std::vector<std::string> const more{Journal::encode_erase("layers", "x")};
  auto const longer = read(std::string(frames.substr(0, seen.length)) + Journal::frame(more));
  fuzz::require(!longer.error && longer.changes == seen.changes + more[0],
                "what is written behind it is read");
}

void check_file(std::string_view bytes) {
  fuzz::outcome({Errc::corrupt_record}, [&] {
    auto const decoded = Journal::decode<LayerRecord>(bytes);
    auto const written = fuzz::written<Journal>(decoded);
    auto const again = Journal::decode<LayerRecord>(written);
    fuzz::require(fuzz::text_of(again) == fuzz::text_of(decoded), "records come back as they were");
    fuzz::require(fuzz::written<Journal>(again) == written, "written again, they are the same bytes");
  });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  fuzz::Input input(data, size);
  switch (input.choice(4)) {
    case 0:
      check_log(input.text());
      break;
    case 1: {  // parts of the input as frames that check out, and then what was left of a write
      auto const cut = input.choice(256);
      std::string frames;
      while (!input.text().empty()) {
        std::vector<std::string> const body{std::string(input.part('\xff'))};
        frames += Journal::frame(body);
      }
      check_log(
          std::string_view(frames).substr(0, frames.size() - std::min<std::size_t>(cut, frames.size())));
      break;
    }
    case 2:
      check_file(input.text());
      break;
    default:  // the same with a check sum that is right
      std::vector<std::string> const body{std::string(input.text())};
      check_file("strata journal 1 records\n" + Journal::frame(body));
      fuzz::outcome({Errc::corrupt_record, Errc::store_mismatch},
                    [&] { Journal::read_log_header(input.text(), "overlay"); });
  }
  return 0;
}
