#pragma once

#include <strata/archive/tar_header.hpp>
#include <strata/archive/tree_path.hpp>
#include <strata/archive/whiteout.hpp>
#include <strata/concepts/bytes.hpp>
#include <strata/error.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/file.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <fcntl.h>
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unistd.h>

namespace strata::archive {

/// Files that an archive has only for others to be links of: aufs kept those with several names in ".wh..wh.plnk". They are
/// not unpacked; what they hold waits in a file without a name. One thread at a time.
class LinkSources {
 public:
  /// Reads a regular file of that directory to its end; passes over all else.
  /// @param root  the tree's directory, for the file without a name
  /// @param path  of the entry, in the tree
  void keep(int root, std::string_view path, TarHeader const& header, Reader& body) {
    if (!path.starts_with(whiteout_links) || header.type != EntryType::regular) return;
    if (header.sparse)
      throw Error(Errc::unsupported, "sparse file \"" + header.name + "\" for others to be links of");
    if (!data_) data_ = sys::open_at(root, ".", O_RDWR | O_TMPFILE, 0600);
    auto const at = ::lseek(data_.get(), 0, SEEK_END);
    for (Bytes chunk = body.next(); !chunk.empty(); chunk = body.next())
      sys::write_all(data_.get(), chunk, path);
    found_.insert_or_assign(std::string(TreePath(path).base), Found{header, at});
  }

  /// Calls `use(header, contents)` with the one that a link leads to.
  /// @throws `Errc::corrupt_archive`: there is none
  template <class Use>
  void with(std::string_view target, Use&& use) const {
    auto const found = found_.find(std::string(TreePath(target).base));
    if (found == found_.end())
      throw Error(Errc::corrupt_archive, "hard link to missing \"" + std::string(target) + '"');
    auto const part = std::make_unique<FilePart>(data_.get(), found->second.at, found->second.header.size);
    use(found->second.header, *part);
  }

 private:
  struct Found {
    TarHeader header;
    std::int64_t at;  ///< in the file without a name
  };

  struct FilePart final : Reader {
    FilePart(int given, std::int64_t from, std::int64_t size) : fd(given), at(from), left(size) {}
    Bytes next() override {
      auto const wanted = static_cast<std::size_t>(std::min<std::int64_t>(left, std::ssize(buffer)));
      auto const n = sys::retry([&] { return ::pread(fd, buffer.data(), wanted, at); });
      if (n < 0) sys::throw_errno("read", "hard link's source");
      at += n;
      left -= n;
      return Bytes(buffer).first(static_cast<std::size_t>(n));
    }
    int fd;
    std::int64_t at;
    std::int64_t left;
    std::array<std::byte, 65536> buffer;
  };

  std::map<std::string, Found> found_ = {};
  sys::Fd data_ = {};
};

}  // namespace strata::archive
