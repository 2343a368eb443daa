// Fields of your own in a store's records: here layers have a team and a priority. They are kept among the flags of a record,
// so that Podman, which drops keys that it does not know, writes them back when it changes a layer.
#include <strata/codec/all.hpp>
#include <strata/drivers/vfs.hpp>
#include <strata/durability.hpp>
#include <strata/fs.hpp>
#include <strata/serializers/journal.hpp>
#include <strata/serializers/json.hpp>
#include <strata/store/store.hpp>

#include <iostream>

namespace fs = boost::filesystem;

struct TeamLayer : strata::LayerRecord {
  std::string team;
  std::int64_t priority = 0;

  template <class Self, class Visitor>
  static void own_fields(Self& self, Visitor&& visit) {
    visit("team", self.team);
    visit("priority", self.priority);
  }
};

template <class Driver, class Serializer>
struct TeamTraits : strata::StoreTraits<Driver, Serializer> {
  struct Layer : strata::LayerTraits<Driver, Serializer> {
    using Record = TeamLayer;
  };
};

template <class Driver, class Serializer>
using TeamStore = strata::Store<Driver, Serializer, strata::durability::None, TeamTraits<Driver, Serializer>>;

template <class Serializer>
void show() {
  fs::path const root = std::string("own-record/") + std::string(Serializer::name());
  typename TeamStore<strata::drivers::Vfs, Serializer>::Options const options{.graph_root = root / "graph",
                                                                              .run_root = root / "run"};
  {
    TeamStore<strata::drivers::Vfs, Serializer> store(options);
    auto layer = store.layers().create({.id = "1234", .names = {"base"}});
    layer.edit([](TeamLayer& record) {
      record.team = "storage";
      record.priority = 7;
      record.flags["reviewed"] = {"true"};
    });
  }
  TeamStore<strata::drivers::Vfs, Serializer> again(options);
  auto const& record = again.layers().get("base").record();
  std::cout << Serializer::name() << ": " << record.team << ", " << record.priority << ", "
            << record.flags.at("reviewed").text << '\n';
}

#ifndef STRATA_EXAMPLE_AS_HEADER  // the test suite includes this file
int main() {
  show<strata::serializers::Json>();
  show<strata::serializers::Journal>();
  std::cout << strata::sys::read_file("own-record/json/graph/vfs-layers/layers.json").substr(0, 13)
            << "...\n";
}
#endif
