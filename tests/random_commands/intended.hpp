#pragma once

#include <strata/fs.hpp>
#include <strata/idmap/range.hpp>
#include <strata/version.hpp>

#include <boost/json.hpp>

#include "normalizer.hpp"
#include "process.hpp"
#include "step.hpp"
#include "world.hpp"
#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <utility>
#include <vector>

namespace random_commands {

/// A command as a difference is judged: what was asked, and of what store.
struct Call {
  Step const& step;
  std::string const& driver;
  World const& world;  ///< of the store of theirs, before the command
  /// Runs a command that changes nothing with their program on its own store.
  std::function<Output(std::vector<std::string>)> ask;
  std::function<std::string(std::string)> plain;  ///< as outputs are compared
  /// What a layer has itself, on the disk.
  std::function<strata::fs::path(std::string const&)> tree;
};

/// A difference that is meant to be: ours follows a later release than the one installed (Debian's 1.43), or an accident
/// of theirs is left out on purpose. All else counts as a bug.
struct Intended {
  using Words = std::vector<std::string>;

  char const* name;
  char const* reason;
  bool (*applies)(Call const&);
  /// What theirs runs to get where ours gets; an empty list for nothing. None: the same command.
  Words (*instead)(Call const&) = nullptr;
  /// Makes of what theirs printed what ours has to print.
  void (*expect)(Call const&, Output& theirs, Output& ours) = nullptr;
  /// When theirs fails, the tree of the layer that its first argument names is put back as it was.
  bool keeps_tree = false;
};

/// What is not asked of the two, and why.
inline constexpr char const* left_out[]{
    "create-container --volatile: 1.59 keeps such records below the run root, where 1.43 does not look",
    "maps of several offsets on overlay: 1.59 has the kernel shift those as well, 1.43 only maps of one",
    "mount --read-only of an image whose layers have maps: 1.59 shows it with the host's owners, 1.43 with "
    "those that its files have",
    "copy of a single file that has attributes: theirs loses them, though it keeps them of files in a "
    "directory",
    "copy of a file to a missing directory in a layer with maps: theirs makes the directory, and then finds "
    "that the maps do not have the file's owner",
    "copy from or to a layer whose id is a container's name: theirs takes the container's tree for the "
    "layer's",
    "what a copy of a directory that failed has copied and removed until then; none is made to what is "
    "mounted",
    "copy of a pipe: theirs waits for who writes to it",
    "files in a layer with maps that belong to no id of those: theirs leaves them out of a copy with a line "
    "of its log, ours fails",
    "names that are not UTF-8: theirs writes U+FFFD for them and then takes the name for free",
    "create-layer --label on overlay: a kernel without SELinux refuses the mount, in other words than theirs",
    "maps that do not have the id 0: ours refuses them where an owner is needed, 1.43 when it mounts",
    "maps of an id that is none (4294967295): ours refuses them",
    "a subordinate map and another for the same ids: ours refuses the two, as the kernel would; theirs takes "
    "them where it does not ask the kernel",
    "the empty name: theirs takes an image without a layer for one of the layer of that name",
    "maps of one kind of ids only on overlay: 1.43 then shifts nothing when it mounts",
    "layers and images upon an image's mapped copies, and copies that are deleted without a look: theirs "
    "removes a copy with its image though something stands on it, and stops where one is gone",
    "what is said of layers from under which others were deleted without a look",
    "a sign that a directory hides what is below, after files in directories that the archive has no entries "
    "for: theirs removes those files again",
    "copy of a directory into itself: theirs copies what it is just making",
    "copy --chown of a directory into a layer with maps: theirs gives the directory itself to the host's id, "
    "and only what is in it to the container's",
    "the time of a directory that was there before an archive or a copy goes into it, on overlay: theirs "
    "makes and removes a directory of its own there",
    "the present as the time of a directory on vfs, where the other has its own: theirs makes hard links "
    "anew when it gives the files away, and which of their directories that changes is left to a race",
    "signs that something is gone in what an archive has no entry for as a directory: where nothing can be "
    "they are passed over; theirs fails in several ways, or waits for ever at a pipe",
    "block devices: where theirs compares trees it takes them for directories, of whose mode theirs has a "
    "bit",
    "copy through links that lead out of the layer: D9, theirs follows them to the host",
};

namespace detail {

inline bool is(Call const& call, std::string_view command) {
  return call.step.command == command && !call.step.malformed;
}

inline bool one_of(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::ranges::find(words, word) != words.end();
}

/// Commands that took any number of arguments in 1.43, by how many 1.59 takes.
inline std::optional<std::size_t> most_arguments(std::string_view command) {
  if (one_of(command, {"containers", "images", "layers", "shutdown", "status", "version", "wipe"})) return 0;
  if (one_of(command, {"get-container-dir", "get-container-run-dir", "get-names"})) return 1;
  if (one_of(command, {"get-container-data", "get-container-data-size", "get-container-data-digest",
                       "set-container-data", "get-image-data", "get-image-data-size", "get-image-data-digest",
                       "set-image-data", "get-layer-data", "set-layer-data"}))
    return 2;
  return {};
}

inline std::vector<std::string> names_of(Call const& call) {
  auto const found = call.ask({"get-names", "-j", "--", call.step.items.front()});
  std::vector<std::string> names;
  if (found.status != 0) return names;
  auto const list = boost::json::parse(found.out);
  for (auto const& name : list.as_array()) names.emplace_back(name.as_string());
  return names;
}

/// The call that leaves these names, in the order in which they come first.
inline Intended::Words set_names(Call const& call, std::vector<std::string> const& names) {
  Intended::Words words{"set-names"};
  std::vector<std::string> seen;
  for (auto const& name : names) {
    if (std::ranges::find(seen, name) != seen.end()) continue;
    seen.push_back(name);
    words.insert(words.end(), {"--name", name});
  }
  if (call.step.json()) words.emplace_back("--json");
  words.insert(words.end(), {"--", call.step.items.front()});
  return words;
}

inline bool is_known(Call const& call) {
  return call.ask({"get-names", "--", call.step.items.front()}).status == 0;
}

/// The first argument as outputs are compared.
inline std::string shown(Call const& call) { return call.plain(call.step.items.front()); }

inline std::string quoted_words(std::vector<std::string> const& words) {
  std::string out;
  for (auto const& word : words) out += (out.empty() ? "" : " ") + word;
  return out;
}

inline bool is_plain_id(std::string_view id) {
  return id != "." && id != ".." && id.find('/') == id.npos && id.find('\0') == id.npos;
}

inline std::vector<std::string> sorted_words(std::string const& text) {
  auto words = split(text, ',');
  std::ranges::sort(words);
  return words;
}

/// The lines of both sides sorted; of a list in JSON, its members.
inline void sort_lines(Call const& call, Output& theirs, Output& ours) {
  for (auto* output : {&theirs, &ours}) {
    if (call.step.command == "changes" && call.step.json())
      output->out =
          sorted_lines(replaced(replaced(replaced(output->out, "},{", "}\n{"), "[{", "[\n{"), "}]", "}\n]"));
    else if (call.step.command != "delete-image" || !call.step.json())
      output->out = sorted_lines(output->out);
    output->err = sorted_lines(output->err);
  }
}

/// Those of the arguments that are containers on whose layers images or layers stand.
inline std::set<std::string> committed(Call const& call) {
  std::set<std::string> found;
  for (auto const& item : call.step.items) {
    if (found.contains(item)) continue;
    auto const list = boost::json::parse(call.ask({"container", "-j", "--", item}).out);
    for (auto const& container : list.as_array()) {
      std::string const layer(container.at("layer").as_string());
      for (auto const* kind : {&call.world.images, &call.world.layers})
        if (std::ranges::find(*kind, layer, &Record::parent) != kind->end()) found.insert(item);
    }
  }
  return found;
}

/// The arguments, layers by their ids.
inline std::vector<std::string> by_id(Call const& call) {
  std::vector<std::string> ids;
  for (auto const& item : call.step.items) {
    ids.push_back(item);
    if (call.world.layer(item) || call.ask({"container", "-j", "--", item}).status == 0) continue;
    auto const list = boost::json::parse(call.ask({"layer", "-j", "--", item}).out);
    if (!list.as_array().empty()) ids.back() = list.at(0).at("id").as_string();
  }
  return ids;
}

/// JSON as Go writes it; the signs that stand for ids, "<1>", are left as they are.
inline std::string go_json(boost::json::value const& value) {
  auto const text = boost::json::serialize(value);
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto const end = text[i] == '<' ? text.find_first_not_of("0123456789", i + 1) : text.npos;
    if (end != text.npos && end > i + 1 && text[end] == '>') {
      out += text.substr(i, end + 1 - i);
      i = end;
      continue;
    }
    out += text[i] == '<'   ? "\\u003c"
           : text[i] == '>' ? "\\u003e"
           : text[i] == '&' ? "\\u0026"
                            : std::string(1, text[i]);
  }
  return out;
}

/// As Go writes a map.
inline std::string sorted_object(boost::json::object const& object) {
  std::map<std::string, boost::json::value> members;
  for (auto const& [key, value] : object) members.emplace(key, value);
  boost::json::object out;
  for (auto const& [key, value] : members) out[key] = value;
  return go_json(out);
}

/// A JSON object with ids that the programs made up as keys, which are in another order in each store: sorted by the signs
/// that stand for them.
inline void sort_made_up(Output& output) {
  auto const is_made_up = [](auto const& member) {
    auto const key = std::string_view(member.key());
    return key.size() > 2 && key.front() == '<' && key.back() == '>' &&
           key.find_first_not_of("0123456789", 1) == key.size() - 1;
  };
  boost::system::error_code none;
  auto const said = boost::json::parse(output.out, none);
  if (!none && said.is_object() && std::ranges::any_of(said.get_object(), is_made_up))
    output.out = sorted_object(said.get_object()) + '\n';
}

/// Paths at which a layer below the one that is asked of has a symbolic link, from "/".
inline std::set<std::string> links_below(Call const& call) {
  std::set<std::string> found;
  auto const* asked = call.world.find_layer(call.step.items.front());
  for (auto const* at = asked ? call.world.layer(asked->parent) : nullptr; at;
       at = call.world.layer(at->parent)) {
    auto const top = call.tree(at->id);
    for (auto const& entry : strata::fs::recursive_directory_iterator(top))
      if (strata::fs::is_symlink(entry.symlink_status()))
        found.insert(entry.path().native().substr(top.native().size()));
  }
  return found;
}

inline bool is_unpacking(std::string_view text) {
  return text.find("processing tar file(") != text.npos || text.find("ApplyLayer") != text.npos;
}

}  // namespace detail

/// What is recorded of an archive. The library that 1.43 has ends each record with an empty piece; later ones leave it out.
inline std::string recorded_archive(std::string text) {
  for (auto at = text.find("{\"type\":2,\"payload\":\"\","); at != text.npos;
       at = text.find("{\"type\":2,\"payload\":\"\",", at))
    text.erase(at, text.find('\n', at) + 1 - at);
  return text;
}

/// In the order in which they are asked; several may apply to one command.
inline std::vector<Intended> const& intended() {
  using namespace detail;
  static std::vector<Intended> const all{
      {.name = "arguments",
       .reason = "1.59 counts arguments; 1.43 ignores too many",
       .applies =
           [](Call const& c) {
             auto const most = most_arguments(c.step.command);
             return !c.step.malformed && most && c.step.items.size() > *most;
           },
       .instead =
           [](Call const& c) {
             return Intended::Words{c.step.command, "--help"};
           },
       .expect =
           [](Call const& c, Output& theirs, Output&) {
             auto const word =
                 std::ranges::find_if(c.step.words, [](auto const& w) { return !w.starts_with('-'); });
             theirs.out =
                 *word + ": too many arguments ([" + quoted_words(c.step.items) + "]).\n" + theirs.out;
             theirs.out = replaced(theirs.out, "storage " + c.step.command + ' ', "storage " + *word + ' ');
             theirs.status = 1;
           }},
      {.name = "new lines",
       .reason = "1.59 prints a line for each name of a new container; 1.43 puts all on one",
       .applies = [](Call const& c) { return is(c, "create-container") && !c.step.json(); },
       .expect =
           [](Call const& c, Output& theirs, Output&) {
             if (theirs.status != 0) return;
             std::vector<std::string> seen;
             theirs.out = theirs.out.substr(0, theirs.out.find_first_of("\t\n")) + '\n';
             for (auto const& name : c.step.values("name")) {
               if (std::ranges::find(seen, name) == seen.end()) theirs.out += '\t' + name + '\n';
               seen.push_back(name);
             }
           }},
      {.name = "null",
       .reason = "1.59 prints null for a store without layers; 1.43 prints []",
       .applies = [](Call const& c) { return is(c, "layers") && c.step.json() && c.world.layers.empty(); },
       .expect = [](Call const&, Output& theirs,
                    Output&) { theirs.out = replaced(theirs.out, "[]", "null"); }},
      {.name = "name order",
       .reason = "1.59 puts added names first; 1.43 puts them last",
       .applies =
           [](Call const& c) {
             return is(c, "add-names") && !c.step.items.empty() && c.step.has("name") && is_known(c);
           },
       .instead =
           [](Call const& c) {
             auto names = c.step.values("name");
             auto const old = names_of(c);
             names.insert(names.end(), old.begin(), old.end());
             return set_names(c, names);
           }},
      {.name = "remove-names",
       .reason = "the command came after 1.43; its set-names does the same",
       .applies = [](Call const& c) { return is(c, "remove-names") && !c.step.items.empty(); },
       .instead =
           [](Call const& c) {
             auto names = names_of(c);
             auto const gone = c.step.values("name");
             std::erase_if(names,
                           [&](auto const& name) { return std::ranges::find(gone, name) != gone.end(); });
             return set_names(c, names);
           }},
      {.name = "layers --quick",
       .reason = "the option came after 1.43; the lines without a tab are what it prints, unless a tree or "
                 "JSON is asked for",
       .applies =
           [](Call const& c) { return is(c, "layers") && c.step.has("quick") && c.step.items.empty(); },
       .instead =
           [](Call const& c) {
             Intended::Words words{"layers"};
             for (auto const* option : {"tree", "json"})
               if (c.step.has(option)) words.push_back(std::string("--") + option);
             return words;
           },
       .expect =
           [](Call const& c, Output& theirs, Output&) {
             if (c.step.has("tree") || c.step.json()) return;
             std::string ids;  // not the second line of a name that has two
             for (auto const& line : split(theirs.out))
               if (std::ranges::any_of(c.world.layers,
                                       [&](auto const& layer) { return c.plain(layer.id) + '\n' == line; }))
                 ids += line;
             theirs.out = ids;
           }},
      {.name = "digest",
       .reason = "1.59 has no \"DIGEST: \" before what is wrong with one",
       .applies = [](Call const& c) { return is(c, "images-by-digest") && c.step.items.size() == 1; },
       .expect =
           [](Call const& c, Output& theirs, Output&) {
             auto const prefix = c.step.items.front() + ": ";
             if (theirs.err.starts_with(prefix)) theirs.err.erase(0, prefix.size());
           }},
      {.name = "read-only mount",
       .reason = "1.59 mounts an image without options of its own; 1.43 fails on vfs",
       .applies =
           [](Call const& c) {
             return is(c, "mount") && c.step.has("read-only") && c.driver != "overlay" &&
                    c.step.items.size() == 1 && c.ask({"image", "--", c.step.items.front()}).status == 0;
           },
       .instead =
           [](Call const& c) {
             auto const image = c.ask({"image", "--", c.step.items.front()});
             auto const layer = image.out.find("Top Layer: ") + 11;
             Intended::Words words{"mount"};
             if (c.step.json()) words.emplace_back("--json");
             words.push_back(image.out.substr(layer, image.out.find('\n', layer) - layer));
             return words;
           },
       .expect =
           [](Call const& c, Output& theirs, Output&) {
             if (auto const at = theirs.err.find(" while mounting "); at != theirs.err.npos)
               theirs.err = theirs.err.substr(0, at + 16) + shown(c) + '\n';
             auto const id = theirs.out.find("{\"id\":\"");
             if (id == theirs.out.npos) return;
             auto const from = id + 6, end = theirs.out.find('"', from + 1) + 1;
             theirs.out.replace(from, end - from, go_json(boost::json::value(shown(c))));
           }},
      {.name = "--read-only",
       .reason = "the long name of the option came after 1.43, which has --ro and -r",
       .applies = [](Call const& c) { return is(c, "mount") && c.step.has("read-only"); },
       .instead =
           [](Call const& c) {
             auto words = c.step.words;
             for (auto& word : words)
               if (word.starts_with("--read-only")) word.replace(0, 11, "--ro");
             return words;
           }},
      {.name = "version",
       .reason = "it is our version; 1.43 prints none",
       .applies = [](Call const& c) { return is(c, "version") && c.step.items.empty(); },
       .expect =
           [](Call const& c, Output& theirs, Output&) {
             if (c.step.json())
               theirs.out = "[[\"Version\",\"" STRATA_VERSION_TEXT "\"]]\n";
             else
               theirs.err = "Version: " STRATA_VERSION_TEXT "\n";
           }},
      {.name = "status",
       .reason = "1.59 shows two more abilities of overlay",
       .applies =
           [](Call const& c) { return is(c, "status") && c.driver == "overlay" && c.step.items.empty(); },
       .expect =
           [](Call const& c, Output& theirs, Output&) {
             if (c.step.json())
               theirs.out =
                   replaced(theirs.out, "]]\n",
                            "],[\"Supports shifting\",\"true\"],[\"Supports volatile\",\"true\"]]\n");
             else
               theirs.err += "Supports shifting: true\nSupports volatile: true\n";
           }},
      {.name = "image directories",
       .reason = "the commands came after 1.43; D3: an image's id is in the path, and it has to be known",
       .applies =
           [](Call const& c) {
             return (is(c, "get-image-dir") || is(c, "get-image-run-dir")) && c.step.items.size() == 1;
           },
       .instead =
           [](Call const& c) {
             return Intended::Words{"image", "-j", "--", c.step.items.front()};
           },
       .expect =
           [](Call const& c, Output& theirs, Output&) {
             auto const found = boost::json::parse(theirs.out).as_array();
             theirs.out.clear();
             if (found.empty()) {
               theirs.err = "locating image with ID " +
                            boost::json::serialize(boost::json::string(shown(c))) + ": image not known\n";
               return;
             }
             theirs.out = std::string(is(c, "get-image-dir") ? "<root>/" : "<run>/") + c.driver + "-images/" +
                          std::string(found.front().at("id").as_string()) + "/userdata\n";
           }},
      {.name = "safe",
       .reason = "D1: a layer given by name or prefix is as protected as one given by id",
       .applies =
           [](Call const& c) {
             return is(c, "delete-layer") && c.step.items.size() == 1 &&
                    !c.world.layer(c.step.items.front()) &&
                    c.ask({"layer", "--", c.step.items.front()}).status == 0;
           },
       .instead =
           [](Call const& c) {
             auto const found = c.ask({"layer", "-j", "--", c.step.items.front()});
             Intended::Words words{"delete-layer"};
             if (c.step.json()) words.emplace_back("--json");
             words.insert(words.end(),
                          {"--", std::string(boost::json::parse(found.out).at(0).at("id").as_string())});
             return words;
           },
       .expect =
           [](Call const& c, Output& theirs, Output&) {
             if (!c.step.json()) {
               if (!theirs.err.empty()) theirs.err = shown(c) + theirs.err.substr(theirs.err.find(": "));
               return;
             }
             auto const said = boost::json::parse(theirs.out).as_object();
             boost::json::object out;
             out[shown(c)] = said.begin()->value();
             theirs.out = go_json(out) + '\n';
           }},
      {.name = "ids",
       .reason = "D2: an id that is no plain file name is refused",
       .applies =
           [](Call const& c) {
             return one_of(c.step.command,
                           {"create-layer", "import-layer", "create-image", "create-container"}) &&
                    !c.step.malformed && !is_plain_id(c.step.value("id"));
           },
       .instead = [](Call const&) { return Intended::Words{}; },
       .expect =
           [](Call const&, Output& theirs,
              Output& ours) {  // which of two mistakes is told first does not count
             if (ours.status == 1 && ours.out.empty() && !ours.err.empty())
               theirs = ours;
             else
               theirs.err = "not a valid ID";
           }},
      {.name = "mounted by name",
       .reason = "a layer is mounted by its name as by its id; theirs gives the name to the driver, which "
                 "knows ids only",
       .applies =
           [](Call const& c) {
             return (is(c, "mount") || is(c, "unmount")) && !c.step.has("read-only") &&
                    by_id(c) != c.step.items;
           },
       .instead =
           [](Call const& c) {
             Intended::Words words{c.step.command};
             if (c.step.json()) words.emplace_back("--json");
             if (c.step.has("force")) words.emplace_back("--force");
             words.emplace_back("--");
             for (auto const& item : by_id(c)) words.push_back(item);
             return words;
           },
       .expect =
           [](Call const& c, Output& theirs, Output& ours) {
             auto const ids = by_id(c);
             for (std::size_t i = 0; i < ids.size(); ++i) {
               if (ids[i] == c.step.items[i]) continue;
               auto const put_back = [&](std::string const& before, auto const& written,
                                         std::string const& after) {
                 for (auto* output : {&theirs, &ours})
                   for (auto const& word : {c.step.items[i], ids[i]})
                     output->out = replaced(output->out, before + written(c.plain(word)) + after,
                                            before + "<it>" + after);
               };
               put_back(
                   "{\"id\":", [](auto const& text) { return go_json(boost::json::value(text)); }, ",");
               put_back(
                   "", [](auto const& text) { return text; }, " mountpoint unmounted\n");
             }
           }},
      {.name = "committed",
       .reason = "D1 again: a container whose layer an image was made of is not removed; theirs leaves the "
                 "image broken",
       .applies = [](Call const& c) { return is(c, "delete-container") && !committed(c).empty(); },
       .instead =
           [](Call const& c) {
             Intended::Words words{"delete-container"};
             auto const kept = committed(c);
             if (c.step.json()) words.emplace_back("--json");
             words.emplace_back("--");
             for (auto const& item : c.step.items)
               if (!kept.contains(item)) words.push_back(item);
             return words.back() == "--" ? Intended::Words{} : words;
           },
       .expect =
           [](Call const& c, Output& theirs, Output& ours) {
             theirs.status = 1;
             auto json = c.step.json() && !theirs.out.empty() ? boost::json::parse(theirs.out).as_object()
                                                              : boost::json::object();
             auto const said = c.step.json() && !ours.out.empty() ? boost::json::parse(ours.out).as_object()
                                                                  : boost::json::object();
             for (auto const& argument :
                  committed(c)) {  // the words that ours has, if they are of the right kind
               auto const item = c.plain(argument);
               auto const refused = [](std::string_view text) {
                 return text.ends_with(": layer is in use by an image") ||
                        text.ends_with(": layer has children");
               };
               if (c.step.json() && said.contains(item) && refused(said.at(item).as_string()))
                 json[item] = said.at(item);
               if (auto const line = line_after(ours.err, item + ": "); refused(line))
                 theirs.err += item + ": " + line + '\n';
             }
             if (c.step.json()) theirs.out = sorted_object(json) + '\n';
           }},
      {.name = "keys",
       .reason = "a key that is no plain file name is refused as such; theirs says what the kernel says of "
                 "the directory",
       .applies =
           [](Call const& c) {
             return !c.step.malformed && c.step.items.size() == 2 && one_of(c.step.items.back(), {".", ".."});
           },
       .expect =
           [](Call const&, Output& theirs, Output& ours) {
             if (theirs.status == 1 && ours.status == 1 && !ours.err.empty()) theirs.err = ours.err;
           }},
      {.name = "unpacking",
       .reason = "the words for a damaged archive; 1.43 and 1.59 differ as well",
       .applies = [](Call const& c) { return is(c, "import-layer") || is(c, "applydiff") || is(c, "copy"); },
       .expect =
           [](Call const&, Output& theirs, Output& ours) {
             if (is_unpacking(theirs.err) && !ours.err.empty()) theirs.err = ours.err;
           }},
      {.name = "compared with nothing",
       .reason =
           "a layer without a parent against one that is unknown; theirs says what stat(2) says of its tree",
       .applies =
           [](Call const& c) {
             return one_of(c.step.command, {"changes", "diff", "diffsize"});
           },
       .expect =
           [](Call const& c, Output& theirs, Output&) {
             auto const begin = "stat <root>/" + std::string(c.driver == "vfs" ? "vfs/dir/" : "overlay/");
             if (theirs.status == 1 && c.step.items.size() == 2 &&
                 theirs.err == begin + c.plain(c.step.items.back()) + ": no such file or directory\n")
               theirs.err = "layer not known\n";
           }},
      {.name = "packed",
       .reason = "a layer whose files are not those of its tar-split cannot be exported; theirs says "
                 "so of a plain archive only, and ends a packed one early without a word",
       .applies = [](Call const& c) { return is(c, "diff") && c.step.items.size() == 1; },
       .expect =
           [](Call const& c, Output& theirs, Output& ours) {
             if (theirs.status != 0 || ours.status == 0) return;
             auto const plain = c.ask({"diff", "--uncompressed", "--", c.step.items.front()});
             if (plain.status == 0) return;
             theirs.status = plain.status;
             theirs.err = c.plain(plain.err);
           }},
      {.name = "from below",
       .reason =
           "a recorded file in whose place a directory lies is taken from a layer below that has the very "
           "contents; theirs fails, or ends a packed archive early without a word",
       .applies =
           [](Call const& c) { return is(c, "diff") && c.driver == "overlay" && c.step.items.size() == 1; },
       .expect =
           [](Call const& c, Output& theirs, Output& ours) {
             if (ours.status != 0 || theirs == ours) return;
             auto const plain =
                 theirs.status == 0 ? c.ask({"diff", "--uncompressed", "--", c.step.items.front()}) : theirs;
             auto const err = c.plain(plain.err);
             if (plain.status == 1 && err.starts_with("read <root>/overlay/") &&
                 err.ends_with(": is a directory\n"))
               theirs = ours;
           }},
      {.name = "recorded file",
       .reason = "a file that the tar-split has and the layer has no more is called missing; theirs "
                 "says what open(2) or, of a directory, read(2) says",
       .applies = [](Call const& c) { return is(c, "diff"); },
       .expect =
           [](Call const&, Output& theirs, Output& ours) {
             constexpr std::string_view end = ": no such file or directory\n", file = "\", file \"",
                                        missing = "\" is missing: tar-split is damaged\n";
             auto const from = ours.err.find(file);
             if (theirs.status != 1 || from == ours.err.npos || !ours.err.ends_with(missing)) return;
             auto name = ours.err.substr(from + file.size());
             name.erase(name.size() - missing.size());
             if (name.starts_with("./")) name.erase(0, 2);
             auto const said = [&](std::string_view call, std::string_view what) {
               return theirs.err.starts_with(std::string(call) + " <root>/") &&
                      theirs.err.ends_with('/' + name + std::string(what));
             };
             if (said("open", end) || said("read", ": is a directory\n")) theirs.err = ours.err;
           }},
      {.name = "no copy",
       .reason = "an image's layer is not copied for a container if a file's owner is not in its maps; which "
                 "of several such files is said is chance, and theirs says more of it",
       .applies = [](Call const& c) { return is(c, "create-container"); },
       .expect =
           [](Call const&, Output& theirs, Output& ours) {
             if (theirs.status == 1 && theirs.err.starts_with("creating an ID-mapped copy of layer ") &&
                 theirs.err.find(" cannot be mapped to a container ID") != theirs.err.npos &&
                 ours.err.ends_with(" cannot be mapped to container IDs: invalid mappings specified\n"))
               theirs.err = ours.err;
           }},
      {.name = "owners outside",
       .reason = "what belongs to ids that the layer's maps do not have cannot be exported; theirs leaves it "
                 "out without a word",
       .applies = [](Call const& c) { return is(c, "diff") && c.driver == "vfs" && !c.step.items.empty(); },
       .expect =
           [](Call const& c, Output& theirs, Output& ours) {
             auto const* layer = c.world.find_layer(c.step.items.front());
             if (theirs.status != 0 || ours.status != 1 || !layer) return;
             for (auto const& entry : strata::fs::recursive_directory_iterator(c.tree(layer->id))) {
               struct stat status {};
               if (::lstat(entry.path().c_str(), &status) != 0) continue;
               auto const in = [](strata::IdMap const& map, std::int64_t id) {
                 return map.empty() || strata::idmap::to_container(map, id);
               };
               if (in(layer->maps.uids, status.st_uid) && in(layer->maps.gids, status.st_gid)) continue;
               auto const refused = "host ID pair " + std::to_string(status.st_uid) + ':' +
                                    std::to_string(status.st_gid) +
                                    " cannot be mapped to container IDs: invalid mappings specified\n";
               if (ours.err == refused) theirs = ours;
             }
           }},
      {.name = "cut short",
       .reason = "how much of an archive was written before a failure is not asked",
       .applies = [](Call const& c) { return is(c, "diff"); },
       .expect =
           [](Call const&, Output& theirs, Output& ours) {
             if (theirs.status == 1 && ours.status == 1) theirs.out = ours.out, theirs.files = ours.files;
           }},
      {.name = "without its layer",
       .reason = "an image whose layer was deleted is removed, by theirs as well, which then fails for want "
                 "of the layer; asked only what it would remove, it names that layer",
       .applies =
           [](Call const& c) {
             return is(c, "delete-image") && std::ranges::any_of(c.world.images, [&](auto const& image) {
                      return !image.parent.empty() && std::ranges::find(c.world.layers, image.parent,
                                                                        &Record::id) == c.world.layers.end();
                    });
           },
       .expect =
           [](Call const& c, Output& theirs, Output& ours) {
             auto const before = theirs;
             for (auto const& item : c.step.items) {
               auto const* image = c.world.find_image(item);
               if (!image || image->parent.empty() || c.world.layer(image->parent)) continue;
               auto const shown_item = c.plain(item);
               boost::json::array removed;
               std::string lines;
               for (auto const& copy : image->mapped)
                 if (c.world.layer(copy)) {
                   removed.emplace_back(c.plain(copy));
                   lines += shown_item + ": " + c.plain(copy) + '\n';
                 }
               auto named = removed;  // when asked what it would remove
               named.emplace_back(c.plain(image->parent));
               auto const key = go_json(boost::json::value(shown_item)) + ':';
               auto const deleted = [&](boost::json::array const& layers) {
                 return key + (layers.empty() ? "{}" : "{\"deleted-layers\":" + go_json(layers) + '}');
               };
               for (auto const& said : {key + "{\"error\":\"layer not known\"}", deleted(named)})
                 theirs.out = replaced(theirs.out, said, deleted(removed));
               theirs.err = replaced(theirs.err, shown_item + ": layer not known\n", lines);
               theirs.err =
                   replaced(theirs.err, shown_item + ": " + c.plain(image->parent) + '\n', std::string());
             }
             if (theirs != before) theirs.status = ours.status;
           }},
      {.name = "by force",
       .reason = "1.43 never ends when it is to shut down by force and something is mounted; later releases "
                 "unmount it and fail all the same, ours succeeds",
       .applies =
           [](Call const& c) { return is(c, "shutdown") && c.step.has("force") && !c.world.mounts.empty(); },
       .instead =
           [](Call const& c) {
             Intended::Words words{"unmount", "--force"};
             for (auto const& [layer, path] : c.world.mounts) words.push_back(layer);
             return words;
           },
       .expect = [](Call const& c, Output& theirs,
                    Output&) { theirs = {.out = c.step.json() ? "\"\"\n" : ""}; }},
      {.name = "in a circle",
       .reason =
           "a copy onto a link that leads round in a circle fails for that; theirs says that the link is "
           "there",
       .applies = [](Call const& c) { return is(c, "copy"); },
       .expect =
           [](Call const&, Output& theirs, Output& ours) {
             constexpr std::string_view there = ": file exists\n",
                                        circle = ": too many levels of symbolic links\n";
             if (theirs.status != 1 || !theirs.err.ends_with(there) || !ours.err.ends_with(circle)) return;
             auto const begin = theirs.err.substr(0, theirs.err.size() - there.size());
             if (begin + std::string(circle) == ours.err) theirs.err = ours.err;
           }},
      {.name = "passed over",
       .reason = "names that overlayfs lists and does not have are left out of a copy; theirs logs each as "
                 "an error",
       .applies = [](Call const& c) { return is(c, "copy") && c.driver == "overlay"; },
       .expect =
           [](Call const&, Output& theirs, Output&) {
             std::string kept;
             for (auto const& line : split(theirs.err))
               if (line.find("level=error msg=\"Can't add file <root>/overlay/") == line.npos ||
                   !line.ends_with(": no such file or directory\"\n"))
                 kept += line;
             theirs.err = kept;
           }},
      {.name = "over a loop",
       .reason =
           "a directory is exported where a layer below has a link that leads round in a circle; theirs logs "
           "an error and leaves it out",
       .applies = [](Call const& c) { return is(c, "diff") && c.driver == "overlay"; },
       .expect =
           [](Call const&, Output& theirs, Output& ours) {
             auto const lost = [](std::string const& line) {
               return line.find("level=error msg=\"Can't add file <root>/overlay/") != line.npos &&
                      line.ends_with(": too many levels of symbolic links\"\n");
             };
             std::string kept;
             for (auto const& line : split(theirs.err))
               if (!lost(line)) kept += line;
             if (kept == theirs.err || theirs.status != 0 || ours.status != 0) return;
             theirs = {.out = ours.out, .err = kept, .files = ours.files};
           }},
      {.name = "over a link",
       .reason = "what replaces a link of a layer below was modified; theirs follows the link, and says it "
                 "was added if that leads nowhere, and the directories above modified",
       .applies =
           [](Call const& c) { return is(c, "changes") && c.driver == "overlay" && !c.step.items.empty(); },
       .expect =
           [](Call const& c, Output& theirs, Output& ours) {
             if (theirs.out == ours.out) return;
             auto const in_json = [](std::string const& path, char kind) {
               return "{\"Path\":" + boost::json::serialize(boost::json::value(path)) + ",\"Kind\":" + kind +
                      '}';
             };
             auto const in_text = [](std::string const& path) {
               return " \"" + replaced(replaced(replaced(path, "\\", "\\\\"), "\"", "\\\""), "\t", "\\t") +
                      "\"\n";
             };
             for (auto const& path : links_below(c)) {
               bool said = false;
               for (auto const& [added, modified] :
                    {std::pair(in_json(path, '1'), in_json(path, '0')),
                     std::pair("Add" + in_text(path), "Modify" + in_text(path))})
                 if (theirs.out.find(added) != theirs.out.npos && ours.out.find(modified) != ours.out.npos) {
                   theirs.out = replaced(theirs.out, added, modified);
                   said = true;
                 }
               if (!said) continue;
               for (auto at = path.rfind('/'); at != 0;
                    at = path.rfind('/', at - 1)) {  // as above what was added
                 auto const above = path.substr(0, at);
                 if (ours.out.find(in_json(above, '0')) == ours.out.npos)
                   theirs.out = replaced(replaced(theirs.out, in_json(above, '0') + ',', ""),
                                         ',' + in_json(above, '0'), "");
                 if (ours.out.find("Modify" + in_text(above)) == ours.out.npos)
                   theirs.out = replaced(theirs.out, "Modify" + in_text(above), "");
               }
             }
           }},
      {.name = "below a file",
       .reason = "what lies in a layer where one below has a file or a link that leads nowhere instead of a "
                 "directory was added; theirs fails",
       .applies =
           [](Call const& c) {
             return c.driver == "overlay" && (is(c, "changes") || is(c, "diff") || is(c, "diffsize"));
           },
       .expect =
           [](Call const&, Output& theirs, Output& ours) {
             if (theirs.status == 1 && ours.status == 0 && theirs.err.starts_with("stat <root>/overlay/") &&
                 (theirs.err.ends_with(": not a directory\n") ||
                  theirs.err.ends_with(": too many levels of symbolic links\n")))
               theirs = ours;
           }},
      {.name = "mapped in vain",
       .reason = "a container that is refused leaves nothing; theirs leaves a copy of the image's layer with "
                 "the owners that it would have had",
       .applies =
           [](Call const& c) {
             if (!is(c, "create-container") || c.driver != "vfs") return false;
             auto const names = c.step.values("name");
             auto const wanted = [&](auto const& name) {
               return std::ranges::find(names, name) != names.end();
             };
             return std::ranges::any_of(c.world.containers,
                                        [&](auto const& container) {
                                          return container.id == c.step.value("id") ||
                                                 std::ranges::any_of(container.names, wanted);
                                        }) &&
                    c.ask({"image", "--", c.step.items.front()}).status == 0;
           },
       .instead =
           [](Call const& c) {
             auto words = c.step.words;
             words.back().clear();  // no image, no layer to copy
             return words;
           }},
      {.name = "whole",
       .reason = "a stream that cannot be unpacked leaves the layer as it was; theirs leaves what was "
                 "unpacked before",
       .applies = [](Call const& c) { return is(c, "applydiff") && c.step.items.size() == 1; },
       .keeps_tree = true},
      {.name = "relative",
       .reason =
           "a directory is copied to a path from the working directory; theirs wants some of those absolute",
       .applies =
           [](Call const& c) {
             return is(c, "copy") && !c.step.items.empty() && c.step.items.back() == "out";
           },
       .expect =
           [](Call const&, Output& theirs, Output& ours) {
             if (theirs.status == 1 && ours.files.contains("out") &&
                 theirs.err.ends_with(" to \"out\": path: out should be absolute\n"))
               theirs = ours;
           }},
      {.name = "bad owner",
       .reason = "1.59 says \"bad UID\" of a number for --chown that is none; 1.43 says it at greater length",
       .applies = [](Call const& c) { return is(c, "copy") && c.step.has("chown"); },
       .expect =
           [](Call const&, Output& theirs, Output&) {
             if (!theirs.err.starts_with("error \"")) return;
             for (auto const* what : {"UID", "GID"})
               if (auto const at = theirs.err.find(std::string(" as a numeric ") + what + ": ");
                   at != theirs.err.npos)
                 theirs.err = std::string("bad ") + what + theirs.err.substr(at + 17) + '\n';
           }},
      {.name = "copy --help",
       .reason = "D13: 1.43 crashes when it is to list the options of copy",
       .applies = [](Call const& c) { return c.step.command == "copy"; },
       .expect =
           [](Call const&, Output& theirs, Output& ours) {
             if (theirs.status != 2 || theirs.err.find("panic: ") == theirs.err.npos) return;
             theirs.err = ours.err;
             theirs.status = ours.status;
           }},
      {.name = "line order",
       .reason = "D12: theirs is random; ours is that of the arguments or the paths",
       .applies =
           [](Call const& c) {
             return one_of(c.step.command, {"exists", "delete", "delete-layer", "delete-image",
                                            "delete-container", "changes"});
           },
       .expect = sort_lines},
      {.name = "usage",
       .reason = "the name of the program and its options are its own",
       .applies = [](Call const&) { return true; },
       .expect =
           [](Call const&, Output& theirs, Output& ours) {
             if (theirs.out.find("Usage: ") == theirs.out.npos && theirs.err.find("See '") == theirs.err.npos)
               return;
             theirs.out = replaced(theirs.out, "Usage: containers-storage", "Usage: oci-storage");
             for (auto* output : {&theirs, &ours}) {
               std::string kept;
               for (auto const& line : split(output->err)) {
                 if (line == "\n" || line.starts_with("  -")) continue;
                 kept += line.starts_with("See '") ? "See\n" : line;
               }
               output->err = kept;
             }
           }},
  };
  return all;
}

}  // namespace random_commands
