#pragma once

#include <strata/codec/codec.hpp>
#include <strata/concepts/bytes.hpp>
#include <strata/concepts/ranges.hpp>
#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/fwd.hpp>
#include <strata/separate.hpp>
#include <strata/stream/decompressing_reader.hpp>
#include <strata/sys/fd.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace strata::oci {

namespace detail {

/// Runs `call()`; names the archive in the errors that it throws.
template <class Call>
auto in_archive(std::string const& name, Call&& call) {
  try {
    return call();
  } catch (Error const& error) {
    if (!error.errc()) throw;
    throw Error(*error.errc(), name + ": " + error.subject()).at(name);
  }
}

}  // namespace detail

/// Limits on an archive of images, and where it is unpacked if it must be; `Errc::over_budget` beyond them.
struct ArchiveOptions {
  std::uint64_t entries = 1U << 18U;
  std::uint64_t name_bytes = 32U << 20U;                  ///< names and link targets, all together
  std::uint64_t plain_bytes = std::uint64_t{256} << 30U;  ///< of a compressed archive or member
  /// Where an archive is unpacked that is compressed or no regular file, in an unnamed file; empty: `$TMPDIR`, or
  /// /var/tmp, as it may be larger than memory.
  fs::path scratch = {};
};

/// How a set of codecs recognizes and unpacks a stream: what is left of a `codec::List` in code that is no template.
struct Unpacking {
  Compression (*detect)(Bytes first);
  archive::DecompressingReader (*open)(Source packed, std::uint64_t plain_bytes);

  template <class Codecs>
  static Unpacking with() {
    return {.detect = [](Bytes first) { return Codecs::detect(first); },
            .open =
                [](Source packed, std::uint64_t plain_bytes) {
                  return archive::DecompressingReader(std::move(packed), Codecs{},
                                                      {.max_bytes = plain_bytes});
                }};
  }
};

/// The members of a tar archive by name, in any order.
///
/// One pass over the headers, without the data, builds the index; of members of the same name the last counts. Names
/// are as `clean_path` has them, without a slash in front. Symbolic links, also to directories, are followed within
/// the archive when a member is opened; a hard link is the member that had its target's name when it came. Memory: the
/// index, some 200 bytes a member. An archive that is compressed or comes from a pipe is unpacked to an unnamed
/// file first. Thread-safe once constructed.
///
///     ArchiveMembers const members("image.tar.zst");  // with strata/codec/all.hpp
///     auto const text = members.read("manifest.json", 4 << 20);
class ArchiveMembers {
 public:
  /// @tparam Codecs  what it may be compressed with, a `codec::List`; the default needs codec/all.hpp
  /// @throws `errno`, "open <path>", "read <path>"; `Errc::corrupt_archive`, `Errc::over_budget`,
  ///   `Errc::unsupported_compression`; `Errc::unsafe_path` if a name leads out of the archive
  template <class Codecs = codec::All>
  explicit ArchiveMembers(fs::path const& path, ArchiveOptions const& options = {}, Codecs const& = {})
      : ArchiveMembers(path, options, Unpacking::with<Codecs>()) {}

  /// Reads the archive from a stream, to its end.
  /// @param name  for errors' subjects
  template <class Codecs = codec::All>
  ArchiveMembers(Source in, std::string name, ArchiveOptions const& options = {}, Codecs const& = {})
      : ArchiveMembers(std::move(in), std::move(name), options, Unpacking::with<Codecs>()) {}

  ArchiveMembers(fs::path const& path, ArchiveOptions const& options, Unpacking unpacking);
  ArchiveMembers(Source in, std::string name, ArchiveOptions const& options, Unpacking unpacking);

  /// True if `open` would find a file.
  /// @throws as `open`, other than ENOENT
  bool contains(std::string_view name) const { return find(name) != nullptr; }

  /// Size of a member in bytes.
  /// @throws as `open`
  std::uint64_t size(std::string_view name) const { return get(name).size; }

  /// @throws ENOENT if there is no such member; ELOOP for links in a circle; `Errc::unsafe_path` for a link out of the
  ///   archive; `Errc::unsupported` for a member that is no file. While reading: as `range_source`
  Source open(std::string_view name) const;

  /// A part of a member.
  /// @throws as `open`; `Errc::corrupt_archive` if the member ends before
  Source open(std::string_view name, ByteRange range) const;

  /// A whole member.
  /// @throws as `open`; `Errc::over_budget` above `most` bytes
  std::string read(std::string_view name, std::size_t most) const;

  /// As a member is stored, by its first bytes.
  /// @throws as `open`
  Compression compression(std::string_view name) const;

  /// The archive's path, or what stands for it.
  std::string const& name() const noexcept { return name_; }
  ArchiveOptions const& options() const noexcept { return options_; }
  Unpacking const& unpacking() const noexcept { return unpacking_; }

 private:
  enum class Kind { file, sparse_file, link, other };
  struct Member {
    Kind kind = Kind::other;
    std::uint64_t offset = 0;  // of the data; of the headers, if it is sparse
    std::uint64_t size = 0;
    std::string target = {};  // of a link: a name in the archive, or one that leads out of it
  };

  void unpack(Source in);
  void index();
  Member const* find(std::string_view name) const;
  Member const& get(std::string_view name) const;
  /// The first part of the path that is a link; its target and what follows it.
  std::string follow(std::string const& path) const;
  std::string subject(std::string_view name) const;

  std::string name_;
  ArchiveOptions options_;
  Unpacking unpacking_;
  std::shared_ptr<sys::Fd const> file_ = {};
  std::map<std::string, Member, std::less<>> members_ = {};
};

}  // namespace strata::oci

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/oci/archive_members.ipp>
#endif
