#pragma once

#include <strata/fs.hpp>

#include "block_file.hpp"
#include "session.hpp"
#include <array>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <fcntl.h>
#include <optional>
#include <string>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/// A disk with a cache: a cut loses any of the writes that no flush came after.
namespace crash_recovery {

/// The file system of a setting on a disk with a cache. A process of its own serves it: a thread of this one could be waited
/// for by a kernel that is to end it.
class CachedDisk {
 public:
  CachedDisk(Session const& session, Setting const& setting) : file_(session.scratch / "cached") {
    auto const shown = session.home.new_disk(setting.file_system, "shown.img");
    auto const stored = session.home.new_disk(setting.file_system, "stored.img");
    Descriptor(::open(file_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600), "open " + file_.native());
    Descriptor const fuse(::open("/dev/fuse", O_RDWR | O_CLOEXEC), "open /dev/fuse");
    auto const options =
        "fd=" + std::to_string(fuse.get()) + ",rootmode=100600,user_id=0,group_id=0,max_read=1048576";
    if (::mount("strata-crash", file_.c_str(), "fuse", MS_NOSUID | MS_NODEV, options.c_str()) != 0)
      disk_failed("mount a FUSE file");
    std::array<int, 2> orders{};
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, orders.data()) != 0)
      disk_failed("socketpair");
    server_ = ::fork();
    if (server_ < 0) disk_failed("fork");
    if (server_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      ::close(orders[0]);
      try {
        WriteCache cache(shown, stored);
        BlockFileServer(fuse.get(), orders[1], cache).run();
      } catch (std::exception const& error) {
        std::fprintf(stderr, "block file server: %s\n", error.what());
        ::_exit(1);
      }
      ::_exit(0);
    }
    ::close(orders[1]);
    orders_ = orders[0];
    mounted_.emplace(file_, setting.file_system, session.scratch / "disk", Cache::flushed);
  }
  CachedDisk(CachedDisk const&) = delete;
  CachedDisk& operator=(CachedDisk const&) = delete;
  ~CachedDisk() {
    mounted_.reset();
    ::umount2(file_.c_str(), MNT_DETACH);
    ::close(orders_);
    ::waitpid(server_, nullptr, 0);
  }

  strata::fs::path const& path() const noexcept { return mounted_->path(); }
  void cut(strata::fs::path const& to, Random& random) const {
    auto const order = std::to_string(random.below(~std::uint32_t{0})) + ' ' + to.native();
    char done = 0;
    if (::write(orders_, order.data(), order.size()) < 0 || ::read(orders_, &done, 1) != 1)
      disk_failed("the server of the disk has gone");
  }

 private:
  strata::fs::path file_;
  pid_t server_ = -1;
  int orders_ = -1;
  std::optional<MountedDisk> mounted_ = {};
};

}  // namespace crash_recovery
