#pragma once

#include <strata/idmap/range.hpp>
#include <strata/sys/remove_tree.hpp>
#include <strata/sys/xattr.hpp>

#include "edit.hpp"
#include "intended.hpp"
#include "normalizer.hpp"
#include "process.hpp"
#include "step.hpp"
#include "tree.hpp"
#include "world.hpp"
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace differential {

/// Where things lie and which programs are compared.
struct Setting {
  std::filesystem::path scratch;
  std::string ours, theirs;
  std::string driver;
};

/// One store and what is known of it.
class Home {
 public:
  Home(Setting const& setting, char const* name)
      : setting_(setting),
        base_(setting.scratch / name),
        world((base_ / "graph").native(), (base_ / "run").native(), setting.driver),
        words((base_ / "graph").native(), (base_ / "run").native()) {
    strata::sys::remove_tree(base_);
    for (auto const* part : {"graph", "run", "work"}) std::filesystem::create_directories(base_ / part);
  }

  /// Starts a program with the words of a command, in which the signs for generated ids are replaced.
  std::unique_ptr<Process> start(bool ours, std::vector<std::string> const& call,
                                 std::string const& input) const {
    std::vector<std::string> words_given{ours ? setting_.ours : setting_.theirs,
                                         "--graph",
                                         graph().native(),
                                         "--run",
                                         (base_ / "run").native(),
                                         "--storage-driver",
                                         setting_.driver};
    for (auto const& word : call) words_given.push_back(resolved(word));
    return std::make_unique<Process>(std::move(words_given), base_ / "work", input);
  }

  Output plain(Output output) {
    output.err = words.plain(output.err);
    output.out = words.plain(output.out);
    return output;
  }

  /// The word with the id that a sign at its beginning stands for; a path may follow.
  std::string resolved(std::string const& word) const {
    auto const end = word.starts_with('@') ? word.find('@', 1) : word.npos;
    if (end == word.npos) return word;
    auto const inner = word.substr(1, end - 1), rest = word.substr(end + 1);
    if (!rest.empty() && !rest.starts_with(':')) return word;
    if (inner.starts_with("top:")) {
      auto const* container = world.container(inner.substr(4));
      return (container ? container->parent : "no-layer") + rest;
    }
    auto const slash = inner.find('/');
    if (slash == inner.npos) return word;
    auto const& kind = inner.starts_with("layers")   ? world.layers
                       : inner.starts_with("images") ? world.images
                                                     : world.containers;
    auto const index = std::stoul(inner.substr(slash + 1));
    return (index < kind.size() ? kind[index].id : "no-record") + rest;
  }

  void refresh() {
    world.refresh();
    words.learn(world);
  }
  std::filesystem::path graph() const { return base_ / "graph"; }
  /// What a layer has itself.
  std::filesystem::path layer_tree(std::string const& id) const {
    auto const driver = graph() / setting_.driver;
    return setting_.driver == "overlay" ? driver / id / "diff" : driver / "dir" / id;
  }
  /// On the same mount as the layer's tree, where nobody looks.
  std::filesystem::path aside(std::string const& id) const {
    return setting_.driver == "overlay" ? graph() / setting_.driver / id / "aside" : base_ / "aside";
  }
  std::map<std::string, std::string> tree() { return TreeListing(graph(), setting_.driver, words)(); }

 private:
  Setting const& setting_;
  std::filesystem::path base_;

 public:
  World world;
  Words words;
  std::set<std::string> seen = {};  ///< layers of theirs that `give_owners` has looked at
};

/// What was found to differ.
struct Difference {
  std::string where;  ///< by which the same difference is known again in a shorter sequence
  std::string text;
  bool on_shared = false;  ///< it was not between the twin stores
};

/// A copy of a layer's tree, in its place again when asked for.
class KeptTree {
 public:
  KeptTree(std::filesystem::path tree, std::filesystem::path aside)
      : tree_(std::move(tree)), aside_(std::move(aside)) {
    Process({"cp", "-a", tree_.native(), aside_.native()}, "/", "/dev/null").end();
  }
  KeptTree(KeptTree const&) = delete;
  KeptTree& operator=(KeptTree const&) = delete;
  ~KeptTree() { strata::sys::remove_tree(aside_); }

  void put_back() {
    strata::sys::remove_tree(tree_);
    std::filesystem::rename(aside_, tree_);
  }

 private:
  std::filesystem::path tree_, aside_;
};

/// Gives the files of new layers with maps the owners that theirs forgets to (see `all_owners`).
/// @param changed  a layer that got more files, if any
/// @return         whether it did forget any
inline bool give_owners(Home& home, Record const* changed) {
  using namespace strata::idmap;
  bool found = false;
  std::set<std::string> fresh;
  auto const origin = [&](Record const& layer) {
    for (auto const& image : home.world.images)
      if (std::ranges::find(image.mapped, layer.id) != image.mapped.end())
        return home.world.layer(image.parent);
    return home.world.layer(layer.parent);
  };
  for (auto const& layer : home.world.layers)
    if (home.seen.insert(layer.id).second) fresh.insert(layer.id);
  for (auto const& layer : home.world.layers) {
    if (!fresh.contains(layer.id) && &layer != changed) continue;
    auto const* from = origin(layer);
    while (from && fresh.contains(from->id) && from->maps == layer.maps) from = origin(*from);
    if (layer.maps.empty() && (!from || from->maps.empty())) continue;
    auto const old_maps = from ? from->maps : strata::IdMaps();
    auto const other = [](strata::IdMap const& old_map, strata::IdMap const& new_map, std::int64_t id) {
      if (old_map == new_map && old_map.empty()) return id;
      if (!new_map.empty() && to_container(new_map, id)) return id;
      auto const inside = old_map.empty() ? id : to_container(old_map, id).value_or(id);
      return new_map.empty() ? inside : to_host(new_map, inside).value_or(65534);
    };
    for (auto const& entry : std::filesystem::recursive_directory_iterator(home.layer_tree(layer.id))) {
      struct stat status {};
      if (::lstat(entry.path().c_str(), &status) != 0) continue;
      auto const uid = static_cast<uid_t>(other(old_maps.uids, layer.maps.uids, status.st_uid));
      auto const gid = static_cast<gid_t>(other(old_maps.gids, layer.maps.gids, status.st_gid));
      if (uid == status.st_uid && gid == status.st_gid) continue;
      found = true;
      auto const capability = strata::sys::get_xattr(entry.path(), "security.capability");
      if (::lchown(entry.path().c_str(), uid, gid) != 0) fail("chown " + entry.path().native());
      if (S_ISLNK(status.st_mode)) continue;
      if (::chmod(entry.path().c_str(), status.st_mode & 07777U) != 0) fail("chmod " + entry.path().native());
      if (capability)
        ::lsetxattr(entry.path().c_str(), "security.capability", capability->data(), capability->size(), 0);
    }
  }
  return found;
}

/// Gives what mounted containers with maps write to to the root of their maps (see `mapped_roots`).
/// @return  whether any belonged to the host's
inline bool give_roots(Home& home) {
  bool found = false;
  for (auto const& container : home.world.containers) {
    if (container.maps.empty() || !home.world.mounts.contains(container.parent)) continue;
    auto const tree = home.layer_tree(container.parent);
    struct stat status {};
    if (::lstat(tree.c_str(), &status) != 0 || status.st_uid != 0 || status.st_gid != 0) continue;
    auto const root = strata::idmap::root_of(container.maps);
    if (root.uid == 0 && root.gid == 0) continue;
    if (::chown(tree.c_str(), static_cast<uid_t>(root.uid), static_cast<gid_t>(root.gid)) != 0)
      fail("chown " + tree.native());
    found = true;
  }
  return found;
}

/// The whiteouts of a layer on overlay, before a command that may put directories in their places.
class Whiteouts {
 public:
  explicit Whiteouts(std::filesystem::path const& tree) {
    for (auto const& entry : std::filesystem::recursive_directory_iterator(tree)) {
      struct stat status {};
      if (::lstat(entry.path().c_str(), &status) == 0 && S_ISCHR(status.st_mode) && status.st_rdev == 0)
        paths_.push_back(entry.path());
    }
  }
  /// Has the directories hide what the whiteouts hid (see `opaque_again`).
  /// @return  whether there were any that did not
  bool hide_again() const {
    bool found = false;
    for (auto const& path : paths_) {
      if (!std::filesystem::is_directory(std::filesystem::symlink_status(path)) ||
          strata::sys::get_xattr(path, "trusted.overlay.opaque"))
        continue;
      if (::lsetxattr(path.c_str(), "trusted.overlay.opaque", "y", 1, 0) != 0)
        fail("opaque " + path.native());
      found = true;
    }
    return found;
  }

 private:
  std::vector<std::filesystem::path> paths_ = {};
};

/// Twin stores, one for each program, and one that both use in turns; the same steps are made in all three.
class Stores {
 public:
  /// @param twins_only  leaves out the shared store, for a difference that does not need it
  explicit Stores(Setting setting, bool twins_only = false)
      : setting_(std::move(setting)), theirs_(setting_, "t"), ours_(setting_, "o"), shared_(setting_, "s") {
    if (twins_only) homes_.pop_back();
  }
  Stores(Stores const&) = delete;
  Stores& operator=(Stores const&) = delete;

  World const& world() const { return theirs_.world; }
  /// The tree of a layer in the store of theirs.
  std::filesystem::path layer_tree(std::string const& id) const { return theirs_.layer_tree(id); }
  std::map<std::string, std::size_t> const& used() const { return used_; }

  /// @return  the first difference, in output or records
  std::optional<Difference> perform(Step const& step) {
    auto difference = step.edit ? perform_edit(*step.edit) : perform_command(step);
    if (difference) return difference;
    for (auto* home : homes_) home->refresh();
    return compare_records(step);
  }

  /// Whether theirs failed at the last command.
  bool failed() const { return failed_; }

  std::optional<Difference> compare_trees() {
    auto const theirs = theirs_.tree();
    for (auto* home : homes_)
      if (home != &theirs_)
        if (auto text = unlike_files(theirs, home->tree()); !text.empty())
          return Difference{"trees", label(*home) + '\n' + text, home == &shared_};
    return {};
  }

 private:
  std::string label(Home const& home) const {
    return &home == &ours_ ? "theirs (-) and ours (+) on twin stores"
                           : "the store of theirs (-) and the shared one (+)";
  }

  /// Does a line differ only in the time of a directory, and is that now on one side? When theirs gives the files of a vfs
  /// layer away, it makes hard links anew, which changes the directory that they are in; copies of it have that time.
  static bool same_but_for_time(std::string const& one, std::string const& two, std::string_view directory,
                                std::string_view time) {
    auto const without = [&](std::string const& text) {
      auto const at = text.rfind(time);
      if (at == text.npos) return text;
      auto const end = text.find_first_of(" \n", at + time.size());
      return text.substr(0, at) + (end == text.npos ? "" : text.substr(end));
    };
    auto const now = std::string(time) + "now";
    return one.find(directory) != one.npos && (one.find(now) != one.npos || two.find(now) != two.npos) &&
           without(one) == without(two);
  }

  std::string unlike_files(std::map<std::string, std::string> const& one,
                           std::map<std::string, std::string> const& two) const {
    std::string out;
    for (auto const& [key, value] : one) {
      auto const found = two.find(key);
      if (found != two.end() &&
          (found->second == value || (setting_.driver == "vfs" && value.starts_with("40") &&
                                      same_but_for_time(value, found->second, "40", " time "))))
        continue;
      out += "- " + key + ": " + value + '\n' +
             (found == two.end() ? "" : "+ " + key + ": " + found->second + '\n');
    }
    for (auto const& [key, value] : two)
      if (!one.contains(key)) out += "+ " + key + ": " + value + '\n';
    return out;
  }

  std::optional<Difference> perform_edit(Edit const& edit) {
    std::optional<std::string> first;
    for (auto* home : homes_) {
      auto const found = home->world.mounts.find(home->resolved(edit.item));
      auto const said = found == home->world.mounts.end() ? "not mounted" : carry_out(edit, found->second);
      if (!first) first = said;
      if (*first != said)
        return Difference{"edit", label(*home) + "\n- " + *first + "\n+ " + said + '\n', home == &shared_};
    }
    failed_ = first != "done";
    return {};
  }

  Call call_on(Home& home, Step const& step) {
    return {step,
            setting_.driver,
            home.world,
            [&home](std::vector<std::string> const& words) {
              return home.start(false, words, "/dev/null")->wait();
            },
            [&home](std::string const& text) { return home.words.plain(text); },
            [&home](std::string const& id) { return home.layer_tree(id); }};
  }

  std::optional<Difference> perform_command(Step const& step) {
    struct Run {
      Home& home;
      bool by_ours;
      std::unique_ptr<Process> process = {};
      Step step = {};  ///< as this store has it
      std::vector<Intended const*> rules = {};
      std::unique_ptr<KeptTree> kept = {};
      std::optional<Whiteouts> whiteouts = {};
      Output output = {};
    };
    std::vector<Run> runs;
    for (auto* home : homes_)
      runs.push_back({.home = *home, .by_ours = home == &ours_ || (home == &shared_ && step.ours_on_shared)});
    for (auto& run : runs) {
      run.step = step;
      for (auto* part : {&run.step.words, &run.step.items})
        for (auto& word : *part) word = run.home.resolved(word);
      auto words = run.step.words;
      if (!run.by_ours) {
        auto const call = call_on(run.home, run.step);
        for (auto const& rule : intended()) {
          if (!rule.applies(call)) continue;
          if (rule.instead &&
              std::ranges::none_of(run.rules, [](auto const* other) { return other->instead; }))
            words = rule.instead(call);
          run.rules.push_back(&rule);
          if (!rule.keeps_tree) continue;
          auto const* layer = run.home.world.find_layer(run.step.items.front());
          if (!layer) continue;
          auto const tree = run.home.layer_tree(layer->id);
          run.kept = std::make_unique<KeptTree>(tree, run.home.aside(layer->id));
          if (setting_.driver == "overlay") run.whiteouts.emplace(tree);
        }
      }
      if (!words.empty()) run.process = run.home.start(run.by_ours, words, step.input);
    }
    for (auto& run : runs)
      if (run.process) {
        run.output = run.process->wait();
        if (run.kept && run.output.status != 0)
          run.kept->put_back();
        else if (run.whiteouts && run.whiteouts->hide_again())
          ++used_[opaque_again.name];
        run.kept.reset();
      }
    for (auto& run : runs) {
      run.home.refresh();
      if (!run.by_ours && run.process && setting_.driver == "vfs") {
        Record const* changed = nullptr;
        if (auto const& items = run.step.items;
            !items.empty() && (step.command == "applydiff" || step.command == "copy"))
          changed = run.home.world.find_layer(items.back().substr(0, items.back().find(':')));
        if (give_owners(run.home, changed)) ++used_[all_owners.name];
      }
      if (!run.by_ours && run.process && setting_.driver == "overlay" && give_roots(run.home))
        ++used_[mapped_roots.name];
      run.output = run.home.plain(std::move(run.output));
    }
    failed_ = runs.front().output.status != 0;
    for (auto const& run : runs) {
      if (&run.home == &ours_) continue;
      Output expected = run.output, found = runs[1].output;
      for (auto const* rule : run.rules) {
        if (rule->keeps_tree && run.output.status != 0) ++used_[rule->name];
        if (!rule->expect) continue;
        auto const before = std::pair(expected, found);
        rule->expect(call_on(run.home, run.step), expected, found);
        if (before != std::pair(expected, found)) ++used_[rule->name];
      }
      if (step.command == "diff") compare_as_archives(step, expected, found);
      if (expected == found) continue;
      auto const side =
          run.by_ours ? "the shared store (-) and ours (+), both with ours" : "theirs (-) and ours (+)";
      return Difference{"output of " + step.command,
                        (&run == &runs[0] ? "" : "on the shared store: ") + std::string(side) + '\n' +
                            unlike(expected, found),
                        &run != &runs[0]};
    }
    return {};
  }

  /// Archives that were recorded have to be the same to the byte, when unpacked; others in what they say.
  void compare_as_archives(Step const& step, Output& one, Output& two) const {
    auto const differs = [&](std::string& a, std::string& b) {
      if (a == b || a.empty() || b.empty()) return;
      auto const layer =
          step.items.empty() ? nullptr : theirs_.world.layer(theirs_.resolved(step.items.front()));
      a = unpacked(a);
      b = unpacked(b);
      if (layer && layer->has_diff && step.items.size() == 1) return;
      a = listing(a);
      b = listing(b);
      auto const of_a = split(a), of_b = split(b);
      if (setting_.driver != "vfs" || of_a.size() != of_b.size()) return;
      for (std::size_t i = 0; i < of_a.size(); ++i)
        if (of_a[i] != of_b[i] && !same_but_for_time(of_a[i], of_b[i], " type=5 ", " time=")) return;
      a = b;
    };
    differs(one.out, two.out);
    for (auto& [name, content] : one.files)
      if (two.files.contains(name)) differs(content, two.files[name]);
  }

  static std::string unlike(Output const& one, Output const& two) {
    std::ostringstream out;
    if (one.status != two.status) out << "- status " << one.status << "\n+ status " << two.status << '\n';
    auto const part = [&](std::string const& name, std::string const& a, std::string const& b) {
      if (a != b) out << name << ":\n" << unlike_lines(a, b);
    };
    part("stdout", one.out, two.out);
    part("stderr", one.err, two.err);
    for (auto const& [name, content] : one.files) {
      auto const found = two.files.find(name);
      part("file " + name, content, found == two.files.end() ? "(no such file)" : found->second);
    }
    for (auto const& [name, content] : two.files)
      if (!one.files.contains(name)) part("file " + name, "(no such file)", content);
    return out.str();
  }

  /// The lines that are in one of the texts only, without those at the beginning and the end that are the same.
  static std::string unlike_lines(std::string const& one, std::string const& two) {
    auto a = split(one), b = split(two);
    while (!a.empty() && !b.empty() && a.back() == b.back()) a.pop_back(), b.pop_back();
    std::size_t same = 0;
    while (same < std::min(a.size(), b.size()) && a[same] == b[same]) ++same;
    std::string out;
    for (auto const& [lines, sign] : {std::pair(&a, "- "), std::pair(&b, "+ ")})
      for (auto i = same; i < lines->size(); ++i)
        out += sign + (*lines)[i].substr(0, 2000) + ((*lines)[i].ends_with('\n') ? "" : "\n");
    return out;
  }

  std::optional<Difference> compare_records(Step const& step) {
    auto const theirs = theirs_.words.plain(theirs_.world.lines());
    for (auto* home : homes_) {
      if (home == &theirs_) continue;
      auto const found = home->words.plain(home->world.lines());
      if (found != theirs)
        return Difference{"records after " + (step.edit ? "an edit" : step.command),
                          label(*home) + '\n' + unlike_lines(theirs, found), home == &shared_};
    }
    return {};
  }

  Setting setting_;
  Home theirs_, ours_, shared_;
  std::vector<Home*> homes_{&theirs_, &ours_, &shared_};
  bool failed_ = false;
  std::map<std::string, std::size_t> used_ = {};
};

}  // namespace differential
