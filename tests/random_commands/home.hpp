#pragma once

#include <strata/fs.hpp>
#include <strata/sys/remove_tree.hpp>

#include "normalizer.hpp"
#include "process.hpp"
#include "tree.hpp"
#include "world.hpp"
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace random_commands {

/// Where things lie and which programs are compared.
struct Setting {
  strata::fs::path scratch;
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
    for (auto const* part : {"graph", "run", "work"}) strata::fs::create_directories(base_ / part);
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
    // of several such layers any may be the one that is named
    constexpr std::string_view begin = " lies below layer ", end = ", which is mounted";
    if (auto const at = output.err.find(begin), to = output.err.find(end); at < to && to != output.err.npos)
      output.err.replace(at, to + end.size() - at, " lies below a layer, which is mounted");
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
  /// Layers that were not there at the last call.
  std::set<std::string> fresh_layers() {
    std::set<std::string> fresh;
    for (auto const& layer : world.layers)
      if (seen_.insert(layer.id).second) fresh.insert(layer.id);
    return fresh;
  }
  strata::fs::path graph() const { return base_ / "graph"; }
  /// What a layer has itself.
  strata::fs::path layer_tree(std::string const& id) const {
    auto const driver = graph() / setting_.driver;
    return setting_.driver == "overlay" ? driver / id / "diff" : driver / "dir" / id;
  }
  /// On the same mount as the layer's tree, where nobody looks.
  strata::fs::path staging(std::string const& id) const {
    return setting_.driver == "overlay" ? graph() / setting_.driver / id / "staging" : base_ / "staging";
  }
  std::map<std::string, std::string> tree() { return TreeListing(graph(), setting_.driver, words)(); }

 private:
  Setting const& setting_;
  strata::fs::path base_;
  std::set<std::string> seen_ = {};

 public:
  World world;
  Words words;
};

}  // namespace random_commands
