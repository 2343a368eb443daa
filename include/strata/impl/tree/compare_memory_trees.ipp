#pragma once

#include <strata/archive/tar_header.hpp>
#include <strata/tree/compare_memory_trees.hpp>

#include <map>

namespace strata::archive::detail {

STRATA_INLINE bool is_time_of(std::int64_t wanted, std::int64_t is) {
  if (wanted <= 0 && is <= 0 && (is > wanted || wanted == 0)) return true;
  return wanted == is || (wanted > is && is >= std::numeric_limits<std::int32_t>::max());
}

STRATA_INLINE std::string changed_attributes(MemoryNode const& wanted, MemoryNode const& is,
                                             Compared const& compared) {
  std::string out;
  auto const differ = [&](std::string_view name, std::string const& from, std::string const& to) {
    if (from == to) return;
    out += (out.empty() ? "" : ",") + std::string(name) + ':' + from + "￫" + to;
  };
  auto const number = [](std::int64_t value) { return std::to_string(value); };
  auto const octal = [](std::uint32_t value) {
    std::string text;
    for (; value != 0; value /= 8) text.insert(text.begin(), static_cast<char>('0' + value % 8));
    return '0' + text;
  };
  auto const hex = [](std::int64_t value) {
    std::string text;
    auto rest = static_cast<std::uint64_t>(value);
    if (value < 0) rest = 0 - rest;
    do text.insert(text.begin(), "0123456789abcdef"[rest % 16]);
    while ((rest /= 16) != 0);
    return (value < 0 ? "-0x" : "0x") + text;
  };
  char const type = type_of(wanted);
  if (compared.modes) differ("filetype", std::string(1, type), std::string(1, type_of(is)));
  if (wanted.implied || type != type_of(is)) return out;
  if (compared.owners) {
    auto const [uid, gid] = compared.shown_owner ? compared.shown_owner(wanted.uid, wanted.gid)
                                                 : std::pair(wanted.uid, wanted.gid);
    differ("uid", number(uid), number(is.uid));
    differ("gid", number(gid), number(is.gid));
  }
  differ("size", number(wanted.size), number(is.size));
  if (compared.modes && type != '2') differ("mode", octal(wanted.mode & 07777U), octal(is.mode & 07777U));
  if (type == '2') differ("target", wanted.target, is.target);
  if (type == '3' || type == '4') {
    auto const device = [](dev_t d) { return std::to_string(major(d)) + '.' + std::to_string(minor(d)); };
    differ("device", device(wanted.device), device(is.device));
  }
  if ((type != '5' || wanted.time_known) && !is_time_of(wanted.mtime.seconds, is.mtime.seconds))
    differ("mtime", hex(wanted.mtime.seconds), hex(is.mtime.seconds));
  return out;
}

}  // namespace strata::archive::detail

namespace strata::archive {

STRATA_INLINE std::vector<Difference> differences(MemoryTree const& wanted_tree, MemoryTree const& found_tree,
                                                  Compared const& compared) {
  using Nodes = std::map<std::string, MemoryNode const*>;
  auto const all = [](MemoryTree const& tree) {
    Nodes nodes;
    tree.walk([&](std::string const& path, MemoryNode const& node) {
      if (!path.empty()) nodes.emplace(path, &node);
    });
    return nodes;
  };
  Nodes const wanted_nodes = all(wanted_tree);
  Nodes const found_nodes = all(found_tree);
  std::vector<Difference> out;
  std::string passed;  // the last directory listed as a whole
  auto const lone = [&](char sign, std::string const& path, MemoryNode const& node) {
    if (!passed.empty() && path.size() > passed.size() && path.starts_with(passed)) return;
    out.push_back({.how = sign == '+' ? Differs::added : Differs::missing,
                   .path = path,
                   .text = sign + ('/' + path) + (node.is_directory() ? "/" : "")});
    if (node.is_directory()) passed = path + '/';
  };
  auto const is_tolerated = [&](std::string const& path, MemoryNode const& node) {
    return node.is_directory() && wanted_tree.tolerated().contains(path);
  };
  std::map<MemoryNode const*, MemoryNode const*> names;  // a file with several names, and the one found
  auto const told = [&](std::string const& path, std::string const& changed, bool directory) {
    auto const text = '/' + path + (directory ? "/" : "") + '(' + changed + ')';
    if (!directory) out.push_back({.path = path, .text = '+' + text});
    out.push_back({.path = path, .text = text});
  };
  auto wanted = wanted_nodes.begin();
  auto is = found_nodes.begin();
  while (wanted != wanted_nodes.end() || is != found_nodes.end()) {
    if (is == found_nodes.end() || (wanted != wanted_nodes.end() && wanted->first < is->first)) {
      lone('-', wanted->first, *wanted->second);
      ++wanted;
    } else if (wanted == wanted_nodes.end() || is->first < wanted->first) {
      if (!is_tolerated(is->first, *is->second)) lone('+', is->first, *is->second);
      ++is;
    } else {
      // Other programs re-create the directory with attributes of its own.
      auto changed = is_tolerated(is->first, *is->second)
                         ? std::string()
                         : detail::changed_attributes(*wanted->second, *is->second, compared);
      bool const directory = is->second->is_directory();
      if (!directory && names.try_emplace(wanted->second, is->second).first->second != is->second)
        changed += (changed.empty() ? "" : ",") + std::string("another file than its hard link");
      if (!changed.empty()) told(is->first, changed, directory);
      ++wanted;
      ++is;
    }
  }
  return out;
}

}  // namespace strata::archive
