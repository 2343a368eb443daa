#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <utility>
#include <vector>

namespace random_commands {

/// A change in the tree of a mounted item, made by this program and not by either of the two.
struct Edit {
  enum Kind {
    write,
    append,
    remove,
    directory,
    symlink,
    hard_link,
    rename,
    mode,
    owner,
    attribute,
    fifo,
    device
  };
  std::string item = {};  ///< what is mounted, as `Step::words` names it: the id of its layer
  Kind kind = write;
  std::uint32_t root_uid = 0, root_gid = 0;  ///< whose files a container's root makes there
  std::string path = {};                     ///< below the mount point
  std::string target = {};                   ///< content, link target, second path, value of the attribute
  unsigned number = 0;                       ///< permissions or owner
  std::int64_t time = 0;                     ///< the modification time that what was touched gets
};

/// One step of a sequence: a command, or an edit. It holds all that there is to know, so that a sequence can be run again,
/// in part as well, without what made it.
///
/// Words may hold "@top:ID@", the layer of that container, and "@layers/N@", "@images/N@", "@containers/N@", the id of the
/// Nth record: ids that a program made differ from store to store.
struct Step {
  std::string command = {};                                       ///< not an alias
  std::vector<std::pair<std::string, std::string>> options = {};  ///< long names; flags have the value "true"
  std::vector<std::string> items = {};                            ///< what follows the options
  std::vector<std::string> words = {};                            ///< the whole as it is given to the program
  std::string input = "/dev/null";
  bool ours_on_shared = false;  ///< which program runs it on the shared store
  bool malformed = false;       ///< `options` and `items` do not tell what the words mean
  bool in_vain = false;         ///< it failed when it was first made
  std::optional<Edit> edit = {};

  bool has(std::string_view option) const {
    return std::ranges::any_of(options, [&](auto const& given) { return given.first == option; });
  }
  std::string value(std::string_view option) const {
    std::string found;
    for (auto const& [name, value] : options)
      if (name == option) found = value;
    return found;
  }
  std::vector<std::string> values(std::string_view option) const {
    std::vector<std::string> found;
    for (auto const& [name, value] : options)
      if (name == option) found.push_back(value);
    return found;
  }
  bool json() const { return has("json"); }
};

/// A word as it is written in a shell.
inline std::string shell_word(std::string_view word) {
  constexpr std::string_view plain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=+:,./@%";
  if (!word.empty() && word.find_first_not_of(plain) == word.npos) return std::string(word);
  std::string out = "'";
  for (char const c : word) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

inline std::string_view name(Edit::Kind kind) {
  constexpr std::string_view names[] = {"write",  "append", "remove", "directory", "symlink", "hard link",
                                        "rename", "mode",   "owner",  "attribute", "fifo",    "device"};
  return names[kind];
}

/// A line of shell; `$S` stands for the program and its options. An edit becomes the like of it.
inline std::string shell(Step const& step) {
  if (!step.edit) {
    std::string out = "$S";
    for (auto const& word : step.words) out += ' ' + shell_word(word);
    if (step.input != "/dev/null") out += " <" + shell_word(step.input);
    return out;
  }
  auto const& edit = *step.edit;
  auto const path = shell_word("./" + edit.path), target = shell_word(edit.target);
  auto const time = std::to_string(edit.time);
  std::string act;
  switch (edit.kind) {
    case Edit::write:
      act = "printf %s " + target + " >" + path;
      break;
    case Edit::append:
      act = "printf %s " + target + " >>" + path;
      break;
    case Edit::remove:
      act = "rm -r " + path;
      break;
    case Edit::directory:
      act = "mkdir " + path;
      break;
    case Edit::symlink:
      act = "ln -s " + target + ' ' + path;
      break;
    case Edit::hard_link:
      act = "ln ./" + target + ' ' + path;
      break;
    case Edit::rename:
      act = "mv -T " + path + " ./" + target;
      break;
    case Edit::mode:
      act = "chmod " + std::to_string(edit.number) + ' ' + path + " # decimal";
      break;
    case Edit::owner:
      act = "chown " + std::to_string(edit.number) + ' ' + path;
      break;
    case Edit::attribute:
      act = "setfattr -n user.edited -v " + target + ' ' + path;
      break;
    case Edit::fifo:
      act = "mkfifo " + path;
      break;
    case Edit::device:
      act = "mknod " + path + " c 1 3";
      break;
  }
  return "(cd \"$($S mount " + shell_word(edit.item) + ")\" && { " + act + "; }; touch -h -d @" + time + ' ' +
         path + " \"$(dirname " + path + ")\"); $S unmount " + shell_word(edit.item);
}

}  // namespace random_commands
