#pragma once

#include <strata/drivers/overlay/inspect.hpp>
#include <strata/drivers/overlay/left_staging.hpp>
#include <strata/fs.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/file.hpp>
#include <strata/sys/lookup.hpp>
#include <strata/sys/staging_directory.hpp>
#include <strata/sys/staging_ownership.hpp>

#include <algorithm>
#include <chrono>
#include <functional>
#include <unordered_set>

namespace strata::drivers::overlay::detail {

STRATA_INLINE Problem wrong(Severity severity, std::string_view code, std::string text, RepairAction action) {
  return {.severity = severity,
          .subject = Subject::layer,
          .kind = ProblemKind::driver_files,
          .code = std::string(code),
          .text = std::move(text),
          .action = action};
}

STRATA_INLINE std::vector<std::string> texts_of(std::vector<LayerId> const& ids) {
  std::vector<std::string> out;
  for (auto const& id : ids) out.push_back(id.str());
  return out;
}

STRATA_INLINE std::string joined(std::vector<std::string> const& parts) {
  std::string text;
  for (auto const& part : parts) text += (text.empty() ? "" : ":") + part;
  return text;
}

STRATA_INLINE std::optional<std::string> lower_text(LayerDirs const& dirs,
                                                    std::vector<LayerId> const& ancestors) {
  std::vector<std::string> entries;
  for (auto const& id : ancestors) {
    auto const layer = dirs.find(id.str());
    auto const link = layer ? dirs.link_of(*layer) : std::nullopt;
    if (!link) return std::nullopt;
    entries.push_back(std::string(paths::overlay::links) + '/' + *link);
  }
  return joined(entries);
}

STRATA_INLINE bool below_has_lower_layers(LayerDirs const& dirs, std::vector<LayerId> const& ancestors) {
  return std::ranges::any_of(ancestors, [&](LayerId const& id) {
    auto const layer = dirs.find(id.str());
    return layer && sys::is_present(*layer / paths::overlay::lower_layers);
  });
}

STRATA_INLINE bool lower_leads_to(LayerDirs const& dirs, std::string_view text,
                                  std::vector<LayerId> const& ancestors) {
  auto const entries = split(text, ':');
  if (entries.size() != ancestors.size()) return false;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    auto const link = fs::path(entries[i]).filename().native();
    auto const below = dirs.find(ancestors[i].str());
    if (!below || sys::read_stored(*below / paths::overlay::link) != link) return false;
  }
  return true;
}

STRATA_INLINE void inspect_links(LayerDirs const& dirs, std::string const& id, std::vector<Problem>& found) {
  auto const link = sys::read_stored(dirs.own(id) / paths::overlay::link);
  if (!link || !is_safe_component(*link)) {
    found.push_back(
        wrong(Severity::warning, code::link_lost, link ? "file link is damaged" : "file link is missing"));
    return;
  }
  auto const target = read_link(dirs.own(id).parent_path() / paths::overlay::links / *link);
  auto const wanted = (fs::path("..") / id / paths::overlay::diff).native();
  if (target != wanted)
    found.push_back(wrong(Severity::warning, code::link_lost,
                          "entry l/" + *link + (target ? " leads to " + *target : " is missing")));
}

STRATA_INLINE void inspect_lower(LayerDirs const& dirs, std::string const& id,
                                 std::vector<LayerId> const& ancestors, std::vector<Problem>& found) {
  auto const lower = sys::read_stored(dirs.own(id) / paths::overlay::lower);
  auto const layers = sys::read_stored(dirs.own(id) / paths::overlay::lower_layers);
  if (ancestors.empty()) {
    // Mounts use the files; which of the two is wrong cannot be determined.
    if ((lower && !lower->empty()) || (layers && !layers->empty()))
      found.push_back(wrong(Severity::error, code::lower_wrong,
                            "its record names no parent, its directory does", RepairAction::none));
    return;
  }
  bool const layers_right = layers && *layers == joined(texts_of(ancestors));
  if (!lower)
    found.push_back(wrong(layers_right ? Severity::warning : Severity::error, code::lower_wrong,
                          "file lower is missing"));
  else if (!lower_leads_to(dirs, *lower, ancestors))
    found.push_back(
        wrong(Severity::error, code::lower_wrong, "file lower does not name the layers below it"));
  if (layers && !layers_right)
    found.push_back(wrong(Severity::error, code::lower_layers_wrong,
                          "file lower-layers does not name the layers below it"));
  else if (!layers && below_has_lower_layers(dirs, ancestors))
    found.push_back(wrong(Severity::note, code::lower_layers_wrong, "file lower-layers is missing"));
}

}  // namespace strata::drivers::overlay::detail

namespace strata::drivers::overlay {

STRATA_INLINE std::vector<Problem> inspect_layer(LayerDirs const& dirs, std::string const& id,
                                                 Ancestors const& ancestors) {
  using detail::wrong;
  namespace code = detail::code;
  std::vector<Problem> found;
  auto const layer = dirs.own(id);
  if (!holds_directory(layer) || !holds_directory(layer / paths::overlay::diff)) {
    found.push_back(
        {.subject = Subject::layer,
         .kind = ProblemKind::tree_missing,
         .text = holds_directory(layer) ? "directory diff is missing" : "its directory is missing"});
    if (!holds_directory(layer)) return found;
  }
  detail::inspect_links(dirs, id, found);
  if (ancestors) detail::inspect_lower(dirs, id, *ancestors, found);
  if (!holds_directory(layer / paths::overlay::work))
    found.push_back(wrong(Severity::warning, code::directory_missing, "directory work is missing"));
  if (ancestors && ancestors->empty() && !holds_directory(layer / paths::overlay::empty))
    found.push_back(wrong(Severity::warning, code::directory_missing, "directory empty is missing"));
  return found;
}

STRATA_INLINE void repair_links(LayerDirs const& dirs, std::string const& id,
                                std::vector<std::string>& done) {
  std::vector<Problem> found;
  detail::inspect_links(dirs, id, found);
  if (found.empty()) return;
  auto const links = dirs.own(id).parent_path() / paths::overlay::links;
  auto link = sys::read_stored(dirs.own(id) / paths::overlay::link);
  if (!link || !is_safe_component(*link)) {
    link.reset();
    auto const wanted = (fs::path("..") / id / paths::overlay::diff).native();
    boost::system::error_code error;
    for (fs::directory_iterator at(links, error), end; !error && at != end; at.increment(error))
      if (read_link(at->path()) == wanted) link = at->path().filename().native();
    if (error && sys::is_transient(error.value())) throw Error(error, "readdir " + links.native());
    if (!link) link = random_link();
    sys::replace_file(dirs.own(id) / paths::overlay::link, *link, {.mode = 0644});
    done.push_back("wrote its file link");
  }
  sys::make_directories(links, 0755);
  auto const wanted = (fs::path("..") / id / paths::overlay::diff).native();
  if (auto const target = read_link(links / *link); target != wanted) {
    if (target) sys::remove_file(links / *link);
    dirs.make_link(*link, id);
    sys::sync_directory(links);
    done.push_back("made its entry l/" + *link);
  }
}

STRATA_INLINE std::vector<std::string> repair_layer_files(LayerDirs const& dirs, std::string const& id,
                                                          Ancestors const& ancestors) {
  std::vector<std::string> done;
  auto const layer = dirs.own(id);
  if (!holds_directory(layer)) return done;
  auto const found = inspect_layer(dirs, id, ancestors);
  namespace code = detail::code;
  auto const has = [&](std::string_view word) {
    return std::ranges::any_of(
        found, [&](auto const& f) { return f.code == word && f.action == RepairAction::repair; });
  };
  repair_links(dirs, id, done);
  if (has(code::lower_wrong) || has(code::lower_layers_wrong)) {
    std::vector<std::string> below;
    for (auto const& ancestor : *ancestors)
      if (holds_directory(dirs.own(ancestor.str()))) repair_links(dirs, ancestor.str(), below);
    if (has(code::lower_wrong))
      if (auto const text = detail::lower_text(dirs, *ancestors)) {
        sys::replace_file(layer / paths::overlay::lower, *text, {.mode = 0644});
        done.push_back("wrote its file lower");
      }
    if (std::ranges::all_of(*ancestors, [&](auto const& a) { return dirs.find(a.str()).has_value(); })) {
      sys::replace_file(layer / paths::overlay::lower_layers, detail::joined(detail::texts_of(*ancestors)),
                        {.mode = 0644});
      done.push_back("wrote its file lower-layers");
    }
  }
  for (auto const name : {paths::overlay::work, paths::overlay::empty})
    if ((name == paths::overlay::work || (ancestors && ancestors->empty())) &&
        !holds_directory(layer / name)) {
      sys::make_directories(layer / name, 0700);
      done.push_back("made its directory " + std::string(name));
    }
  return done;
}

STRATA_INLINE Ancestors recorded_ancestors(LayerDirs const& dirs, std::string const& id) {
  auto const layer = dirs.own(id);
  bool const has_list =
      sys::is_present(layer / paths::overlay::lower) || sys::is_present(layer / paths::overlay::lower_layers);
  if (!has_list && !holds_directory(layer / paths::overlay::empty)) return std::nullopt;
  try {
    std::vector<LayerId> ids;
    for (auto& below : dirs.lower_ids(layer)) ids.emplace_back(std::move(below));
    return ids;
  } catch (Error const& error) {
    if (sys::is_transient(error)) throw;
    return std::nullopt;
  }
}

STRATA_INLINE std::vector<Ownership> own_home(LayerDirs const& dirs, std::vector<LayerId> const& known) {
  std::vector<Ownership> claims;
  for (auto const& home : dirs.own_homes()) claims.push_back({.path = home, .reason = "driver"});
  std::unordered_set<std::string_view> ids;
  for (auto const& id : known) ids.insert(id.str());
  auto const is_known = [&](std::string const& id) { return ids.contains(id); };
  // Repairs replace files beside a layer's tree. The store decides from which age on temporary files are
  // garbage.
  auto const own_temporary_files = [&](fs::path const& directory) {
    boost::system::error_code error;
    for (fs::directory_iterator at(directory, error), end; !error && at != end; at.increment(error))
      if (paths::is_temporary(at->path().filename().native()))
        claims.push_back({.path = at->path(), .kind = UsageClass::staged, .reason = "being written"});
    if (error && sys::is_transient(error.value())) throw Error(error, "readdir " + directory.native());
  };
  for (auto const& home : dirs.own_homes()) own_temporary_files(home);
  for (auto const& id : dirs.list()) {
    claims.push_back({.path = dirs.own(id),
                      .kind = is_known(id) ? UsageClass::referenced : UsageClass::orphan,
                      .subject = Subject::layer,
                      .id = id,
                      .reason = is_known(id) ? "its files" : "no record names it",
                      .removable = !is_known(id)});
    if (is_known(id)) own_temporary_files(dirs.own(id));
  }
  for (auto const& name : dirs.probes())
    if (auto const status = sys::find_status(dirs.own(name))) {
      bool const left = is_old_staging(status->st_mtime);
      claims.push_back(
          {.path = dirs.own(name),
           .kind = left ? UsageClass::trash : UsageClass::staged,
           .subject = Subject::layer,
           .id = name,
           .reason = left ? "a process that died was trying out the kernel" : "the kernel is being tried out",
           .removable = left});
    }
  auto const names_in = [&](std::string_view directory) {
    std::vector<fs::path> paths;
    for (auto const& home : dirs.own_homes()) {
      boost::system::error_code error;
      for (fs::directory_iterator at(home / directory, error), end; !error && at != end; at.increment(error))
        paths.push_back(at->path());
      if (error && sys::is_transient(error.value()))
        throw Error(error, "readdir " + (home / directory).native());
    }
    std::ranges::sort(paths);
    return paths;
  };
  for (auto const& link : names_in(paths::overlay::links)) {
    auto const target = read_link(link);
    auto const id = target ? fs::path(*target).parent_path().filename().native() : std::string();
    if (!is_known(id))
      claims.push_back({.path = link,
                        .kind = UsageClass::orphan,
                        .subject = Subject::layer,
                        .id = id,
                        .reason = "leads to no layer that has a record",
                        .code = std::string(detail::code::link_dangling),
                        .removable = true});
  }
  for (auto const& staged : names_in(paths::overlay::staging)) {
    auto const lock = staged / paths::overlay::staging_lock;
    auto const status = sys::find_status(staged);
    if (!status) continue;
    bool const lives = sys::StagingDirectory::is_locked(lock) ||
                       (!sys::is_present(lock) && !is_old_staging(status->st_mtime));
    claims.push_back(
        {.path = staged,
         .kind = lives ? UsageClass::staged : UsageClass::trash,
         .reason = lives ? "a layer is being unpacked" : "a process that died was unpacking a layer",
         .removable = !lives});
  }
  for (auto const& home : dirs.own_homes()) own_staging_directories(home / paths::overlay::temp_dirs, claims);
  return claims;
}

}  // namespace strata::drivers::overlay
