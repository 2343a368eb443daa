#pragma once

#include <strata/fs.hpp>
#include <strata/sys/mount.hpp>

#include <boost/filesystem/fstream.hpp>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/loop.h>
#include <stdexcept>
#include <string>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <system_error>
#include <unistd.h>
#include <utility>

/// Disks in files of which copies can be made at any moment: what the device would hold if the power failed then.
namespace crash_recovery {

[[noreturn]] inline void disk_failed(std::string const& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

inline void run_program(std::string const& command) {
  if (std::system((command + " >/dev/null 2>&1").c_str()) != 0)  // NOLINT: words of the test itself
    throw std::runtime_error("failed: " + command);
}

/// A descriptor that is closed at the end of its life.
class Descriptor {
 public:
  Descriptor(int fd, std::string const& what) : fd_(fd) {
    if (fd < 0) disk_failed(what);
  }
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const noexcept { return fd_; }

 private:
  int fd_;
};

/// Whether a device has a cache, of which it flushes what must not be lost.
enum class Cache { none, flushed };

/// A file as a disk, and the file system on it mounted; both end with the object, and so does what is mounted in it.
class MountedDisk {
 public:
  /// @param kind   "ext4", "xfs", "btrfs". A copy of a disk that is mounted can be mounted beside it: XFS is told not to
  ///               mind that there are two of one id, btrfs finds another id by itself (Linux 6.7)
  /// @param cache  whether the file is told to flush. One that has all it was given needs no telling, and most of the time
  ///               would go into that
  MountedDisk(strata::fs::path const& file, std::string const& kind, strata::fs::path at,
              Cache cache = Cache::none)
      : at_(std::move(at)) {
    strata::fs::create_directories(at_);
    auto const [name, device] = attach(file);  // kept open until the mount holds it
    cache_of_device_ = "/sys/block" + name.substr(4) + "/queue/write_cache";
    set(cache);
    auto const mount = [&, &device_name = name] {
      return ::mount(device_name.c_str(), at_.c_str(), kind.c_str(), 0, kind == "xfs" ? "nouuid" : "") == 0;
    };
    if (mount()) return;
    int const error = errno;
    // A copy may catch the first superblock half written: btrfs keeps others, to be put in its place.
    if (error == EINVAL && kind == "btrfs") {
      run_program("btrfs rescue super-recover -y " + name + " >/dev/null 2>&1 || test $? = 2");  // 2: it did
      if (mount()) return;
    }
    errno = error;
    disk_failed("mount " + file.native());
  }
  MountedDisk(MountedDisk const&) = delete;
  MountedDisk& operator=(MountedDisk const&) = delete;
  ~MountedDisk() {
    try {
      set(Cache::flushed);  // whoever gets the device next relies on it
      for (auto const& point : strata::sys::mounts_below(at_))
        if (point != at_) ::umount2(point.c_str(), MNT_DETACH);
    } catch (std::exception const&) {  // the namespace goes with the process
    }
    unmount();
  }

  strata::fs::path const& path() const noexcept { return at_; }

 private:
  /// A loop device that goes with the last who uses it.
  static std::pair<std::string, Descriptor> attach(strata::fs::path const& file) {
    Descriptor const backing(::open(file.c_str(), O_RDWR | O_CLOEXEC), "open " + file.native());
    Descriptor const control(::open("/dev/loop-control", O_RDWR | O_CLOEXEC), "open /dev/loop-control");
    for (int attempt = 0;; ++attempt) {
      int const number = ::ioctl(control.get(), LOOP_CTL_GET_FREE);
      if (number < 0) disk_failed("LOOP_CTL_GET_FREE");
      auto name = "/dev/loop" + std::to_string(number);
      Descriptor device(::open(name.c_str(), O_RDWR | O_CLOEXEC), "open " + name);
      loop_config config{};
      config.fd = static_cast<std::uint32_t>(backing.get());
      config.info.lo_flags = LO_FLAGS_AUTOCLEAR;
      if (::ioctl(device.get(), LOOP_CONFIGURE, &config) == 0) return {std::move(name), std::move(device)};
      if (errno != EBUSY || attempt == 100)
        disk_failed("LOOP_CONFIGURE " + name);  // another took it meanwhile
    }
  }

  void set(Cache cache) const {
    strata::fs::ofstream(cache_of_device_) << (cache == Cache::none ? "write through" : "write back");
  }

  /// Waits for the file system to let go of the device, so that its file can be used anew.
  void unmount() {
    for (int attempt = 0; ::umount2(at_.c_str(), 0) != 0 && errno == EBUSY; ++attempt) {
      if (attempt == 200) {
        ::umount2(at_.c_str(), MNT_DETACH);
        return;
      }
      ::usleep(5'000);
    }
  }

  strata::fs::path at_;
  strata::fs::path cache_of_device_ = {};
};

/// A copy that shares all blocks: of one moment, also while the file is written to.
inline void share_copy(strata::fs::path const& from, strata::fs::path const& to) {
  Descriptor const source(::open(from.c_str(), O_RDONLY | O_CLOEXEC), "open " + from.native());
  Descriptor const target(::open(to.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600),
                          "open " + to.native());
  if (::ioctl(target.get(), FICLONE, source.get()) != 0) disk_failed("FICLONE " + from.native());
}

/// Where files of disks are kept: an XFS, which can share blocks, in a sparse file, with a blank disk of each kind that was asked for.
class DiskHome {
 public:
  explicit DiskHome(strata::fs::path const& scratch)
      : mounted_(make_file(scratch / "home.img", "8G", "mkfs.xfs -q -f -m reflink=1 "), "xfs",
                 scratch / "home") {}
  strata::fs::path const& path() const noexcept { return mounted_.path(); }

  /// The file of a new and empty disk.
  strata::fs::path new_disk(std::string const& kind, std::string const& name) const {
    auto const blank = path() / ("blank-" + kind);
    if (!strata::fs::exists(blank)) {
      if (kind == "ext4") make_file(blank, "256M", "mkfs.ext4 -q -E lazy_itable_init=0,lazy_journal_init=0 ");
      if (kind == "xfs") make_file(blank, "304M", "mkfs.xfs -q -f ");
      if (kind == "btrfs") make_file(blank, "512M", "mkfs.btrfs -q -f ");
    }
    share_copy(blank, path() / name);
    return path() / name;
  }

 private:
  static strata::fs::path make_file(strata::fs::path file, std::string const& size, std::string const& make) {
    run_program("truncate -s " + size + ' ' + file.native());
    run_program(make + file.native());
    return file;
  }

  MountedDisk mounted_;
};

}  // namespace crash_recovery
