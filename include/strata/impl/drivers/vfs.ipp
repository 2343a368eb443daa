#pragma once

#include <strata/drivers/option_text.hpp>
#include <strata/drivers/vfs.hpp>
#include <strata/former.hpp>
#include <strata/sys/copy_tree.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/file.hpp>
#include <strata/sys/flush_tree.hpp>
#include <strata/sys/staging_directory.hpp>
#include <strata/tree/applier.hpp>

#include <algorithm>
#include <sys/stat.h>

namespace strata::drivers {

STRATA_INLINE Vfs::Vfs(DriverPlace const& place, Options const& options)
    : home_(place.graph_root / name()),
      options_(with_stores(options, place)),
      read_only_(place.read_only),
      trees_(home_ / paths::vfs::directories, home_ / paths::vfs::temp_dirs, others(options_), apart(place)) {
  if (read_only_) return;
  for (auto const& home : trees_.homes())
    // Flushed whatever the policy, since publishing flushes only the directory of the layers.
    sys::make_directories(home.directory, 0700, Flush::full);
}

STRATA_INLINE auto Vfs::stage(StageRequest const& request) -> Staged {
  check_writable();
  auto const from = trees_.origin(request);
  return Staged(trees_.temp_dirs(request.writable), request, trees_.how_to_unpack(request, how_to_unpack()),
                [&](fs::path const& tree) {
                  if (from)
                    sys::copy_tree(
                        *from, tree,
                        {.control = request.control,
                         .keeps_xattr = request.former == Former::gives_way ? sys::is_portable_xattr
                                                                            : sys::is_any_xattr});
                  else
                    make_root(tree);
                });
}

STRATA_INLINE InPlaceTree Vfs::in_place(LayerId const& id, InPlaceRequest const& request) {
  check_writable();
  if (!exists(id)) throw Error(Errc::layer_unknown, "layer " + id.str());
  return InPlaceTree(trees_.own(id), request, how_to_unpack());
}

STRATA_INLINE void Vfs::publish(LayerId const& id, Staged staged) {
  check_writable();
  trees_.publish(id, staged);
}

STRATA_INLINE void Vfs::replace(LayerId const& id, Staged& staged) {
  check_writable();
  trees_.replace(id, staged);
}

STRATA_INLINE Trash Vfs::remove(LayerId const& id) {
  check_writable();
  return trees_.remove(id);
}

STRATA_INLINE void Vfs::copy_file(LayerId const& id, std::string_view file, Writer& to) const {
  trees_.copy_file(id, file, to);
}

STRATA_INLINE void Vfs::recover() {
  if (read_only_) return;
  for (auto const& home : trees_.homes()) sys::StagingDirectory::recover(home.temp_dirs);
}

STRATA_INLINE fs::path Vfs::mount(LayerId const& id, MountRequest const& request) {
  for (auto const& option : request.options)
    if (option != "ro") throw Error(Errc::unsupported, "vfs driver does not support mount options");
  return trees_.get(id);
}

STRATA_INLINE void Vfs::unmount(LayerId const& id, Flush flush) {
  if (flush == Flush::none) return;
  if (auto const tree = trees_.find(id)) sys::flush_file_system(*tree);
}

STRATA_INLINE std::vector<Problem> Vfs::inspect(LayerId const& id,
                                                std::optional<std::vector<LayerId>> const&) const {
  return trees_.inspect(id);
}

STRATA_INLINE std::optional<OwnTree> Vfs::own_tree(LayerId const& id) const {
  return trees_.own_tree(id, !options_.ignore_chown_errors);
}

STRATA_INLINE std::vector<Ownership> Vfs::ownership(std::vector<LayerId> const& known) const {
  return trees_.ownership(home_, known);
}

STRATA_INLINE archive::ApplyOptions Vfs::how_to_unpack() const {
  return {.whiteouts = archive::Whiteouts::execute, .ignore_chown_errors = options_.ignore_chown_errors};
}

STRATA_INLINE auto Vfs::with_stores(Options options, DriverPlace const& place) -> Options {
  options.image_stores.insert(options.image_stores.begin(), place.image_stores.begin(),
                              place.image_stores.end());
  return options;
}

STRATA_INLINE std::optional<WholeTrees::Home> Vfs::apart(DriverPlace const& place) {
  if (place.image_store.empty()) return std::nullopt;
  auto const home = place.image_store / name();
  return WholeTrees::Home{home / paths::vfs::directories, home / paths::vfs::temp_dirs};
}

STRATA_INLINE std::vector<fs::path> Vfs::others(Options const& options) {
  std::vector<fs::path> directories;
  for (auto const& store : options.image_stores)
    directories.push_back(store / name() / paths::vfs::directories);
  return directories;
}

STRATA_INLINE void Vfs::check_writable() const {
  if (read_only_) throw Error(Errc::store_read_only, home_.native());
}

STRATA_INLINE void Vfs::make_root(fs::path const& path) {
  if (::mkdir(path.c_str(), 0555) != 0) sys::throw_errno("mkdir", path);
  if (::chmod(path.c_str(), 0555) != 0) sys::throw_errno("chmod", path);  // independent of the umask
}

STRATA_INLINE Vfs::Options Vfs::Options::parse(std::vector<std::string> const& key_values) {
  Options options;
  for (auto const& text : key_values) {
    auto const option = own_option(text, {"vfs."});
    if (!option) continue;
    if (option->key == "ignore_chown_errors") {
      options.ignore_chown_errors = parse_bool(option->value);
    } else if (option->key == "imagestore") {
      std::string const& value = option->value;
      for (std::size_t at = 0; at <= value.size();) {
        auto const end = std::min(value.find(',', at), value.size());
        if (end > at) options.image_stores.emplace_back(value.substr(at, end - at));
        at = end + 1;
      }
    } else if (option->key == "mountopt" && option->given != option->key) {
      reject_option("vfs driver does not support mount options");
    } else {
      reject_option("vfs driver does not support " + lower_case(option->given) + " options");
    }
  }
  return options;
}

}  // namespace strata::drivers
