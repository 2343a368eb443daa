#pragma once

#include <strata/fs.hpp>

#include "edit.hpp"
#include "home.hpp"
#include "intended.hpp"
#include "process.hpp"
#include "put_right.hpp"
#include "step.hpp"
#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace random_commands {

/// What was found to differ.
struct Difference {
  std::string where;  ///< by which the same difference is known again in a shorter sequence
  std::string text;
  bool on_shared = false;  ///< it was not between the twin stores
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
  strata::fs::path layer_tree(std::string const& id) const { return theirs_.layer_tree(id); }
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

  /// Does a directory's line differ only in the time, and is that now on one side? See `left_out`; copies of such a
  /// directory have that time, too.
  static bool same_but_for_time(std::string const& one, std::string const& two, std::string_view time) {
    auto const without = [&](std::string const& text) {
      auto const at = text.rfind(time);
      if (at == text.npos) return text;
      auto const end = text.find_first_of(" \n", at + time.size());
      return text.substr(0, at) + (end == text.npos ? "" : text.substr(end));
    };
    auto const now = std::string(time) + "now";
    return (one.find(now) != one.npos || two.find(now) != two.npos) && without(one) == without(two);
  }

  std::string unlike_files(std::map<std::string, std::string> const& one,
                           std::map<std::string, std::string> const& two) const {
    std::string out;
    for (auto const& [key, value] : one) {
      auto const found = two.find(key);
      if (found != two.end() &&
          (found->second == value ||
           (setting_.driver == "vfs" && value.starts_with('4') &&  // octal, of a directory
            same_but_for_time(value, found->second, " time "))))
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

  Call call_on(Home& home, World const& before, Step const& step) {
    return {step,
            setting_.driver,
            before,
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
      std::vector<std::string> words = {};  ///< that it was started with
      Step step = {};                       ///< as this store has it
      std::optional<World> world = {};      ///< before the command, where theirs runs it
      std::vector<Intended const*> rules = {};
      std::unique_ptr<KeptTree> kept = {};
      std::optional<Whiteouts> whiteouts = {};
      std::optional<CopiedInto> copied = {};
      std::optional<TreeBefore> before = {};
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
        auto const call = call_on(run.home, run.world.emplace(run.home.world), run.step);
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
          run.kept = std::make_unique<KeptTree>(tree, run.home.staging(layer->id));
          if (setting_.driver == "overlay") run.whiteouts.emplace(tree);
        }
      }
      if (step.command == "copy" && !run.step.items.empty()) {
        auto const& to = run.step.items.back();
        if (auto const* layer = run.home.world.find_layer(to.substr(0, to.find(':')));
            layer && to.find(':') != to.npos) {
          run.copied.emplace(run.home, *layer, to.substr(to.find(':') + 1));
          if (!run.home.world.mounts.contains(layer->id))  // see `left_out`
            run.kept =
                std::make_unique<KeptTree>(run.home.layer_tree(layer->id), run.home.staging(layer->id));
        }
      }
      if (setting_.driver == "vfs" && !run.by_ours && !run.step.items.empty() &&
          (step.command == "applydiff" || step.command == "copy"))
        if (auto const& to = run.step.items.back();
            auto const* layer = run.home.world.find_layer(
                step.command == "copy" ? to.substr(0, to.find(':')) : to))  // a name may have one, too
          run.before.emplace(layer->id, run.home.layer_tree(layer->id));
      if (!words.empty()) run.process = run.home.start(run.by_ours, words, step.input);
      run.words = std::move(words);
    }
    for (auto& run : runs)
      if (run.process) {
        run.output = run.process->wait();
        while (run.whiteouts && run.whiteouts->make_way(run.output, *run.kept)) {
          ++used_[opaque_again.name];
          run.output = run.home.start(run.by_ours, run.words, step.input)->wait();
        }
        if (run.kept && run.output.status != 0) {
          run.kept->put_back();
          run.before.reset();
        } else if (run.whiteouts && run.whiteouts->hide_again())
          ++used_[opaque_again.name];
        run.kept.reset();
        if (run.copied && (setting_.driver == "overlay" || run.output.status != 0)) run.copied->level();
      }
    for (auto& run : runs) run.home.refresh();
    for (auto& run : runs) {
      auto const fresh = run.home.fresh_layers();
      if (!run.by_ours && run.process && setting_.driver == "vfs") {
        if (give_home(run.home)) ++used_[home_owner.name];
        if (give_links(run.home, fresh)) ++used_[kept_links.name];
        if (give_owners(run.home, fresh, run.before ? &*run.before : nullptr)) ++used_[all_owners.name];
      }
      if (!run.by_ours && run.process && setting_.driver == "overlay" && give_roots(run.home, ours_))
        ++used_[mapped_roots.name];
      if (!run.by_ours && run.process && setting_.driver == "overlay") {
        auto const* target = step.command == "applydiff" && !run.step.items.empty()
                                 ? run.home.world.find_layer(run.step.items.back())
                                 : nullptr;
        for (auto const& layer : run.home.world.layers)
          if ((&layer == target || fresh.contains(layer.id)) && drop_vain_whiteouts(run.home, layer))
            ++used_[vain_whiteouts.name];
      }
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
        rule->expect(call_on(run.home, *run.world, run.step), expected, found);
        if (before != std::pair(expected, found)) ++used_[rule->name];
      }
      for (auto* output : {&expected, &found}) detail::sort_made_up(*output);
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
        if (of_a[i] != of_b[i] &&
            !(of_a[i].find(" type=5 ") != of_a[i].npos && same_but_for_time(of_a[i], of_b[i], " time=")))
          return;
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

}  // namespace random_commands
