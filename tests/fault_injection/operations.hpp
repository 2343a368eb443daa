#pragma once

#include <strata/fs.hpp>

#include <boost/filesystem/fstream.hpp>

#include "home.hpp"
#include "images.hpp"
#include "tools/kept_time.hpp"
#include <functional>
#include <string>
#include <sys/stat.h>
#include <utility>
#include <vector>

namespace fault_injection {

/// How the state after a failure is judged.
enum class Effect {
  change,  ///< the old state or the new one
  undone,  ///< likewise, but where the fault stays, whole layers may
  look,    ///< the store is as before
  steps    ///< makes one change after another: any number of them
};

/// A command that is made to fail, and what it needs.
struct Operation {
  std::string name;
  std::vector<std::string> words;
  Effect effect = Effect::change;
  std::function<void(Home const&)> before = {};  ///< after the store was restored
  bool damaged = false;  ///< `before` damages the store: `check` is not clean before success
};

namespace detail {

inline void garbage(Home const& home) {
  auto const& place = home.place();
  auto const layers = place.layer("x").parent_path();
  strata::fs::create_directories(layers / std::string(64, 'f') / "diff/below");
  auto const staged = place.graph / place.driver / "tempdirs";
  strata::fs::create_directories(staged / "temp-dir-1/0-left/below");
  strata::fs::ofstream(staged / "lock-1");
  strata::fs::ofstream(place.records("layers").parent_path() / (std::string(64, 'e') + ".tar-split.gz"))
      << "left";
}

inline void change_mode(strata::fs::path const& path) {
  if (::chmod(path.c_str(), 0711) != 0) fail("chmod");
}

/// Its contents are lost; its time is not, for it would be told of.
inline void shorten(strata::fs::path const& path) {
  tools::KeptTime const kept(path);
  strata::fs::resize_file(path, 3);
}

}  // namespace detail

/// Overlay's own files of a layer that nothing stands on are lost: they can be made anew, and nothing is to be removed.
inline Operation repair_link() {
  return {"check-repair-link",
          {"check", "-r"},
          Effect::steps,
          [](Home const& at) { strata::fs::remove(at.place().layer("spare") / "link"); },
          true};
}

inline std::vector<Operation> operations(Home const& home) {
  auto const file = [&](char const* name) { return home.file(name); };
  auto const mounted = [](Home const& at) { at.expect({"mount", "c1"}); };
  auto const loaded = [](Home const& at) { at.expect({"load", "-q", "-i", at.file("layout")}); };
  std::vector<Operation> out{
      {"first", {"create-layer", "--id", "new"}, Effect::change, [](Home const& at) { at.empty(); }},
      {"create-layer", {"create-layer", "--id", "new", "-n", "new-name", "top"}},
      {"import-layer", {"import-layer", "--id", "new", "-n", "new-name", "-f", file("new.tar"), "top"}},
      {"import-layer-gzip", {"import-layer", "--id", "new", "-f", file("new.tar.gz"), "top"}},
      {"applydiff", {"applydiff", "-f", file("new.tar"), "spare"}},
      {"applydiff-over", {"applydiff", "-f", file("over.tar"), "full"}},
      {"delete-layer", {"delete-layer", "spare"}},
      {"create-image", {"create-image", "--id", Home::new_image, "-n", "img3", "-m", "text", "top"}},
      {"set-image-data", {"set-image-data", "-f", file("base.tar"), "img", "key"}},
      {"set-image-data-new", {"set-image-data", "-f", file("base.tar"), "img", "other/key"}},
      {"set-names", {"set-names", "-n", "one", "-n", "two", "img"}},
      {"add-names", {"add-names", "-n", "one", "c1"}},
      {"set-metadata", {"set-metadata", "-m", "text", "top"}},
      {"delete-image", {"delete-image", "img2"}},
      {"create-container", {"create-container", "--id", "new", "-n", "new-name", "img"}},
      {"set-container-data", {"set-container-data", "-f", file("base.tar"), "c1", "key"}},
      {"delete-container", {"delete-container", "c1"}},
      {"mount", {"mount", "c1"}},
      {"mount-again", {"mount", "c1"}, Effect::change, mounted},
      {"unmount", {"unmount", "c1"}, Effect::change, mounted},
      {"diff", {"diff", "top"}, Effect::look},
      {"diff-container", {"diff", home.container_layer()}, Effect::look},
      {"changes", {"changes", home.container_layer()}, Effect::look},
      {"check", {"check"}, Effect::look},
      {"check-repair",
       {"check", "-r"},
       Effect::steps,
       [](Home const& at) { detail::change_mode(at.place().tree("top") / "d/c"); },
       true},
      {"check-repair-lost",
       {"check", "-r"},
       Effect::steps,
       [](Home const& at) { detail::shorten(at.place().tree("own") / "own/file"); },
       true},
      {"gc", {"gc"}, Effect::steps, detail::garbage, true},
      {"load", {"load", "-q", "-i", file("layout")}, Effect::undone},
      {"load-docker-archive", {"load", "-q", "-i", file("docker.tar")}, Effect::undone, loaded},
      {"load-again", {"load", "-q", "-i", file("layout")}, Effect::change, loaded},
      {"save", {"save", "-q", "--format", "oci-dir", "-o", file("saved"), image_name}, Effect::look, loaded},
      {"save-archive",
       {"save", "-q", "--format", "oci-archive", "-o", file("saved.tar"), image_name},
       Effect::look,
       loaded},
      {"copy", {"copy", file("tree"), "spare:/copied"}, Effect::steps},
      {"copy-file", {"copy", file("data"), "spare:/copied"}, Effect::steps},
  };
  if (home.place().driver == "overlay") out.push_back(repair_link());
  return out;
}

}  // namespace fault_injection
