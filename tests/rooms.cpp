#include <strata/fs.hpp>

#include <boost/filesystem/fstream.hpp>
#include <catch2/catch.hpp>

#include <map>
#include <set>
#include <string>
#include <vector>

// The folders of include/strata are rooms on floors: a header includes what lies below it, or beside it in its room, and
// nothing above. STRATA_HEADERS is include/strata.

namespace {

namespace fs = boost::filesystem;

/// From the ground up. A name without a slash in front of it is a header of include/strata itself.
std::vector<std::vector<std::string>> const floors{{"separate"},
                                                   {"clean_path", "errc", "subject"},
                                                   {"error", "fs"},
                                                   {"digest", "durability", "former", "id", "id_map", "paths",
                                                    "problem", "progress", "timestamp", "version"},
                                                   {"concepts", "formatters"},
                                                   {"fwd", "sys"},
                                                   {"codec", "idmap", "lock"},
                                                   {"stream"},
                                                   {"archive"},
                                                   {"tree"},
                                                   {"records"},
                                                   {"drivers", "serializers"},
                                                   {"store"},
                                                   {"bodies"},
                                                   {"maintenance"},
                                                   {"chunked"},
                                                   {"oci"},
                                                   {"conf", "instantiate", "testing"},
                                                   {"src", "strata"}};

/// What impl/ has belongs where its header does.
std::string room_of(fs::path const& file) {
  auto const header = *file.begin() == "impl" ? file.lexically_relative("impl") : file;
  return header.has_parent_path() ? header.begin()->native() : header.stem().native();
}

std::vector<std::string> included(fs::path const& file) {
  std::vector<std::string> out;
  std::string const begin = "#include <strata/";
  fs::ifstream in(file);
  for (std::string line; std::getline(in, line);)
    if (line.starts_with(begin)) out.push_back(line.substr(begin.size(), line.find('>') - begin.size()));
  return out;
}

/// What a header includes by itself and by others, but for bodies, which it has not in separate compilation.
void add_interfaces(fs::path const& root, std::string const& header, std::set<std::string>& to) {
  if (header.starts_with("impl/")) return;
  if (!to.insert(header).second) return;
  for (auto const& other : included(root / header)) add_interfaces(root, other, to);
}

bool says_what_it_throws(fs::path const& header) {
  fs::ifstream in(header);
  for (std::string line; std::getline(in, line);)
    if (auto const at = line.find("///");
        at != std::string::npos &&
        (line.find("@throws", at) != std::string::npos || line.find("Errc::", at) != std::string::npos))
      return true;
  return false;
}

}  // namespace

TEST_CASE("a header that says what it throws declares that, in separate compilation as well", "[rooms]") {
  fs::path const root = STRATA_HEADERS;
  std::vector<std::string> lacking;
  for (auto const& entry : fs::recursive_directory_iterator(root)) {
    auto const header = entry.path().lexically_relative(root).native();
    if (entry.path().extension() != ".hpp" || header.starts_with("impl/") ||
        !says_what_it_throws(entry.path()))
      continue;
    std::set<std::string> interfaces;
    add_interfaces(root, header, interfaces);
    if (!interfaces.contains("error.hpp") && header != "errc.hpp") lacking.push_back(header);
  }
  CHECK(lacking == std::vector<std::string>{});
}

TEST_CASE("no header includes one of a floor above it, and src.hpp and bodies.hpp have all bodies",
          "[rooms]") {
  std::map<std::string, std::size_t> floor_of;
  for (std::size_t floor = 0; floor < floors.size(); ++floor)
    for (auto const& room : floors[floor]) floor_of.emplace(room, floor);
  fs::path const root = STRATA_HEADERS;
  std::set<std::string> seen;
  std::set<std::string> bodies_found;
  std::set<std::string> templates_found;
  std::vector<std::string> upwards;
  for (auto const& entry : fs::recursive_directory_iterator(root)) {
    if (entry.path().extension() != ".hpp" && entry.path().extension() != ".ipp") continue;
    auto const header = entry.path().lexically_relative(root);
    auto const room = room_of(header);
    INFO(header.native());
    REQUIRE(floor_of.contains(room));
    seen.insert(room);
    if (entry.path().extension() == ".ipp")
      bodies_found.insert(header.native());
    else if (*header.begin() == "impl")
      templates_found.insert(header.native());
    for (auto const& other : included(entry.path()))
      if (auto const of = room_of(other); of != room && floor_of.at(of) >= floor_of.at(room))
        upwards.push_back(header.native() + " includes " + other);
  }
  CHECK(upwards == std::vector<std::string>{});
  auto const bodies = included(root / "src.hpp");
  CHECK(std::set(bodies.begin(), bodies.end()) == bodies_found);
  auto const templates = included(root / "bodies.hpp");
  CHECK(std::set(templates.begin(), templates.end()) == templates_found);
  CHECK(seen.size() == floor_of.size());
}
