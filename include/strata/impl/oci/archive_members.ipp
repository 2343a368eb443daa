#pragma once

#include <strata/archive/tar_reader.hpp>
#include <strata/clean_path.hpp>
#include <strata/error.hpp>
#include <strata/oci/archive_members.hpp>
#include <strata/sys/file.hpp>
#include <strata/sys/file_at.hpp>
#include <strata/sys/lookup.hpp>
#include <strata/sys/range_source.hpp>
#include <strata/sys/scratch_file.hpp>
#include <strata/sys/stream.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <optional>
#include <sys/stat.h>
#include <system_error>

namespace strata::oci {
namespace detail {

/// Reads an archive's headers. What is to be skipped is not read, and any bytes stand for it.
class HeaderReader final : public Reader {
 public:
  HeaderReader(int fd, fs::path path) : fd_(fd), path_(std::move(path)) {
    size_ = static_cast<std::uint64_t>(sys::status_of(fd_, path_.native()).st_size);
  }

  /// Everything up to this offset is of no interest.
  void skip_to(std::uint64_t offset) { skip_to_ = std::min(offset, size_); }

  Bytes next() override {
    if (at_ < skip_to_) {
      auto const n = static_cast<std::size_t>(std::min<std::uint64_t>(buffer_.size(), skip_to_ - at_));
      at_ += n;
      return Bytes(buffer_).first(n);
    }
    auto const n = sys::read_at(fd_, buffer_, at_, path_);
    at_ += n;
    return Bytes(buffer_).first(n);
  }

 private:
  int fd_;
  fs::path path_;
  std::uint64_t size_ = 0;
  std::uint64_t at_ = 0;
  std::uint64_t skip_to_ = 0;
  std::array<std::byte, std::size_t{64} << 10U> buffer_ = {};
};

/// The data of one entry, whose headers begin at the start of the input.
class EntrySource {
 public:
  explicit EntrySource(Source in) : state_(std::make_unique<State>(std::move(in))) {
    archive::TarHeader header;
    state_->tar.next(header);
  }
  Bytes next() { return state_->tar.next(); }

 private:
  struct State {
    explicit State(Source source) : in(std::move(source)), tar(in) {}
    Source in;
    archive::TarReader tar;
  };
  std::unique_ptr<State> state_;  // the reader holds a reference to its input
};

inline bool leads_out(std::string_view path) {
  return path == ".." || path.starts_with("../") || path.starts_with('/');
}

/// A name as it stands in an archive, or a hard link's target.
inline std::string member_name(std::string_view name) {
  while (name.starts_with('/')) name.remove_prefix(1);
  return clean_path(name);
}

}  // namespace detail

STRATA_INLINE ArchiveMembers::ArchiveMembers(fs::path const& path, ArchiveOptions const& options,
                                             Unpacking unpacking)
    : name_(path.native()), options_(options), unpacking_(unpacking) {
  auto file = std::make_shared<sys::Fd const>(sys::open_at(AT_FDCWD, path, O_RDONLY));
  std::array<std::byte, codec::magic_bytes> first{};
  auto const is_plain = [&] {
    return unpacking_.detect(Bytes(first).first(sys::read_at(file->get(), first, 0, path))) ==
           Compression::none;
  };
  if (S_ISREG(sys::status_of(file->get(), path.native()).st_mode) && is_plain())
    file_ = std::move(file);
  else
    detail::in_archive(name_, [&] { unpack(strata::detail::FdSource(sys::Fd(), file->get(), path)); });
  detail::in_archive(name_, [&] { index(); });
}

STRATA_INLINE ArchiveMembers::ArchiveMembers(Source in, std::string name, ArchiveOptions const& options,
                                             Unpacking unpacking)
    : name_(std::move(name)), options_(options), unpacking_(unpacking) {
  detail::in_archive(name_, [&] {
    unpack(std::move(in));
    index();
  });
}

STRATA_INLINE void ArchiveMembers::unpack(Source in) {
  auto const directory = sys::scratch_directory(options_.scratch);
  auto file = sys::scratch_file(directory);
  auto plain = unpacking_.open(std::move(in), options_.plain_bytes);
  for (auto part = plain.next(); !part.empty(); part = plain.next())
    sys::write_all(file.get(), part, directory.native());
  file_ = std::make_shared<sys::Fd const>(std::move(file));
}

STRATA_INLINE void ArchiveMembers::index() {
  detail::HeaderReader in(file_->get(), name_);
  archive::TarReader tar(in, {.entries = options_.entries});
  std::uint64_t start = 0;
  std::uint64_t name_bytes = 0;
  for (archive::TarHeader header; tar.next(header);) {
    using enum archive::EntryType;
    auto const name = detail::member_name(header.name);
    if (detail::leads_out(name)) throw Error(Errc::unsafe_path, "entry " + header.name);
    name_bytes += name.size() + header.link_name.size();
    if (name_bytes > options_.name_bytes)
      throw Error(Errc::over_budget, "bytes of names above " + std::to_string(options_.name_bytes));
    Member member{.offset = tar.offset(), .size = static_cast<std::uint64_t>(header.size)};
    switch (header.type) {
      case regular:
        member.kind = header.sparse ? Kind::sparse_file : Kind::file;
        if (header.sparse)
          member.offset = start;
        else
          in.skip_to(member.offset + member.size);
        break;
      case symlink:
        member.kind = Kind::link;
        member.target = header.link_name.starts_with('/')
                            ? header.link_name
                            : clean_path(sys::directory_of(name).native() + '/' + header.link_name);
        break;
      case hard_link:
        member.kind = Kind::link;
        member.target = detail::member_name(header.link_name);
        if (auto const found = members_.find(member.target); found != members_.end()) member = found->second;
        break;
      default:
        break;
    }
    if (header.type != directory) members_.insert_or_assign(name, std::move(member));
    while (tar.pass_hole() != 0 || !tar.next().empty()) {
    }
    start = (tar.offset() + archive::tar_block - 1) / archive::tar_block * archive::tar_block;
  }
}

STRATA_INLINE std::string ArchiveMembers::subject(std::string_view name) const {
  return std::string(name) + " in " + name_;
}

STRATA_INLINE std::string ArchiveMembers::follow(std::string const& path) const {
  for (auto end = path.find('/');; end = path.find('/', end + 1)) {
    auto const found = members_.find(std::string_view(path).substr(0, end));
    if (found != members_.end() && found->second.kind == Kind::link)
      return end == std::string::npos ? found->second.target
                                      : clean_path(found->second.target + path.substr(end));
    if (end == std::string::npos) return {};
  }
}

STRATA_INLINE auto ArchiveMembers::find(std::string_view name) const -> Member const* {
  constexpr int most_links = 40;  // as many as the kernel follows
  auto path = detail::member_name(name);
  for (int links = 0; links <= most_links; ++links) {
    if (detail::leads_out(path))
      throw Error(Errc::unsafe_path, subject(name) + ": a link to " + path).at(name_);
    auto const found = members_.find(path);
    if (found != members_.end() && found->second.kind != Kind::link) return &found->second;
    path = follow(path);
    if (path.empty()) return nullptr;
  }
  throw Error(std::error_code(ELOOP, std::system_category()), "open " + subject(name)).at(name_);
}

STRATA_INLINE auto ArchiveMembers::get(std::string_view name) const -> Member const& {
  auto const* const member = find(name);
  if (member == nullptr)
    throw Error(std::error_code(ENOENT, std::system_category()), "open " + subject(name)).at(name_);
  if (member->kind == Kind::other)
    throw Error(Errc::unsupported, subject(name) + ": neither a file nor a link").at(name_);
  return *member;
}

STRATA_INLINE Source ArchiveMembers::open(std::string_view name) const {
  auto const& member = get(name);
  if (member.kind == Kind::file) return range_source(file_, {member.offset, member.size}, name_);
  auto const behind = static_cast<std::uint64_t>(sys::status_of(file_->get(), name_).st_size) - member.offset;
  return detail::EntrySource(range_source(file_, {member.offset, behind}, name_));
}

STRATA_INLINE Source ArchiveMembers::open(std::string_view name, ByteRange range) const {
  auto const& member = get(name);
  if (range.offset > member.size || member.size - range.offset < range.size)
    throw Error(Errc::corrupt_archive, subject(name) + " ends at byte " + std::to_string(member.size))
        .at(name_);
  if (member.kind != Kind::file)
    throw Error(Errc::unsupported, "a part of " + subject(name) + ", which is sparse").at(name_);
  return range_source(file_, {member.offset + range.offset, range.size}, name_);
}

STRATA_INLINE std::string ArchiveMembers::read(std::string_view name, std::size_t most) const {
  auto const size = get(name).size;
  if (size > most)
    throw Error(Errc::over_budget,
                subject(name) + ": " + std::to_string(size) + " bytes, above " + std::to_string(most))
        .at(name_);
  std::string text;
  text.reserve(static_cast<std::size_t>(size));
  auto in = open(name);
  for (auto part = in.next(); !part.empty(); part = in.next()) text += as_text(part);
  return text;
}

STRATA_INLINE Compression ArchiveMembers::compression(std::string_view name) const {
  std::array<std::byte, codec::magic_bytes> first{};
  auto in = open(name);
  std::size_t have = 0;
  for (std::size_t n = 1; have < first.size() && n != 0; have += n)
    n = in.fill(std::span(first).subspan(have));
  return unpacking_.detect(Bytes(first).first(have));
}

}  // namespace strata::oci
