// Pulls a layer from a zstd:chunked stream in a file, for interop/partial_pull.sh; prints what came from where, as JSON.
// usage: pull GRAPH RUN DRIVER STREAM ID [hard-links] [without-tar-split] ANNOTATION=VALUE...
#include <strata/chunked/partial_pull.hpp>
#include <strata/drivers/any.hpp>
#include <strata/strata.hpp>
#include <strata/sys/ranges.hpp>

#include <iostream>
#include <string>
#include <string_view>

using Store = strata::Store<strata::drivers::Any, strata::serializers::Json, strata::durability::None>;

int main(int count, char** words) try {
  if (count < 6) return 2;
  strata::PullOptions options;
  for (int i = 6; i < count; ++i) {
    std::string const word = words[i];
    if (word == "hard-links")
      options.use_hard_links = true;
    else if (word == "without-tar-split")
      options.without_tar_split = true;
    else
      options.annotations[word.substr(0, word.find('='))] = word.substr(word.find('=') + 1);
  }
  Store store({.graph_root = words[1],
               .run_root = words[2],
               .driver = {.name = words[3], .options = {}, .priority = {}}});
  auto staged = store.layers().stage();
  auto const report = strata::pull_chunked(staged, strata::file_ranges(words[4]), options);
  staged.commit({.id = words[5]});
  std::cout << "{\"files\":" << report.files << ",\"bytes\":" << report.bytes
            << ",\"reused_files\":" << report.reused_files << ",\"reused_bytes\":" << report.reused_bytes
            << ",\"fetched_bytes\":" << report.fetched_bytes
            << ",\"requested_ranges\":" << report.requested_ranges << "}\n";
  return 0;
} catch (std::exception const& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
