#pragma once

#include <strata/archive/tar_writer.hpp>
#include <strata/concepts/bytes.hpp>

#include <cstdint>
#include <span>
#include <string>
#include <utility>

namespace fault_injection {

/// Writes an archive in memory, an entry a call; all times in it are past.
class Archive {
 public:
  using Type = strata::archive::EntryType;

  Archive& directory(std::string name, std::uint32_t mode = 0755) {
    return put({.name = std::move(name), .type = Type::directory, .mode = mode}, {});
  }
  Archive& file(std::string name, std::string const& text, std::uint32_t mode = 0644) {
    return put({.name = std::move(name), .mode = mode, .uid = 1, .gid = 2}, text);
  }
  Archive& noted(std::string name, std::string const& text) {
    return put({.name = std::move(name), .mode = 0600, .xattrs = {{"user.note", "kept"}}}, text);
  }
  Archive& symlink(std::string name, std::string to) {
    return put({.name = std::move(name), .link_name = std::move(to), .type = Type::symlink, .mode = 0777},
               {});
  }
  /// To the entry before, with that one's attributes.
  Archive& hard_link(std::string name) {
    last_.link_name = std::exchange(last_.name, std::move(name));
    last_.type = Type::hard_link;
    last_.size = 0;
    writer_.add(last_);
    return *this;
  }
  Archive& pipe(std::string name) {
    return put({.name = std::move(name), .type = Type::fifo, .mode = 0640}, {});
  }
  std::string finish() {
    writer_.finish();
    return std::move(out_.text);
  }

 private:
  struct Text final : strata::Writer {
    void write(strata::Bytes bytes) override { text += strata::as_text(bytes); }
    std::string text = {};
  };

  Archive& put(strata::archive::TarHeader header, std::string const& text) {
    header.size = static_cast<std::int64_t>(text.size());
    header.mtime = {1'600'000'000 + ++entries_, 250'000'000};
    last_ = std::move(header);
    writer_.add(last_);
    writer_.write(std::as_bytes(std::span(text)));
    return *this;
  }

  Text out_ = {};
  strata::archive::TarWriter writer_{out_};
  strata::archive::TarHeader last_ = {};
  int entries_ = 0;
};

}  // namespace fault_injection
