// Invariant: pieces that several threads work on are delivered in the order in which they were submitted, each with what
// came before it; what a worker or the delivery throws reaches who submits, and nothing is delivered behind it.

#include <strata/codec/ordered.hpp>

#include "fuzz.hpp"
#include <stdexcept>
#include <vector>

// A worker cannot work on a byte 0xff, the delivery takes none of 0xfe.

namespace {

using strata::codec::detail::Ordered;
using strata::codec::detail::Piece;

std::byte changed(std::byte b) { return b ^ std::byte{0x5a}; }

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  fuzz::Input input(data, size);
  auto const threads = 1 + input.choice(3);
  bool const finished = input.flag();
  std::string delivered, wanted, submitted;
  bool failed = false;
  try {
    Ordered pieces(
        threads,
        [&] {
          return Ordered::Step([](Piece& piece) {
            piece.packed.clear();
            for (auto const b : piece.own()) {
              if (b == std::byte{0xff}) throw std::runtime_error("worker");
              piece.packed.push_back(changed(b));
            }
          });
        },
        [&](Piece& piece) {
          for (auto const b : piece.own())
            if (b == std::byte{0xfe}) throw std::runtime_error("delivery");
          fuzz::require(piece.before().size() <= 4, "what came before it");
          delivered += strata::as_text(piece.packed);
        });
    std::string last;
    while (!input.text().empty()) {
      auto const part = std::string(input.part('\n'));
      auto& piece = pieces.claim();
      piece.plain.clear();
      for (char const c : last + part) piece.plain.push_back(static_cast<std::byte>(c));
      piece.history = last.size();
      last = part.substr(0, 4);
      submitted += part;
      pieces.submit();
    }
    if (finished) pieces.finish();
  } catch (std::runtime_error const&) {
    failed = true;
  }
  for (char const c : submitted) wanted += static_cast<char>(changed(static_cast<std::byte>(c)));
  fuzz::require(wanted.starts_with(delivered), "in order");
  bool const bad = submitted.find('\xff') != std::string::npos || submitted.find('\xfe') != std::string::npos;
  fuzz::require(!failed || bad, "a failure has a reason");
  if (finished) fuzz::require(failed == bad && (bad || delivered == wanted), "all of it, or an error");
  return 0;
}
