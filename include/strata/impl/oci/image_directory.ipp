#pragma once

#include <strata/error.hpp>
#include <strata/oci/image_directory.hpp>
#include <strata/sys/file.hpp>
#include <strata/sys/lookup.hpp>
#include <strata/sys/new_file.hpp>
#include <strata/sys/range_source.hpp>

#include <cerrno>
#include <fcntl.h>
#include <memory>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace strata::oci {
namespace detail {

/// The directory and the last component of a name; the directory is empty if there is no slash.
inline std::pair<std::string_view, std::string_view> split_name(std::string_view name) {
  auto const slash = name.rfind('/');
  if (slash == std::string_view::npos) return {{}, name};
  return {name.substr(0, slash), name.substr(slash + 1)};
}

}  // namespace detail

STRATA_INLINE fs::path ImageDirectory::path_of(std::string_view name) const {
  return name.empty() ? path_ : path_ / fs::path(std::string(name));
}

STRATA_INLINE sys::Fd ImageDirectory::try_open(std::string_view name, int flags) const {
  auto top = sys::try_open_at(AT_FDCWD, path_.c_str(), O_RDONLY | O_DIRECTORY);
  if (!top || name.empty()) return top;
  return sys::try_open_how(top.get(), std::string(name).c_str(), flags, 0,
                           RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS);
}

STRATA_INLINE void ImageDirectory::raise(char const* operation, std::string_view name) const {
  auto const path = path_of(name);
  if (errno == EXDEV)
    throw Error(Errc::unsafe_path, path.native() + ": a link out of the directory").at(path.native());
  sys::throw_errno(operation, path);
}

STRATA_INLINE sys::Fd ImageDirectory::open_directory(std::string_view name) const {
  auto fd = try_open(name, O_RDONLY | O_DIRECTORY);
  if (!fd) raise("open", name);
  return fd;
}

STRATA_INLINE auto ImageDirectory::find_file(std::string_view name) const -> std::optional<Opened> {
  auto fd = try_open(name, O_RDONLY | O_NONBLOCK);  // a FIFO does not block
  if (!fd) {
    if (errno == ENOENT || errno == ENOTDIR) return std::nullopt;
    raise("open", name);
  }
  auto const status = sys::status_of(fd.get(), path_of(name).native());
  if (!S_ISREG(status.st_mode))
    throw Error(Errc::unsupported, path_of(name).native() + ": no regular file").at(path_of(name).native());
  return Opened{std::move(fd), static_cast<std::uint64_t>(status.st_size)};
}

STRATA_INLINE auto ImageDirectory::get_file(std::string_view name) const -> Opened {
  auto file = find_file(name);
  if (!file) raise("open", name);
  return std::move(*file);
}

STRATA_INLINE std::optional<std::uint64_t> ImageDirectory::find(std::string_view name) const {
  auto const file = find_file(name);
  if (!file) return std::nullopt;
  return file->size;
}

STRATA_INLINE Source ImageDirectory::open(std::string_view name) const {
  auto file = get_file(name);
  return range_source(std::make_shared<sys::Fd const>(std::move(file.fd)), {0, file.size}, path_of(name));
}

STRATA_INLINE Source ImageDirectory::open(std::string_view name, ByteRange range) const {
  auto file = get_file(name);
  auto path = path_of(name);
  if (range.offset > file.size || file.size - range.offset < range.size)
    throw Error(Errc::corrupt_archive, path.native() + " ends at byte " + std::to_string(file.size))
        .at(path.native());
  return range_source(std::make_shared<sys::Fd const>(std::move(file.fd)), range, std::move(path));
}

STRATA_INLINE std::string ImageDirectory::read(std::string_view name, std::size_t most) const {
  auto const file = get_file(name);
  if (file.size > most)
    throw Error(Errc::over_budget, path_of(name).native() + ": " + std::to_string(file.size) +
                                       " bytes, above " + std::to_string(most))
        .at(path_of(name).native());
  return sys::read_rest(file.fd.get(), path_of(name));
}

STRATA_INLINE void ImageDirectory::make_directory(std::string_view name) const {
  if (name.empty()) return sys::make_directories(path_, 0755, flush_);
  if (try_open(name, O_RDONLY | O_DIRECTORY)) return;
  if (errno != ENOENT) raise("open", name);
  auto const [above, last] = detail::split_name(name);
  make_directory(above);
  auto const parent = open_directory(above);
  if (::mkdirat(parent.get(), std::string(last).c_str(), 0755) != 0 && errno != EEXIST) raise("mkdir", name);
  if (flush_ == Flush::full && ::fsync(parent.get()) != 0 && errno != EINVAL) raise("fsync", name);
}

STRATA_INLINE void ImageDirectory::put(std::string_view name, Source in,
                                       sys::TemporaryName temporary_name) const {
  auto const [above, last] = detail::split_name(name);
  auto const directory = open_directory(above);
  sys::NewFile file(directory.get(), std::string(last), path_of(name),
                    {.mode = 0644, .flush = flush_, .temporary_name = temporary_name});
  for (auto part = in.next(); !part.empty(); part = in.next()) file.write(part);
  file.commit();
}

STRATA_INLINE bool ImageDirectory::remove(std::string_view name) const {
  auto const [above, last] = detail::split_name(name);
  auto const directory = open_directory(above);
  if (::unlinkat(directory.get(), std::string(last).c_str(), 0) == 0) return true;
  if (errno != ENOENT) raise("unlink", name);
  return false;
}

STRATA_INLINE sys::Fd ImageDirectory::lock() const {
  auto directory = open_directory("");
  sys::retry([&] { return ::flock(directory.get(), LOCK_EX); });
  return directory;
}

}  // namespace strata::oci
