// Invariant: any bytes as a storage.conf are a configuration or an error that names the file and a line; the same file
// gives the same configuration; and what it says of drivers are options "driver.key=value", each key once.

#include <strata/conf/load.hpp>
#include <strata/error.hpp>
#include <strata/fs.hpp>

#include "fuzz.hpp"
#include <set>
#include <sys/mman.h>
#include <unistd.h>

using namespace strata;

namespace {

/// A file in memory, with a path.
fs::path const& file_of(std::string_view text) {
  static int const fd = ::memfd_create("storage.conf", MFD_CLOEXEC);
  static fs::path const path = "/proc/self/fd/" + std::to_string(fd);
  fuzz::require(::ftruncate(fd, 0) == 0, "memfd");
  fuzz::require(::pwrite(fd, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()), "memfd");
  return path;
}

struct Read {
  conf::StorageConf conf = {};
  std::string error = {};
};

Read read(fs::path const& path) {
  Read out;
  try {
    out.conf = conf::read_storage_conf(path, {});
  } catch (Error const& error) {
    fuzz::require(error.code() == Errc::configuration, "an error of the configuration");
    out.error = error.subject();
    fuzz::require(out.error.starts_with("toml: line ") && out.error.find(path.native()) != std::string::npos,
                  "an error that says where");
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  fuzz::Input input(data, size);
  auto const& path = file_of(input.text());
  auto const first = read(path);
  auto const second = read(path);
  auto const& a = first.conf;
  auto const& b = second.conf;
  fuzz::require(first.error == second.error && a.driver_options == b.driver_options && a.driver == b.driver &&
                    a.graph_root == b.graph_root && a.warnings == b.warnings &&
                    a.pull_options == b.pull_options,
                "the same twice");
  std::set<std::string> keys;
  for (auto const& option : a.driver_options) {
    // Without a driver's name, those of all drivers are there; a name may be any text.
    fuzz::require(a.driver.empty() || option.starts_with(a.driver + '.'), "an option of the driver");
    auto const equals = option.find('=', a.driver.size());
    fuzz::require(equals != std::string::npos && option.find('.', a.driver.size()) < equals,
                  "driver.key=value");
    auto const key = option.substr(0, equals);
    bool const repeats = key.ends_with(".imagestore") || key.ends_with(".additionallayerstore");
    fuzz::require(keys.insert(key).second || repeats, "each key once");
  }
  return 0;
}
