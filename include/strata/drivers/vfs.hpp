#pragma once

#include <strata/archive/apply.hpp>
#include <strata/archive/changes.hpp>
#include <strata/archive/tar_header.hpp>
#include <strata/archive/tar_writer.hpp>
#include <strata/archive/tree_path.hpp>
#include <strata/concepts/driver.hpp>
#include <strata/error.hpp>
#include <strata/paths.hpp>
#include <strata/sys/copy_tree.hpp>
#include <strata/sys/directory.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/file.hpp>
#include <strata/sys/flush_tree.hpp>
#include <strata/sys/stream.hpp>
#include <strata/sys/temp_dir.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <fcntl.h>
#include <filesystem>
#include <memory>
#include <optional>
#include <stdio.h>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <utility>
#include <vector>

namespace strata::drivers {

/// Keeps each layer as a full copy of its parent with its own changes made: `<graph root>/vfs/dir/<id>`. Needs nothing of
/// the kernel; costs the space of every file once a layer, unless the file system shares blocks (reflink).
///
/// The layout is that of containers/storage; what is being built and what is being deleted stands in `vfs/tempdirs`
/// as its releases from 1.59 on expect.
class Vfs {
 public:
  struct Options {
    bool ignore_chown_errors = false;
    std::vector<std::filesystem::path> image_stores = {};  ///< graph roots with further layers, only read

    /// From the "key=value" texts of storage.conf and the command line. Those with the prefix of another driver are
    /// passed over.
    /// @throws `Errc::driver_option`; its subject is a whole sentence
    static Options parse(std::vector<std::string> const& key_values);
  };

  /// A directory in a temp-dir, to be renamed into place.
  class Staged {
   public:
    void add(archive::TarHeader const& header, Reader& body) {
      control_.check();
      applier_->add(header, body);
    }

    void finish() {
      if (!applier_) return;
      applier_->finish();
      if (flush_ == Flush::full) sys::flush_tree(tree_);
      applier_.reset();
    }

   private:
    friend class Vfs;
    Staged(sys::TempDir place, StageRequest const& request)
        : place_(std::move(place)),
          tree_(place_.next_addition()),
          parent_(request.parent),
          flush_(request.flush),
          control_(request.control) {}

    sys::TempDir place_;
    std::filesystem::path tree_;
    std::optional<LayerId> parent_;
    Flush flush_;
    Control control_;
    std::unique_ptr<archive::Applier> applier_ = {};  ///< none once finished
  };

  explicit Vfs(DriverPlace const& place) : Vfs(place, Options()) {}
  Vfs(DriverPlace const& place, Options const& options)
      : home_(place.graph_root / name()), options_(options), read_only_(place.read_only) {
    if (!read_only_)  // flushed whatever the policy: publishing flushes no more than the directory of the layers
      sys::make_directories(directories(), 0700, Flush::full);
  }

  static constexpr std::string_view name() noexcept { return "vfs"; }

  /// Copies the parent, which takes as long as that is large.
  Staged stage(StageRequest const& request) {
    check_writable();
    if (request.parent) get(*request.parent);
    auto const& like = request.copy_of ? request.copy_of : request.parent;
    std::optional<std::filesystem::path> const from = like ? std::optional(get(*like)) : std::nullopt;
    Staged staged(sys::TempDir::create(temp_dirs()), request);
    if (from)
      sys::copy_tree(*from, staged.tree_, {.control = request.control});
    else
      make_root(staged.tree_);
    staged.applier_ = std::make_unique<archive::Applier>(
        sys::open_at(AT_FDCWD, staged.tree_, O_PATH | O_DIRECTORY),
        archive::ApplyOptions{.whiteouts = archive::Whiteouts::execute,
                              .ignore_chown_errors = options_.ignore_chown_errors});
    return staged;
  }

  /// One rename.
  void publish(LayerId const& id, Staged staged) {
    check_writable();
    staged.finish();
    if (staged.parent_) get(*staged.parent_);
    if (::renameat2(AT_FDCWD, staged.tree_.c_str(), AT_FDCWD, own(id).c_str(), RENAME_NOREPLACE) != 0) {
      if (errno == EEXIST) throw Error(Errc::duplicate_id, "layer " + id.str(), id.str());
      sys::throw_errno("rename", own(id));
    }
    if (staged.flush_ == Flush::full) sys::sync_directory(directories());
  }

  /// One rename that exchanges the two.
  Trash replace(LayerId const& id, Staged staged) {
    check_writable();
    staged.finish();
    if (::renameat2(AT_FDCWD, staged.tree_.c_str(), AT_FDCWD, own(id).c_str(), RENAME_EXCHANGE) != 0) {
      if (errno == ENOENT) throw unknown(id);
      sys::throw_errno("rename", own(id));
    }
    if (staged.flush_ == Flush::full) sys::sync_directory(directories());
    Trash trash;
    trash.add(std::move(staged.place_));
    return trash;
  }

  Trash remove(LayerId const& id) {
    check_writable();
    Trash trash;
    if (!is_directory(own(id))) return trash;
    auto place = sys::TempDir::create(temp_dirs());
    place.take(own(id));
    trash.add(std::move(place));
    return trash;
  }

  bool exists(LayerId const& id) const { return find(id).has_value(); }

  /// Of the own home, not of image stores.
  std::vector<LayerId> list() const {
    std::vector<LayerId> ids;
    auto const fd = sys::try_open_at(AT_FDCWD, directories().c_str(), O_RDONLY | O_DIRECTORY);
    if (!fd) return ids;
    for (auto const& entry : sys::read_directory(fd.get(), directories()))
      if (sys::is_directory(fd.get(), entry)) ids.emplace_back(entry.name);
    std::sort(ids.begin(), ids.end());
    return ids;
  }

  void copy_file(LayerId const& id, std::string_view file, Writer& to) const {
    auto const root = sys::open_at(AT_FDCWD, get(id), O_PATH | O_DIRECTORY);
    std::string const path = archive::path_in_tree(file);
    sys::Fd const fd =
        path.empty() ? sys::Fd{}
                     : sys::try_open_in_root(root.get(), path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    struct stat status {};
    if (!fd || ::fstat(fd.get(), &status) != 0 || !S_ISREG(status.st_mode))
      throw Error(Errc::data_unknown, "layer " + id.str() + ", file " + std::string(file));
    auto source = fd_source(fd.get());
    for (Bytes part = source.next(); !part.empty(); part = source.next()) to.write(part);
  }

  /// What cannot be removed stays for the next time.
  void recover() {
    if (!read_only_) sys::TempDir::recover(temp_dirs());
  }

  std::vector<std::pair<std::string, std::string>> status() const { return {}; }

  std::vector<Change> changes(LayerId const& id, std::optional<LayerId> const& parent) const {
    return archive::compare_trees(get(id), get(parent));
  }
  void diff(LayerId const& id, std::optional<LayerId> const& parent, archive::TarWriter& to,
            Control const& control) const {
    archive::write_changes(get(id), changes(id, parent), to, control);
  }
  std::int64_t diff_size(LayerId const& id, std::optional<LayerId> const& parent) const {
    return archive::changed_bytes(get(id), changes(id, parent));
  }

  /// Nothing happens: the directory is there, and can be written to whatever `request` says.
  /// @throws `Errc::layer_unknown`; `Errc::unsupported`: a mount option other than "ro"
  std::filesystem::path mount(LayerId const& id, MountRequest const& request) {
    for (auto const& option : request.options)
      if (option != "ro") throw Error(Errc::unsupported, "vfs driver does not support mount options");
    return get(id);
  }
  void unmount(LayerId const&) {}
  bool is_mounted(LayerId const& id) const { return exists(id); }
  std::filesystem::path mount_path(LayerId const& id) const { return find(id).value_or(own(id)); }

 private:
  std::filesystem::path directories() const { return home_ / paths::vfs::directories; }
  std::filesystem::path temp_dirs() const { return home_ / paths::vfs::temp_dirs; }
  std::filesystem::path own(LayerId const& id) const { return directories() / id.str(); }

  static Error unknown(LayerId const& id) { return Error(Errc::layer_unknown, "layer " + id.str()); }
  static bool is_directory(std::filesystem::path const& path) {
    struct stat status {};
    return ::lstat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
  }

  void check_writable() const {
    if (read_only_) throw Error(Errc::store_read_only, home_.native());
  }

  std::optional<std::filesystem::path> find(LayerId const& id) const {
    if (auto path = own(id); is_directory(path)) return path;
    for (auto const& store : options_.image_stores)
      if (auto path = store / name() / paths::vfs::directories / id.str(); is_directory(path)) return path;
    return std::nullopt;
  }
  std::filesystem::path get(LayerId const& id) const {
    if (auto path = find(id)) return *std::move(path);
    throw unknown(id);
  }
  std::optional<std::filesystem::path> get(std::optional<LayerId> const& id) const {
    return id ? std::optional(get(*id)) : std::nullopt;
  }

  static void make_root(std::filesystem::path const& path) {
    if (::mkdir(path.c_str(), 0555) != 0) sys::throw_errno("mkdir", path);
    if (::chmod(path.c_str(), 0555) != 0) sys::throw_errno("chmod", path);  // whatever the umask
  }

  std::filesystem::path home_;
  Options options_;
  bool read_only_;
};

inline Vfs::Options Vfs::Options::parse(std::vector<std::string> const& key_values) {
  auto const lower = [](std::string text) {
    for (char& c : text)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return text;
  };
  Options options;
  for (auto const& text : key_values) {
    auto const equals = text.find('=');
    if (equals == std::string::npos)
      throw Error(Errc::driver_option, "unable to parse key/value option: " + text);
    std::string const given = lower(text.substr(0, equals));
    std::string const value = text.substr(equals + 1);
    constexpr std::array<std::string_view, 4> others{"overlay.", "overlay2.", "btrfs.", "zfs."};
    if (std::any_of(others.begin(), others.end(), [&](auto prefix) { return given.starts_with(prefix); }))
      continue;
    std::string const key = given.substr(given.starts_with("vfs.") ? 4 : given.starts_with('.') ? 1 : 0);
    if (key == "ignore_chown_errors") {
      // the words that containers/storage takes
      constexpr std::array<std::string_view, 6> yes{"1", "t", "T", "TRUE", "true", "True"};
      constexpr std::array<std::string_view, 6> no{"0", "f", "F", "FALSE", "false", "False"};
      bool const is_yes = std::find(yes.begin(), yes.end(), value) != yes.end();
      if (!is_yes && std::find(no.begin(), no.end(), value) == no.end())
        throw Error(Errc::driver_option, "strconv.ParseBool: parsing \"" + value + "\": invalid syntax");
      options.ignore_chown_errors = is_yes;
    } else if (key == "imagestore") {
      for (std::size_t at = 0; at <= value.size();) {
        auto const end = std::min(value.find(',', at), value.size());
        if (end > at) options.image_stores.emplace_back(value.substr(at, end - at));
        at = end + 1;
      }
    } else if (key == "mountopt") {
      throw Error(Errc::driver_option, "vfs driver does not support mount options");
    } else {
      throw Error(Errc::driver_option, "vfs driver does not support " + given + " options");
    }
  }
  return options;
}

static_assert(DiffDriver<Vfs> && MountDriver<Vfs> && OpenableDriver<Vfs>);

}  // namespace strata::drivers
