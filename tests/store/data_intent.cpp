#include <strata/fs.hpp>
#include <strata/store/data_intent.hpp>

#include <boost/filesystem/fstream.hpp>

#include "stores.hpp"
#include "tools/flushed.hpp"
#include <iterator>

using namespace strata;

namespace {

/// An image whose data a process began to replace, and died.
struct Interrupted {
  stores::Fixture<stores::DurableVfs> fixture;
  std::string key;
  fs::path data = {};  ///< directory of the file

  /// @param told  the record was written
  explicit Interrupted(bool told, std::string of = "key") : key(std::move(of)) {
    auto image = fixture.store.images().create({.id = "image"});
    image.big_data().set(key, "old");
    auto const file = fixture.graph() / "vfs-images/image" / big_data_file_name(key);
    data = file.parent_path();
    if (told) {
      image.big_data().set(key, "new, and longer");
      fs::ofstream(file) << "old";
    }
    auto const name = std::string(paths::temporary_prefix) + "key123";
    fs::ofstream(data / name) << "new, and longer";
    auto dead = sys::StagingDirectory::create(fixture.graph() / "vfs-layers/tmp");
    sys::replace_file(dead.path() / "data-intent",
                      name + "\n15\n" + Digest::of(as_bytes("new, and longer")).str() + '\n' + key);
    dead.note(intent_text({IntentKind::image_data, "image"}));
    dead.leave();
  }
  /// What the next process that opens the store finds.
  std::string found() {
    stores::DurableVfs store(fixture.options());
    auto image = store.images().get("image");
    auto const bytes = image.big_data().get(key);
    CHECK(image.big_data().size(key) == std::ssize(bytes));
    CHECK(image.big_data().digest(key) == Digest::of(as_bytes(bytes)));
    CHECK(std::distance(fs::directory_iterator(data), fs::directory_iterator()) == 1);
    CHECK(sys::StagingDirectory::look(fixture.graph() / "vfs-layers/tmp").empty());
    return bytes;
  }
};

}  // namespace

TEST_CASE("interrupted replacement of big data leaves the old or the new", "[store][big_data]") {
  CHECK(Interrupted(false).found() == "old");
  CHECK(Interrupted(true).found() == "new, and longer");
  CHECK(Interrupted(false, "a???").found() == "old");  // whose file is in a directory of its own
  CHECK(Interrupted(true, "a???").found() == "new, and longer");
}

TEST_CASE("recovery flushes big data that a dead process replaced or was about to", "[store][big_data]") {
  bool const told = GENERATE(false, true);
  Interrupted interrupted(told);
  for (auto const& entry : fs::directory_iterator(interrupted.data))  // that process got that far
    if (entry.path().filename() != "key") {
      if (told)
        fs::rename(entry.path(), interrupted.data / "key");
      else
        fs::remove(entry.path());
    }
  CHECK(tools::flushes(interrupted.data, [&] {
    static_cast<void>(stores::DurableVfs(interrupted.fixture.options()).images().list());
  }));
  CHECK(interrupted.found() == (told ? "new, and longer" : "old"));
}

TEST_CASE("an incomplete intent record is ignored", "[store][big_data]") {
  Interrupted interrupted(false);
  for (auto const& seen : sys::StagingDirectory::look(interrupted.fixture.graph() / "vfs-layers/tmp"))
    sys::replace_file(seen.path / "data-intent", "../../victim\n3");
  stores::DurableVfs store(interrupted.fixture.options());
  CHECK(store.images().get("image").big_data().get("key") == "old");
  CHECK(store.layers().list().empty());
}
