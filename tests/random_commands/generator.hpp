#pragma once

#include <strata/fs.hpp>
#include <strata/id_map.hpp>

#include "archives.hpp"
#include "edit.hpp"
#include "random.hpp"
#include "step.hpp"
#include "stores.hpp"
#include <functional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace random_commands {

/// Puts a command together: aliases, spellings and order of options by chance.
class Builder {
 public:
  Builder(Random& random, std::string command) : random_(random) { step_.command = std::move(command); }

  /// @param spellings  all names of the option, the long one first: {"json", "j"}
  Builder& flag(std::initializer_list<std::string_view> spellings) {
    step_.options.emplace_back(*spellings.begin(), "true");
    auto word = dashed(random_.pick(spellings));
    if (random_.percent(5)) word += random_.percent(50) ? "=true" : "=1";
    groups_.push_back({word});
    return *this;
  }
  Builder& maybe(unsigned chance, std::initializer_list<std::string_view> spellings) {
    return random_.percent(chance) ? flag(spellings) : *this;
  }
  Builder& json(unsigned chance = 40) { return maybe(chance, {"json", "j"}); }
  Builder& option(std::initializer_list<std::string_view> spellings, std::string const& value) {
    step_.options.emplace_back(*spellings.begin(), value);
    auto const name = dashed(random_.pick(spellings));
    bool const quotes =
        value.starts_with('"') || value.starts_with('\'');  // "=" would take a pair of them away
    if (!quotes && random_.percent(40))
      groups_.push_back({name + '=' + value});
    else
      groups_.push_back({name, value});
    return *this;
  }
  Builder& item(std::string name) {
    step_.items.push_back(std::move(name));
    return *this;
  }
  Builder& input(std::string path) {
    step_.input = std::move(path);
    return *this;
  }
  Builder& raw(std::vector<std::string> words) {
    step_.malformed = true;
    groups_.push_back(std::move(words));
    return *this;
  }

  Step done() {
    auto word = step_.command;
    if (random_.percent(15)) word = alias(word);
    step_.words.push_back(word);
    if (!repeats()) random_.shuffle(groups_);
    for (auto const& group : groups_) step_.words.insert(step_.words.end(), group.begin(), group.end());
    bool const dashes = std::ranges::any_of(
        step_.items, [](auto const& item) { return item.size() > 1 && item.starts_with('-'); });
    if (dashes || random_.percent(5)) step_.words.emplace_back("--");
    step_.words.insert(step_.words.end(), step_.items.begin(), step_.items.end());
    return std::move(step_);
  }

 private:
  static std::string dashed(std::string_view name) {
    return (name.size() == 1 ? "-" : "--") + std::string(name);
  }
  /// The order of options that are given twice counts, and `options` has it.
  bool repeats() const {
    std::vector<std::string> names;
    for (auto const& [name, value] : step_.options) {
      if (std::ranges::find(names, name) != names.end()) return true;
      names.push_back(name);
    }
    return false;
  }
  static std::string alias(std::string const& command) {
    if (command == "unmount") return "umount";
    if (command == "diffsize") return "diff-size";
    if (command == "applydiff") return "apply-diff";
    for (auto const* with : {"list-image-data",
                             "list-layer-data",
                             "list-container-data",
                             "get-image-data",
                             "get-layer-data",
                             "get-container-data",
                             "get-image-data-size",
                             "get-container-data-size",
                             "get-image-data-digest",
                             "get-container-data-digest",
                             "set-image-data",
                             "set-layer-data",
                             "set-container-data",
                             "create-layer",
                             "import-layer",
                             "create-image",
                             "create-container",
                             "delete-layer",
                             "delete-image",
                             "delete-container",
                             "set-metadata",
                             "get-names",
                             "add-names",
                             "remove-names",
                             "set-names",
                             "get-container-dir",
                             "get-container-run-dir",
                             "get-image-dir",
                             "get-image-run-dir"})
      if (command == with) return replaced(command, "-", "");
    return command;
  }

  Random& random_;
  Step step_ = {};
  std::vector<std::vector<std::string>> groups_ = {};
};

/// Chooses the next step from what is in the stores: mostly a command that makes sense there.
class Generator {
 public:
  Generator(Random& random, Inputs const& inputs, std::string driver)
      : random_(random), inputs_(inputs), driver_(std::move(driver)) {}

  Step next(Stores const& stores) {
    stores_ = &stores;
    world_ = &stores.world();
    ++made_;
    auto step = choose();
    step.ours_on_shared = random_.percent(50);
    return step;
  }

 private:
  Builder command(std::string name) { return {random_, std::move(name)}; }

  Step choose();  // generator_choices.hpp

  // --- items ---------------------------------------------------------------------------------------------------------

  enum class Kind { layer, image, container };

  std::vector<Record> const& records(Kind kind) const {
    return kind == Kind::layer ? world_->layers : kind == Kind::image ? world_->images : world_->containers;
  }
  Kind any_kind() { return static_cast<Kind>(random_.below(3)); }

  /// How a command line calls an item: by id, by name.
  std::string whole_reference(Kind kind, Record const& record) {
    bool const generated = Words::is_generated(record.id) && !record.id.starts_with("aaaa");
    if (!record.names.empty() && (generated ? random_.percent(60) : random_.percent(25)))
      if (auto const& name = random_.pick(record.names); !name.empty()) return name;
    if (generated) {
      if (kind == Kind::layer)
        for (auto const& container : world_->containers)
          if (container.parent == record.id && !Words::is_generated(container.id))
            return "@top:" + container.id + '@';
      auto const& all = records(kind);
      auto const index = std::ranges::find(all, record.id, &Record::id) - all.begin();
      return (kind == Kind::layer   ? "@layers/"
              : kind == Kind::image ? "@images/"
                                    : "@containers/") +
             std::to_string(index) + '@';
    }
    return record.id;
  }

  /// The same, or the beginning of its id, which may be that of others as well.
  std::string reference(Kind kind, Record const& record) {
    auto whole = whole_reference(kind, record);
    if (whole != record.id || !random_.percent(8)) return whole;
    // not so short that an id made up by chance begins so, too
    auto const shortest = record.id.starts_with("aaaa") ? 12u : 1u;
    return record.id.substr(0, shortest + random_.below(record.id.size()));
  }

  /// The same before a colon, after which a path follows: no name that has one.
  std::string plain_reference(Record const& layer) {
    auto out = reference(Kind::layer, layer);
    if (!out.starts_with('@') && out.find(':') != out.npos) {
      auto nameless = layer;
      nameless.names.clear();
      out = reference(Kind::layer, nameless);
    }
    return out;
  }

  std::string unknown() {
    constexpr std::string_view names[] = {"nosuch", "l", "i1", "no such", "k", "zz", "", ".", "x/y"};
    return std::string(random_.pick(names));
  }

  /// An item of this kind, sometimes of another or of none.
  std::string some(Kind kind) {
    if (random_.percent(4)) return unknown();
    if (random_.percent(2)) kind = any_kind();
    auto const& all = records(kind);
    return all.empty() ? unknown() : reference(kind, random_.pick(all));
  }
  std::string anything() { return some(any_kind()); }
  /// The same, but no copy of an image's layer with other owners (see `left_out`).
  std::string no_copy(std::string item) const {
    for (auto const& image : world_->images)
      for (auto const& copy : image.mapped)
        if (auto const* layer = world_->layer(copy);
            layer && (item == copy || std::ranges::find(layer->names, item) != layer->names.end() ||
                      item == "@layers/" + std::to_string(layer - world_->layers.data()) + '@'))
          return "nosuch";
    return item;
  }

  /// Nothing that others stand on: what is deleted without a look leaves those damaged, see `left_out`.
  std::string no_bearer(std::string item) const {
    auto const& [layers, images, containers] = std::tie(world_->layers, world_->images, world_->containers);
    auto const bears = [&](Record const& layer) {
      auto const on_it = [&](Record const& other) {
        return other.parent == layer.id || std::ranges::find(other.mapped, layer.id) != other.mapped.end();
      };
      return std::ranges::any_of(layers, on_it) || std::ranges::any_of(images, on_it);
    };
    auto const is = [&](Record const& record) {
      return (!item.empty() && record.id.starts_with(item)) ||
             std::ranges::find(record.names, item) != record.names.end();
    };
    for (std::size_t i = 0; i < layers.size(); ++i) {
      auto const sign = "@layers/" + std::to_string(i) + '@';
      if ((is(layers[i]) || item == sign) &&
          (bears(layers[i]) ||
           std::ranges::find(containers, layers[i].id, &Record::parent) != containers.end()))
        return "nosuch";
    }
    for (std::size_t i = 0; i < containers.size(); ++i) {
      auto const* layer = world_->layer(containers[i].parent);
      bool const named = is(containers[i]) || item == "@containers/" + std::to_string(i) + '@';
      if (item == "@top:" + containers[i].id + '@' || (named && layer && bears(*layer))) return "nosuch";
    }
    return item;
  }

  /// Mostly one item, sometimes more; one twice by chance.
  template <class Choose>
  Builder& items(Builder& builder, Choose choose) {
    builder.item(choose());
    while (random_.percent(25)) builder.item(choose());
    return builder;
  }

  // --- words ---------------------------------------------------------------------------------------------------------

  std::string new_id(Kind kind) {
    if (random_.percent(3)) {
      auto const& all = records(kind);
      auto const id = all.empty() ? std::string() : random_.pick(all).id;
      if (!id.empty() && (!Words::is_generated(id) || id.starts_with("aaaa"))) return id;
    }
    if (random_.percent(2)) {
      constexpr std::string_view bad[] = {"../x", "..", ".", "a/b"};
      return std::string(random_.pick(bad));
    }
    auto const number = std::to_string(made_);
    if (random_.percent(15)) return std::string(64 - number.size(), 'a') + number;
    if (random_.percent(5)) return "with blank " + number;
    return (kind == Kind::layer ? "l" : kind == Kind::image ? "i" : "k") + number;
  }
  std::string new_name() {
    constexpr std::string_view names[] = {"one",         "two",       "docker.io/x/y:latest",
                                          "a name",      "größe",     "<&>",
                                          "with\"quote", "new\nline", "tab\t",
                                          "no id",       "i2",        "m3",
                                          "-j"};
    if (random_.percent(40)) return std::string(random_.pick(names));
    return "name" + std::to_string(random_.below(60));
  }
  Builder& names(Builder& builder, unsigned chance) {
    while (random_.percent(chance)) builder.option({"name", "n"}, new_name());
    return builder;
  }
  std::string key() {
    constexpr std::string_view keys[] = {"manifest", "manifest-x", "key",   "k 2/é", "a.b",        "=x",
                                         "..",       ".",          "UPPER", "",      "images.json"};
    return std::string(random_.pick(keys));
  }
  std::string key_of(Kind kind, std::string const& item) {
    for (auto const& record : records(kind))
      if (record.id == item && !record.keys.empty() && random_.percent(80)) return random_.pick(record.keys);
    return key();
  }
  std::string text() {
    constexpr std::string_view texts[] = {
        "", "x", "{\"a\":\"<1>\"}", "line\n", "two\nlines\n\n", "größe \xe2\x80\xa8", "\t\"\\"};
    return std::string(random_.pick(texts));
  }
  std::string layer_archive() { return random_.pick(inputs_.layers); }
  std::string data_file() { return random_.percent(4) ? "/nosuch" : random_.pick(inputs_.data); }

  Step create_layer();
  Step import_layer();
  Step create_image();
  Step create_container();
  Step list();
  Step show();
  Step look_up();
  Step change_names();
  Step metadata();
  Step data();
  Step directories();
  Step differences();
  Step apply();
  Step mounting();
  Step edit();
  Step owners();
  Step copy();
  static bool has_foreign_owners(strata::fs::path const& path, strata::IdMaps const& maps);
  std::string path_in(Record const& layer, bool existing, bool files_only);
  Step removing();
  Step misuse();
  Step upkeep();
  void maps(Builder& builder);
  void source(Builder& builder, std::string const& file);

  Random& random_;
  Inputs const& inputs_;
  std::string driver_;
  Stores const* stores_ = nullptr;
  World const* world_ = nullptr;
  std::size_t made_ = 0;
};

}  // namespace random_commands
