#pragma once

#include <strata/codec/gzip.hpp>
#include <strata/codec/ordered.hpp>

#include <algorithm>
#include <functional>

namespace strata::codec::detail {

STRATA_INLINE std::uint8_t* as_octets(std::byte const* bytes) {
  // ISA-L takes its input as pointers to non-const but does not write to it.
  return const_cast<std::uint8_t*>(reinterpret_cast<std::uint8_t const*>(bytes));
}

STRATA_INLINE GzipFiller::GzipFiller(Source in)
    : in_(std::move(in)), state_(std::make_unique<inflate_state>()) {
  state_->block_state = ISAL_BLOCK_FINISH;
}

STRATA_INLINE std::size_t GzipFiller::fill(std::span<std::byte> into) {
  std::size_t done = 0;
  while (done < into.size()) {
    if (state_->block_state == ISAL_BLOCK_FINISH) {
      if (in_.rest().empty()) break;
      read_header();
      isal_inflate_init(state_.get());
      state_->crc_flag = ISAL_GZIP_NO_HDR_VER;
    }
    done += inflate(into.subspan(done));
  }
  return done;
}

STRATA_INLINE std::size_t GzipFiller::inflate(std::span<std::byte> into) {
  auto const rest = in_.rest().first(std::min(in_.rest().size(), most_at_once));
  into = into.first(std::min(into.size(), most_at_once));
  state_->next_in = as_octets(rest.data());
  state_->avail_in = static_cast<std::uint32_t>(rest.size());
  state_->next_out = as_octets(into.data());
  state_->avail_out = static_cast<std::uint32_t>(into.size());
  if (isal_inflate(state_.get()) < 0) throw_damaged("gzip", "broken data or wrong check sum");
  in_.skip(rest.size() - state_->avail_in);
  auto const produced = into.size() - state_->avail_out;
  if (rest.empty() && produced == 0 && state_->block_state != ISAL_BLOCK_FINISH)
    throw_damaged("gzip", "unexpected EOF");
  return produced;
}

STRATA_INLINE void GzipFiller::read_header() {
  header_crc_ = 0;
  std::array<std::uint8_t, 10> fixed{};
  for (auto& octet : fixed) octet = read_octet();
  if (fixed[0] != 0x1f || fixed[1] != 0x8b || fixed[2] != 8)
    throw_damaged("gzip", "followed by something else");
  auto const flags = fixed[3];
  constexpr unsigned header_crc = 2, extra = 4, name = 8, comment = 16;  // RFC 1952 2.3.1
  if (flags & extra)
    for (auto left = read_two_octets(); left != 0; --left) read_octet();
  for (auto const text : {name, comment})
    if (flags & text)
      while (read_octet() != 0) {
      }
  if (flags & header_crc) {
    auto const expected = header_crc_ & 0xffff;
    if (read_two_octets() != expected) throw_damaged("gzip", "wrong check sum of a header");
  }
}

STRATA_INLINE std::uint8_t GzipFiller::read_octet() {
  auto const rest = in_.rest();
  if (rest.empty()) throw_damaged("gzip", "unexpected EOF");
  auto const octet = std::to_integer<std::uint8_t>(rest.front());
  header_crc_ = crc32_gzip_refl(header_crc_, &octet, 1);
  in_.skip(1);
  return octet;
}

STRATA_INLINE std::uint32_t GzipFiller::read_two_octets() {
  std::uint32_t const low = read_octet();
  return low | std::uint32_t{read_octet()} << 8;
}

STRATA_INLINE Deflater::Deflater(unsigned level)
    : level_(level), stream_(std::make_unique<isal_zstream>()), tables_(table_bytes(level)) {
  isal_deflate_init(stream_.get());
}

STRATA_INLINE void Deflater::operator()(Piece& piece) {
  isal_deflate_reset(stream_.get());
  stream_->level = level_;
  stream_->level_buf = tables_.data();
  stream_->level_buf_size = static_cast<std::uint32_t>(tables_.size());
  stream_->gzip_flag = IGZIP_DEFLATE;
  stream_->flush = SYNC_FLUSH;
  stream_->end_of_stream = 0;
  auto const own = piece.own();
  auto const before = piece.before();
  if (!before.empty())
    isal_deflate_set_dict(stream_.get(), as_octets(before.data()), static_cast<std::uint32_t>(before.size()));
  stream_->next_in = as_octets(own.data());
  stream_->avail_in = static_cast<std::uint32_t>(own.size());
  std::size_t used = 0;
  do {  // a single pass: incompressible data is stored, in blocks of 64 KiB plus 5 bytes each
    piece.packed.resize(used + own.size() + own.size() / 8 + 4096);
    stream_->next_out = as_octets(piece.packed.data() + used);
    stream_->avail_out = static_cast<std::uint32_t>(piece.packed.size() - used);
    if (isal_deflate(stream_.get()) != COMP_OK) throw Error(Errc::unsupported, "deflate level in ISA-L");
    used = piece.packed.size() - stream_->avail_out;
  } while (stream_->avail_in != 0 || stream_->avail_out == 0);
  piece.packed.resize(used);
}

STRATA_INLINE std::size_t Deflater::table_bytes(unsigned level) {
  return level == 1 ? ISAL_DEF_LVL1_DEFAULT : level == 2 ? ISAL_DEF_LVL2_DEFAULT : ISAL_DEF_LVL3_DEFAULT;
}

STRATA_INLINE GzipEncoder::GzipEncoder(Sink out, unsigned level, unsigned threads)
    : out_(std::move(out)),
      pieces_(std::make_unique<Ordered>(
          threads,
          [level] { return Ordered::Step([d = std::make_shared<Deflater>(level)](Piece& p) { (*d)(p); }); },
          [this](Piece& piece) { deliver(piece); })) {}

STRATA_INLINE GzipEncoder::~GzipEncoder() = default;

STRATA_INLINE void GzipEncoder::write(Bytes bytes) {
  while (!bytes.empty()) {
    if (current_ == nullptr) begin_piece();
    auto& plain = current_->plain;
    auto const part = bytes.first(std::min(bytes.size(), current_->history + piece_bytes - plain.size()));
    plain.insert(plain.end(), part.begin(), part.end());
    bytes = bytes.subspan(part.size());
    if (plain.size() == current_->history + piece_bytes) end_piece();
  }
}

STRATA_INLINE void GzipEncoder::finish() {
  if (current_ != nullptr) end_piece();
  pieces_->finish();
  begin_output();
  std::array<std::byte, 10> end{std::byte{3}, std::byte{0}};  // empty last block, CRC, size: RFC 1951 3.2.3
  for (unsigned i = 0; i < 4; ++i) {
    end[2 + i] = static_cast<std::byte>(crc_ >> 8 * i & 0xff);
    end[6 + i] = static_cast<std::byte>(size_ >> 8 * i & 0xff);
  }
  out_.write(end);
}

STRATA_INLINE void GzipEncoder::begin_piece() {
  auto& piece = pieces_->claim();
  piece.plain.assign(last_.begin(), last_.end());
  piece.history = last_.size();
  piece.plain.reserve(piece.history + piece_bytes);
  current_ = &piece;
}

STRATA_INLINE void GzipEncoder::end_piece() {
  auto const own = current_->own();
  auto const tail = own.last(std::min(own.size(), window));
  last_.assign(tail.begin(), tail.end());
  current_ = nullptr;
  pieces_->submit();
}

STRATA_INLINE void GzipEncoder::begin_output() {
  if (std::exchange(begun_, true)) return;
  constexpr std::array<unsigned char, 10> header{0x1f, 0x8b, 8, 0, 0,
                                                 0,    0,    0, 0, 255};  // no time, unknown system
  out_.write(std::as_bytes(std::span(header)));
}

STRATA_INLINE void GzipEncoder::deliver(Piece& piece) {
  begin_output();
  crc_ = crc32_gzip_refl(crc_, as_octets(piece.own().data()), piece.own().size());
  size_ += static_cast<std::uint32_t>(piece.own().size());  // modulo 2^32 (RFC 1952)
  out_.write(piece.packed);
}

}  // namespace strata::codec::detail

namespace strata::codec {

STRATA_INLINE Source Gzip::decompress(Source in, DecodeOptions const&) {
  return detail::Decoder(detail::GzipFiller(std::move(in)));
}

STRATA_INLINE std::unique_ptr<Encoder> Gzip::compress(Sink out, EncodeOptions const& options) {
  auto const level = options.level < 1 ? 2u : static_cast<unsigned>(std::min(options.level, 3));
  return std::make_unique<detail::GzipEncoder>(std::move(out), level, std::max(options.threads, 1u));
}

}  // namespace strata::codec
