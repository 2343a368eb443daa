#pragma once

#include <strata/fs.hpp>
#include <strata/sys/lookup.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <utility>

namespace tools {

/// Gives a file its time of change back at the end of a block, to the nanosecond.
class KeptTime {
 public:
  explicit KeptTime(strata::fs::path path)
      : path_(std::move(path)), time_(strata::sys::find_status(path_)->st_mtim) {}
  KeptTime(KeptTime const&) = delete;
  KeptTime& operator=(KeptTime const&) = delete;
  ~KeptTime() {
    timespec const times[] = {{.tv_sec = 0, .tv_nsec = UTIME_OMIT}, time_};
    ::utimensat(AT_FDCWD, path_.c_str(), times, 0);
  }

 private:
  strata::fs::path path_;
  timespec time_;
};

}  // namespace tools
