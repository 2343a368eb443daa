#pragma once

#include <strata/drivers/shift_owners.hpp>
#include <strata/drivers/whole_trees.hpp>
#include <strata/error.hpp>
#include <strata/former.hpp>
#include <strata/sys/directory.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/file.hpp>
#include <strata/sys/flush_tree.hpp>
#include <strata/sys/holders.hpp>
#include <strata/sys/lookup.hpp>
#include <strata/sys/staging_ownership.hpp>
#include <strata/sys/stream.hpp>
#include <strata/tree/applier.hpp>
#include <strata/tree/changes.hpp>
#include <strata/tree/lower_view.hpp>
#include <strata/tree/tree_path.hpp>

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unordered_set>

namespace strata::drivers {

STRATA_INLINE StagedTree::StagedTree(fs::path const& temp_dirs, StageRequest const& request,
                                     archive::ApplyOptions const& apply,
                                     std::function<void(fs::path const&)> const& build)
    : place_(sys::StagingDirectory::create(temp_dirs)),
      tree_(place_.next_addition()),
      parent_(request.parent),
      writable_(request.writable),
      flush_(request.flush),
      control_(request.control) {
  build(tree_);
  if (request.parent || request.copy_of)
    shift_owners(tree_, request);
  else
    give_to_root(tree_, request.maps);
  auto how = apply;
  how.maps = request.maps;
  how.former = request.former;
  applier_ =
      std::make_unique<archive::Applier>(sys::open_at(AT_FDCWD, tree_, O_PATH | O_DIRECTORY), std::move(how));
}

STRATA_INLINE void StagedTree::add(archive::TarHeader const& header, Reader& body) {
  control_.check();
  applier_->add(header, body);
}

STRATA_INLINE void StagedTree::finish() {
  if (!applier_) return;
  applier_->finish();
  if (flush_ == Flush::full) sys::flush_tree(tree_);
  applier_.reset();
}

STRATA_INLINE WholeTrees::WholeTrees(fs::path directory, fs::path temp_dirs, std::vector<fs::path> others,
                                     std::optional<Home> image_store)
    : homes_{{std::move(directory), std::move(temp_dirs)}}, others_(std::move(others)) {
  if (image_store) homes_.push_back(*std::move(image_store));
}

STRATA_INLINE std::optional<fs::path> WholeTrees::find(LayerId const& id) const {
  if (auto path = own(id); is_directory(path)) return path;
  for (auto const& other : others_)
    if (auto path = other / id.str(); is_directory(path)) return path;
  return std::nullopt;
}

STRATA_INLINE fs::path WholeTrees::get(LayerId const& id) const {
  if (auto path = find(id)) return *std::move(path);
  throw unknown(id);
}

STRATA_INLINE std::optional<fs::path> WholeTrees::get(std::optional<LayerId> const& id) const {
  return id ? std::optional(get(*id)) : std::nullopt;
}

STRATA_INLINE std::optional<fs::path> WholeTrees::origin(StageRequest const& request) const {
  auto const parent = get(request.parent);
  return request.copy_of ? get(request.copy_of) : parent;
}

STRATA_INLINE archive::ApplyOptions WholeTrees::how_to_unpack(StageRequest const& request,
                                                              archive::ApplyOptions apply) const {
  if (request.former == Former::kept && request.parent)
    apply.below = std::make_shared<archive::LowerTrees>(
        [parent = get(*request.parent)] { return std::optional(std::vector{parent}); });
  return apply;
}

STRATA_INLINE void WholeTrees::publish(LayerId const& id, StagedTree& staged) const {
  staged.finish();
  if (staged.parent()) get(*staged.parent());
  auto const& directory = home_for(staged.writable()).directory;
  auto const place = directory / id.str();
  bool const taken = is_directory(own(id));
  if (taken || ::renameat2(AT_FDCWD, staged.tree().c_str(), AT_FDCWD, place.c_str(), RENAME_NOREPLACE) != 0) {
    if (taken || errno == EEXIST) throw Error(Errc::duplicate_id, "layer " + id.str(), id.str());
    sys::throw_busy("rename", place);
  }
  if (staged.flush() == Flush::full) sys::sync_directory(directory);
}

STRATA_INLINE void WholeTrees::replace(LayerId const& id, StagedTree& staged) const {
  staged.finish();
  auto const place = own(id);
  if (::renameat2(AT_FDCWD, staged.tree().c_str(), AT_FDCWD, place.c_str(), RENAME_EXCHANGE) != 0) {
    if (errno == ENOENT) throw unknown(id);
    sys::throw_busy("rename", place);
  }
  if (staged.flush() == Flush::full) sys::sync_directory(place.parent_path());
}

STRATA_INLINE Trash WholeTrees::remove(LayerId const& id) const {
  Trash trash;
  auto const tree = own(id);
  if (!is_directory(tree)) return trash;
  auto place = sys::StagingDirectory::create(home_of(id).temp_dirs);
  place.take(tree);
  trash.add(std::move(place));
  return trash;
}

STRATA_INLINE std::vector<LayerId> WholeTrees::list() const {
  std::vector<LayerId> ids;
  for (auto const& [directory, temp_dirs] : homes_) {
    auto const fd = sys::find_at(directory, O_RDONLY | O_DIRECTORY);
    if (!fd) continue;
    for (auto const& entry : sys::read_directory(fd->get(), directory))
      if (sys::is_directory(fd->get(), entry)) ids.emplace_back(entry.name);
  }
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  return ids;
}

STRATA_INLINE void WholeTrees::copy_file(LayerId const& id, std::string_view file, Writer& to) const {
  auto const root = sys::open_at(AT_FDCWD, get(id), O_PATH | O_DIRECTORY);
  std::string const path = archive::path_in_tree(file);
  sys::Fd const fd =
      path.empty() ? sys::Fd{}
                   : sys::try_open_in_root(root.get(), path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  if (!path.empty() && !fd && sys::is_transient(errno) && !sys::is_unopened_device(root.get(), path.c_str()))
    sys::throw_errno("open", path);
  if (!fd || !S_ISREG(sys::status_of(fd.get(), path).st_mode))
    throw Error(Errc::data_unknown, "layer " + id.str() + ", file " + std::string(file));
  auto source = fd_source(fd.get());
  for (Bytes part = source.next(); !part.empty(); part = source.next()) to.write(part);
}

STRATA_INLINE std::vector<Change> WholeTrees::changes(DiffRequest const& request) const {
  return archive::compare_trees(get(request.layer), get(request.parent), request.maps);
}

STRATA_INLINE void WholeTrees::diff(DiffRequest const& request, archive::TarWriter& to) const {
  archive::write_changes(get(request.layer), changes(request), to, request.control, request.maps.newer);
}

STRATA_INLINE std::int64_t WholeTrees::diff_size(DiffRequest const& request) const {
  return archive::changed_bytes(get(request.layer), changes(request));
}

STRATA_INLINE std::vector<Problem> WholeTrees::inspect(LayerId const& id) const {
  if (is_directory(own(id))) return {};
  return {{.subject = Subject::layer, .kind = ProblemKind::tree_missing, .text = "its directory is missing"}};
}

STRATA_INLINE std::optional<OwnTree> WholeTrees::own_tree(LayerId const& id, bool keeps_owners) const {
  auto path = find(id);
  if (!path) return std::nullopt;
  return OwnTree{.path = *std::move(path), .whole = true, .keeps_owners = keeps_owners};
}

STRATA_INLINE std::vector<Ownership> WholeTrees::ownership(fs::path const& home,
                                                           std::vector<LayerId> const& known) const {
  std::vector<Ownership> found{{.path = home, .reason = "driver"}};
  std::unordered_set<std::string_view> ids;
  for (auto const& id : known) ids.insert(id.str());
  for (auto const& id : list()) {
    bool const is_known = ids.contains(id.str());
    found.push_back({.path = own(id),
                     .kind = is_known ? UsageClass::referenced : UsageClass::orphan,
                     .subject = Subject::layer,
                     .id = id.str(),
                     .reason = is_known ? "its files" : "no record names it",
                     .removable = !is_known});
  }
  for (auto const& each : homes_) own_staging_directories(each.temp_dirs, found);
  return found;
}

STRATA_INLINE bool WholeTrees::is_directory(fs::path const& path) {
  auto const status = sys::find_status(path);
  return status && S_ISDIR(status->st_mode);
}

STRATA_INLINE auto WholeTrees::home_of(LayerId const& id) const -> Home const& {
  for (auto const& home : homes_)
    if (is_directory(home.directory / id.str())) return home;
  return homes_.front();
}

STRATA_INLINE StagedTree::StagedTree(StagedTree&&) noexcept = default;

STRATA_INLINE StagedTree& StagedTree::operator=(StagedTree&&) noexcept = default;

STRATA_INLINE StagedTree::~StagedTree() = default;

}  // namespace strata::drivers
