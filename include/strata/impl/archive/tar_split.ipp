#pragma once

#include <strata/archive/gathering_writer.hpp>
#include <strata/archive/tar_split.hpp>
#include <strata/clean_path.hpp>

#include <chrono>

namespace strata::archive {

STRATA_INLINE void TarSplitWriter::raw(Bytes bytes) {
  end_file();
  while (!bytes.empty()) {
    auto n = bytes.size();
    if (may_be_long_) n = std::min(n, segment_limit - segment_size_);
    put_segment(bytes.first(n));
    bytes = bytes.subspan(n);
    if (may_be_long_ && segment_size_ == segment_limit) end_segment();
  }
}

STRATA_INLINE void TarSplitWriter::entry(TarHeader const& header) {
  end_file();
  end_segment();
  if (!names_.insert(header.name))
    throw Error(Errc::corrupt_archive, "duplicates of file paths not supported: \"" + header.name + '"');
  // A line describes a file as a whole, so what the archive stores of a sparse file is kept as raw bytes.
  start_file(header.name, header.sparse ? 0 : static_cast<std::uint64_t>(header.size));
  may_be_long_ = header.sparse;
}

STRATA_INLINE void TarSplitWriter::global_header(std::string_view name) {
  end_segment();
  // The line carries only the header's name; a second one of the same name is omitted.
  if (names_.insert(name)) start_file(name, 0);
}

STRATA_INLINE void TarSplitWriter::end_marker() {
  end_file();
  end_segment();
  may_be_long_ = true;
}

STRATA_INLINE void TarSplitWriter::finish() {
  end_file();
  end_segment();
  text_.finish();
}

STRATA_INLINE void TarSplitWriter::put_segment(Bytes bytes) {
  if (!in_segment_) text_.append(R"({"type":2,"payload":")");
  in_segment_ = true;
  segment_size_ += bytes.size();
  while (carried_ != 0 && carried_ < 3 && !bytes.empty()) {
    carry_[carried_++] = bytes.front();
    bytes = bytes.subspan(1);
  }
  if (carried_ == 3) {
    encode(carry_);
    carried_ = 0;
  }
  constexpr std::size_t piece = GzipTextWriter::capacity / 8 * 3;
  for (auto whole = bytes.first(bytes.size() / 3 * 3); !whole.empty();) {
    auto const n = std::min(whole.size(), piece);
    encode(whole.first(n));
    whole = whole.subspan(n);
  }
  for (auto const b : bytes.last(bytes.size() % 3)) carry_[carried_++] = b;
}

STRATA_INLINE void TarSplitWriter::encode(Bytes bytes) {
  auto* const room = text_.room(base64_size(bytes.size()));
  text_.advance(static_cast<std::size_t>(base64_encode(bytes, room) - room));
}

STRATA_INLINE void TarSplitWriter::end_segment() {
  if (!std::exchange(in_segment_, false)) return;
  if (carried_ != 0) encode(Bytes(carry_).first(std::exchange(carried_, 0)));
  segment_size_ = 0;
  text_.append("\"");
  put_position();
}

STRATA_INLINE void TarSplitWriter::start_file(std::string_view name, std::uint64_t size) {
  in_file_ = true;
  crc_ = {};
  size_ = size;
  line_ = R"({"type":1)";
  if (is_utf8(name)) {
    if (!name.empty()) {
      line_ += R"(,"name":")";
      append_json_escaped(line_, name);
      line_ += '"';
    }
  } else {
    line_ += R"(,"name_raw":")";
    auto const at = line_.size();
    line_.resize(at + base64_size(name.size()));
    base64_encode(as_bytes(name), line_.data() + at);
    line_ += '"';
  }
  if (size != 0) line_ += R"(,"size":)" + std::to_string(size);
  line_ += R"(,"payload":)";
  text_.append(line_);
}

STRATA_INLINE void TarSplitWriter::end_file() {
  if (!std::exchange(in_file_, false)) return;
  if (size_ == 0) {
    text_.append("null");
  } else {
    text_.append("\"");
    encode(crc_.bytes());
    text_.append("\"");
  }
  put_position();
}

STRATA_INLINE void TarSplitWriter::put_position() {
  text_.append(R"(,"position":)");
  text_.append(std::to_string(position_++));
  text_.append("}\n");
}

}  // namespace strata::archive

namespace strata::archive::detail {

STRATA_INLINE bool TarSplitReader::next() {
  while (auto const text = lines_.next()) {
    ++number_;
    if (parse_tar_split_line(*text, line_)) return true;
    if (text->find_first_not_of(" \t\r") != std::string_view::npos) throw damaged("line");
  }
  return false;
}

STRATA_INLINE std::size_t TarSplitReader::segment(std::byte* out) {
  auto const text = line_.payload.substr(0, base64_size(piece));
  line_.payload.remove_prefix(text.size());
  auto const size = base64_decode(text, out);
  if (!size || (!line_.payload.empty() && *size != piece)) throw damaged("segment in line");
  return *size;
}

STRATA_INLINE std::uint64_t TarSplitReader::size() {
  if (line_.size == 0) return 0;
  crc_ = {};
  std::array<std::byte, 9> decoded{};  // twelve base64 characters decode to up to 9 bytes
  if (line_.payload.size() != base64_size(crc_.size()) ||
      base64_decode(line_.payload, decoded.data()) != crc_.size())
    throw Error(Errc::corrupt_tar_split, "checksum of " + line_.name);
  std::copy_n(decoded.begin(), crc_.size(), crc_.begin());
  // Go's writer records the size of a hard link's header, if any, with the checksum of no bytes, 0.
  bool const none = std::ranges::all_of(crc_, [](std::byte b) { return b == std::byte{0}; });
  return none ? 0 : static_cast<std::uint64_t>(line_.size);
}

STRATA_INLINE Error TarSplitReader::damaged(std::string const& what) const {
  return Error(Errc::corrupt_tar_split, what + ' ' + std::to_string(number_));
}

}  // namespace strata::archive::detail

namespace strata::archive {

STRATA_INLINE void assemble(Reader& tar_split_gz, FileSource const& copy_file, Writer& out,
                            Control const& control) {
  struct Checked final : Writer {
    explicit Checked(GatheringWriter& out_in) : out(out_in) {}
    void write(Bytes bytes) override {
      if (bytes.size() > left) throw changed();
      left -= bytes.size();
      crc.update(bytes);
      out.write(bytes);
    }
    Error changed() const { return Error(Errc::file_changed, "file \"" + *name + '"'); }
    GatheringWriter& out;
    std::string const* name = nullptr;
    std::uint64_t left = 0;
    Crc64 crc = {};
  };
  using Clock = std::chrono::steady_clock;
  detail::TarSplitReader lines(tar_split_gz);
  GatheringWriter gathered(out);
  Checked file(gathered);
  Progress progress{.phase = Phase::export_layer};
  auto last = Clock::now();
  while (lines.next()) {
    if (!lines.is_file()) {
      while (auto const n = lines.segment(gathered.room(lines.segment_room()))) {
        gathered.advance(n);
        progress.bytes += n;
      }
      continue;
    }
    control.check();
    ++progress.entries;
    auto const size = lines.size();
    if (size == 0) continue;
    file.name = &lines.name();
    file.left = size;
    file.crc = {};
    copy_file(lines.name(), file);
    if (file.left != 0 || file.crc.bytes() != lines.crc()) throw file.changed();
    progress.bytes += size;
    if (control.progress && Clock::now() - last > std::chrono::milliseconds(250)) {
      last = Clock::now();
      control.progress(progress);
    }
  }
  gathered.flush();
  if (control.progress) control.progress(progress);
}

}  // namespace strata::archive
