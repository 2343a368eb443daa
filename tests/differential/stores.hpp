#pragma once

#include <strata/sys/remove_tree.hpp>

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

  std::string resolved(std::string const& word) const {
    if (!word.starts_with('@') || !word.ends_with('@')) return word;
    auto const inner = word.substr(1, word.size() - 2);
    if (inner.starts_with("top:")) {
      auto const* container = world.container(inner.substr(4));
      return container ? container->parent : "no-layer";
    }
    auto const slash = inner.find('/');
    auto const& kind = inner.starts_with("layers")   ? world.layers
                       : inner.starts_with("images") ? world.images
                                                     : world.containers;
    auto const index = std::stoul(inner.substr(slash + 1));
    return index < kind.size() ? kind[index].id : "no-record";
  }

  void refresh() {
    world.refresh();
    words.learn(world);
  }
  std::filesystem::path graph() const { return base_ / "graph"; }
  std::map<std::string, std::string> tree() { return TreeListing(graph(), setting_.driver, words)(); }

 private:
  Setting const& setting_;
  std::filesystem::path base_;

 public:
  World world;
  Words words;
};

/// What was found to differ.
struct Difference {
  std::string where;  ///< by which the same difference is known again in a shorter sequence
  std::string text;
};

/// Twin stores, one for each program, and one that both use in turns; the same steps are made in all three.
class Stores {
 public:
  explicit Stores(Setting setting)
      : setting_(std::move(setting)), theirs_(setting_, "t"), ours_(setting_, "o"), shared_(setting_, "s") {}
  Stores(Stores const&) = delete;
  Stores& operator=(Stores const&) = delete;

  World const& world() const { return theirs_.world; }
  std::string mount_point(std::string const& layer) const {
    auto const found = theirs_.world.mounts.find(layer);
    return found == theirs_.world.mounts.end() ? std::string() : found->second;
  }
  std::map<std::string, std::size_t> const& used() const { return used_; }

  /// @return  the first difference, in output or records
  std::optional<Difference> perform(Step const& step) {
    auto difference = step.edit ? perform_edit(*step.edit) : perform_command(step);
    if (difference) return difference;
    for (auto* home : {&theirs_, &ours_, &shared_}) home->refresh();
    return compare_records(step);
  }

  std::optional<Difference> compare_trees() {
    auto const theirs = theirs_.tree();
    for (auto* home : {&ours_, &shared_})
      if (auto text = unlike_files(theirs, home->tree()); !text.empty())
        return Difference{"trees", label(*home) + '\n' + text};
    return {};
  }

 private:
  std::string label(Home const& home) const {
    return &home == &ours_ ? "theirs (-) and ours (+) on twin stores"
                           : "the store of theirs (-) and the shared one (+)";
  }

  static std::string unlike_files(std::map<std::string, std::string> const& one,
                                  std::map<std::string, std::string> const& two) {
    std::string out;
    for (auto const& [key, value] : one)
      if (auto const found = two.find(key); found == two.end() || found->second != value)
        out += "- " + key + ": " + value + '\n' +
               (found == two.end() ? "" : "+ " + key + ": " + found->second + '\n');
    for (auto const& [key, value] : two)
      if (!one.contains(key)) out += "+ " + key + ": " + value + '\n';
    return out;
  }

  std::optional<Difference> perform_edit(Edit const& edit) {
    std::optional<std::string> first;
    for (auto* home : {&theirs_, &ours_, &shared_}) {
      auto const found = home->world.mounts.find(home->resolved(edit.item));
      auto const said = found == home->world.mounts.end() ? "not mounted" : carry_out(edit, found->second);
      if (!first) first = said;
      if (*first != said) return Difference{"edit", label(*home) + "\n- " + *first + "\n+ " + said + '\n'};
    }
    return {};
  }

  Call call_on(Home& home, Step const& step) {
    return {step, setting_.driver, home.world,
            [&home](std::vector<std::string> const& words) {
              return home.start(false, words, "/dev/null")->wait();
            },
            [&home](std::string const& text) { return home.words.plain(text); }};
  }

  std::optional<Difference> perform_command(Step const& step) {
    struct Run {
      Home& home;
      bool by_ours;
      std::unique_ptr<Process> process = {};
      Step step = {};  ///< as this store has it
      std::vector<Intended const*> rules = {};
      Output output = {};
    };
    Run runs[] = {{.home = theirs_, .by_ours = false},
                  {.home = ours_, .by_ours = true},
                  {.home = shared_, .by_ours = step.ours_on_shared}};
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
        }
      }
      if (!words.empty()) run.process = run.home.start(run.by_ours, words, step.input);
    }
    for (auto& run : runs)
      if (run.process) run.output = run.process->wait();
    for (auto& run : runs) {
      run.home.refresh();
      run.output = run.home.plain(std::move(run.output));
    }
    auto const& ours = runs[1].output;
    for (auto* run : {&runs[0], &runs[2]}) {
      Output expected = run->output, found = ours;
      for (auto const* rule : run->rules) {
        if (!rule->expect) continue;
        auto const before = std::pair(expected, found);
        rule->expect(call_on(run->home, run->step), expected, found);
        if (before != std::pair(expected, found)) ++used_[rule->name];
      }
      if (step.command == "diff") compare_as_archives(step, expected, found);
      if (expected == found) continue;
      auto const side =
          run->by_ours ? "the shared store (-) and ours (+), both with ours" : "theirs (-) and ours (+)";
      return Difference{"output of " + step.command, (run == &runs[0] ? "" : "on the shared store: ") +
                                                         std::string(side) + '\n' + unlike(expected, found)};
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
    for (auto* home : {&ours_, &shared_}) {
      auto const found = home->words.plain(home->world.lines());
      if (found != theirs)
        return Difference{"records after " + (step.edit ? "an edit" : step.command),
                          label(*home) + '\n' + unlike_lines(theirs, found)};
    }
    return {};
  }

  Setting setting_;
  Home theirs_, ours_, shared_;
  std::map<std::string, std::size_t> used_ = {};
};

}  // namespace differential
