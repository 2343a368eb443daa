#pragma once

#include <strata/fs.hpp>
#include <strata/idmap/map_text.hpp>
#include <strata/idmap/range.hpp>
#include <strata/idmap/subid.hpp>
#include <strata/store/options.hpp>

#include "options.hpp"
#include "quote.hpp"
#include <array>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

/// The options that say which ids of the host stand for those in a layer.
namespace oci_storage {

namespace detail {

/// Triples "container:host:size", joined by further colons. @param which "uid" or "gid"
inline void add_triples(strata::IdMap& out, std::string const& text, std::string_view which) {
  auto const triples = strata::idmap::parse_map(text);
  if (!triples)
    throw std::runtime_error("initializing ID mappings: " + std::string(which) +
                             " setting is malformed expected [\"uint32:uint32:uint32\"]: [" +
                             go_quoted(text) + ']');
  out.insert(out.end(), triples->begin(), triples->end());
}

/// All ranges of a name in the file of subordinate ids, one behind another from container id 0 on.
inline void add_subordinate(strata::IdMap& out, std::string const& name, std::string_view which) {
  auto const path = which == "uid" ? strata::idmap::subuid_file : strata::idmap::subgid_file;
  auto const ranges = strata::idmap::subordinate_ranges(strata::fs::path(path), name);
  if (ranges.empty())
    throw std::runtime_error("no sub" + std::string(which) + " ranges found for " +
                             (which == "uid" ? "user" : "group") + " \"" + name + "\" in " +
                             std::string(path));
  out.insert(out.end(), ranges.begin(), ranges.end());
}

}  // namespace detail

/// The options every command has that makes a layer.
inline constexpr auto id_map_options = std::to_array<OptionSpec>({
    {"--hostuidmap", OptionKind::flag, "Force host UID map"},
    {"--hostgidmap", OptionKind::flag, "Force host GID map"},
    {"--uidmap", OptionKind::text, "UID map"},
    {"--gidmap", OptionKind::text, "GID map"},
    {"--subuidmap", OptionKind::text, "subuid UID map for a user"},
    {"--subgidmap", OptionKind::text, "subgid GID map for a group"},
});

inline strata::IdMaps id_maps(Options const& options) {
  auto subuid = options.text("subuidmap"), subgid = options.text("subgidmap");
  auto const uidmap = options.text("uidmap"), gidmap = options.text("gidmap");
  if (options.flag("hostuidmap") && (!uidmap.empty() || !subuid.empty()))
    throw std::runtime_error("host uid map specified along with UID mapping");
  if (options.flag("hostgidmap") && (!gidmap.empty() || !subgid.empty()))
    throw std::runtime_error("host gid map specified along with GID mapping");
  if (subuid.empty()) subuid = subgid;
  if (subgid.empty()) subgid = subuid;
  strata::IdMaps out;
  if (!subuid.empty()) {
    detail::add_subordinate(out.uids, subuid, "uid");
    detail::add_subordinate(out.gids, subgid, "gid");
  }
  detail::add_triples(out.uids, uidmap, "uid");
  detail::add_triples(out.gids, gidmap, "gid");
  // The host's ids on one side, and a name given for the other only, which stands for both.
  if (options.flag("hostuidmap")) out.uids.clear();
  if (options.flag("hostgidmap")) out.gids.clear();
  return out;
}

/// For a layer, which has its parent's where none are asked for.
inline strata::WantedMaps wanted_maps(Options const& options) {
  auto maps = id_maps(options);
  strata::WantedMaps out;
  if (!maps.uids.empty() || options.flag("hostuidmap")) out.uids = std::move(maps.uids);
  if (!maps.gids.empty() || options.flag("hostgidmap")) out.gids = std::move(maps.gids);
  return out;
}

}  // namespace oci_storage
