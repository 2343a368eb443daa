#pragma once

#include <strata/archive/tar_header.hpp>
#include <strata/archive/tar_reader.hpp>
#include <strata/archive/tar_writer.hpp>
#include <strata/concepts/bytes.hpp>
#include <strata/error.hpp>
#include <strata/fs.hpp>

#include <boost/filesystem/fstream.hpp>
#include <catch2/catch.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Archives in memory, and GNU tar to make and read them.
namespace tar_tools {

using strata::Bytes;
using strata::archive::EntryType;
using strata::archive::TarHeader;

/// Gives its bytes in chunks of one size, each in memory of its own and gone with the next, so that a sanitizer sees
/// who keeps an old one.
class Chunks final : public strata::Reader {
 public:
  explicit Chunks(std::string all, std::size_t size = 256U * 1024) : all_(std::move(all)), size_(size) {}
  Bytes next() override {
    auto const n = std::min(size_, all_.size() - at_);
    chunk_ = std::vector<char>(all_.begin() + static_cast<std::ptrdiff_t>(at_),
                               all_.begin() + static_cast<std::ptrdiff_t>(at_ + n));
    at_ += n;
    return std::as_bytes(std::span(chunk_));
  }
  bool exhausted() const { return at_ == all_.size(); }

 private:
  std::string all_;
  std::size_t size_;
  std::size_t at_ = 0;
  std::vector<char> chunk_ = {};
};

struct Text final : strata::Writer {
  void write(Bytes bytes) override { text += strata::as_text(bytes); }
  std::string text = {};
};

struct Entry {
  TarHeader header = {};
  std::string content = {};
  bool operator==(Entry const&) const = default;
};

inline std::vector<Entry> read_tar(std::string const& tar, std::size_t chunk = 256U * 1024,
                                   strata::archive::TarObserver* observer = nullptr) {
  Chunks in(tar, chunk);
  strata::archive::TarReader reader(in, {}, observer);
  std::vector<Entry> entries;
  for (TarHeader header; reader.next(header);) {
    entries.push_back({header, {}});
    for (auto part = reader.next(); !part.empty(); part = reader.next())
      entries.back().content += strata::as_text(part);
    CHECK(entries.back().content.size() == static_cast<std::size_t>(header.size));
  }
  CHECK(in.exhausted());
  CHECK(reader.offset() == tar.size());
  CHECK(reader.entries() == entries.size());
  return entries;
}

inline std::string write_tar(std::vector<Entry> const& entries) {
  Text out;
  strata::archive::TarWriter writer(out);
  for (auto const& entry : entries) {
    Chunks body(entry.content, 1000);
    writer.add(entry.header, &body);
  }
  writer.finish();
  return out.text;
}

inline Entry file(std::string name, std::string content = {}) {
  Entry entry{.header = {.name = std::move(name), .mode = 0644}, .content = std::move(content)};
  entry.header.size = static_cast<std::int64_t>(entry.content.size());
  return entry;
}

/// Sets the checksum of the header at `at` anew.
inline void seal(std::string& tar, std::size_t at = 0) {
  std::fill_n(tar.begin() + static_cast<std::ptrdiff_t>(at) + 148, 8, ' ');
  unsigned sum = 0;
  for (std::size_t i = 0; i < 512; ++i) sum += static_cast<unsigned char>(tar[at + i]);
  for (std::size_t i = 0; i < 6; ++i, sum /= 8) tar[at + 153 - i] = static_cast<char>('0' + sum % 8);
  tar[at + 154] = '\0';
}

/// One header with the fields that a test does not care about already in place.
inline std::string raw_header(std::string_view name, char type, std::string_view size = "00000000000") {
  std::string block(512, '\0');
  auto const put = [&](std::size_t at, std::string_view text) { block.replace(at, text.size(), text); };
  put(0, name.substr(0, 100));
  put(100, "0000644");
  put(108, "0000000");
  put(116, "0000000");
  put(124, size);
  put(136, "00000000000");
  block[156] = type;
  put(257, std::string_view("ustar\00000", 8));
  seal(block);
  return block;
}

inline std::string padded(std::string text) {
  text.resize((text.size() + 511) / 512 * 512);
  return text;
}

inline std::string octal(std::size_t value) {
  std::string text(11, '0');
  for (auto i = text.size(); i-- > 0; value /= 8) text[i] = static_cast<char>('0' + value % 8);
  return text;
}

/// An extended header ('x', 'g', 'L', 'K') and its data.
inline std::string extension(char type, std::string const& data) {
  return raw_header("ext", type, octal(data.size())) + padded(data);
}

inline std::string record(std::string const& key, std::string const& value) {
  auto const rest = key.size() + value.size() + 3;
  auto length = rest + 1;
  while (std::to_string(length).size() + rest != length) ++length;
  return std::to_string(length) + ' ' + key + '=' + value + '\n';
}

inline std::string const end_of_tar(1024, '\0');

/// The code that `call` throws as an `Error`, or none; anything else it throws fails the test.
template <class Call>
std::error_code code_of(Call&& call) {
  try {
    call();
  } catch (strata::Error const& error) {
    INFO(error.what());
    CHECK(!error.subject().empty());
    return error.code();
  }
  return {};
}

class Directory {
 public:
  Directory() {
    auto pattern = (strata::fs::temp_directory_path() / "strata-tar-XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path = pattern;
  }
  Directory(Directory const&) = delete;
  Directory& operator=(Directory const&) = delete;
  ~Directory() { strata::fs::remove_all(path); }
  void run(std::string const& command) const {
    INFO(command);
    REQUIRE(std::system(("cd '" + path.string() + "' && " + command).c_str()) == 0);
  }
  std::string get(std::string const& name) const {
    strata::fs::ifstream in(path / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void put(std::string const& name, std::string const& content) const {
    strata::fs::create_directories((path / name).parent_path());
    strata::fs::ofstream(path / name, std::ios::binary) << content;
  }
  strata::fs::path path = {};
};

}  // namespace tar_tools
