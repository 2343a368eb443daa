#pragma once

#include <strata/idmap/shift.hpp>
#include <strata/idmap/subid.hpp>
#include <strata/store/auto_userns.hpp>
#include <strata/sys/userns.hpp>

namespace strata::detail {

STRATA_INLINE std::int64_t ids_needed(std::string_view text, std::vector<std::size_t> const& fields) {
  std::int64_t needed = 0;
  while (!text.empty()) {
    auto line = idmap::detail::next_piece(text, '\n');
    std::vector<std::string_view> pieces;
    while (!line.empty()) pieces.push_back(idmap::detail::next_piece(line, ':'));
    if (pieces.empty() || pieces[0] == "nobody" || pieces[0] == "nogroup") continue;
    for (auto const field : fields) {
      auto const id = field < pieces.size() ? idmap::detail::id_number(pieces[field]) : std::nullopt;
      if (id && *id != idmap::overflow_id) needed = std::max(needed, *id + 1);
    }
  }
  return needed;
}

STRATA_INLINE void BoundedText::write(Bytes bytes) {
  if (text.size() + bytes.size() > most) throw Error(Errc::over_budget, "list of users or groups");
  text += as_text(bytes);
}

STRATA_INLINE idmap::IdSet ids_set_aside(AutoUserns const& wanted, std::string_view which) {
  idmap::IdSet set;
  if (!sys::has_all_ids()) {
    auto const text = sys::read_file("/proc/self/" + std::string(which) + "_map");
    for (std::string_view rest = text; !rest.empty();) {
      auto line = idmap::detail::next_piece(rest, '\n');
      std::vector<std::int64_t> numbers;
      while (!line.empty())
        if (auto const piece = idmap::detail::next_piece(line, ' '); !piece.empty())
          numbers.push_back(idmap::detail::id_number(piece).value_or(0));
      if (numbers.size() == 3) set.add(numbers[0], numbers[2]);
    }
    set.remove(0, 1);
    return set;
  }
  auto const file = which == "uid" ? wanted.subuid_file : wanted.subgid_file;
  auto const ranges = idmap::subordinate_ranges(file, wanted.user);
  if (ranges.empty())
    throw Error(Errc::no_available_ids, "cannot find mappings for user \"" + wanted.user + "\": no sub" +
                                            std::string(which) + " ranges found in " + file.native());
  set.add_hosts(ranges);
  return set;
}

STRATA_INLINE IdMap choose_ids(idmap::IdSet available, std::int64_t size, std::vector<IdMap> const& used,
                               IdMap const& additional) {
  for (auto const& map : used) available.remove_hosts(map);
  available.remove_hosts(additional);
  idmap::IdSet inside(0, size);
  inside.remove_containers(additional);
  auto const chosen = available.lowest(inside.size());
  if (!chosen) throw Error(Errc::no_available_ids, "could not find enough available IDs");
  auto map = idmap::zip(inside, *chosen);
  map.insert(map.end(), additional.begin(), additional.end());
  return map;
}

}  // namespace strata::detail
