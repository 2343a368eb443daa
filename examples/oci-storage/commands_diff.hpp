#pragma once

#include <strata/chunked/make_chunked.hpp>
#include <strata/chunked/partial_pull.hpp>
#include <strata/fs.hpp>
#include <strata/sys/ranges.hpp>
#include <strata/sys/scratch_file.hpp>
#include <strata/tree/tree_source.hpp>

#include "interrupt.hpp"
#include "json.hpp"
#include "progress_bar.hpp"
#include "quote.hpp"
#include "session.hpp"
#include "streams.hpp"
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <strings.h>
#include <sys/stat.h>
#include <utility>

/// Commands that compare layers and carry differences as tar archives.
namespace oci_storage {

inline std::string reference(Invocation const& call) {
  return call.arguments.size() > 1 ? call.arguments[1] : std::string();
}

inline int show_changes(Session& session, Invocation const& call) {
  auto const changes = session.store.layers().get(call.arguments[0]).changes(reference(call));
  if (!call.options.flag("json")) {
    static constexpr auto words = std::to_array<std::string_view>({"Modify", "Add", "Delete"});
    for (auto const& change : changes)
      say(words[static_cast<std::size_t>(change.kind)], " ", go_quoted(change.path));
    return 0;
  }
  std::string out;
  for (auto const& change : changes) {
    out += out.empty() ? '[' : ',';
    json::Object(out).member("Path", change.path).member("Kind", static_cast<int>(change.kind));
  }
  return say_json(out.empty() ? "null" : out + ']');
}

inline int show_diff_size(Session& session, Invocation const& call) {
  say(std::to_string(session.store.layers().get(call.arguments[0]).diff_size(reference(call))));
  return 0;
}

/// What the options ask for; none: as the layer came.
inline std::optional<strata::Compression> wanted_compression(Options const& options) {
  if (options.flag("xz")) return strata::Compression::xz;
  if (options.flag("bzip2")) return strata::Compression::bzip2;
  if (options.flag("gzip")) return strata::Compression::gzip;
  if (options.flag("uncompressed")) return strata::Compression::none;
  return {};
}

inline int write_diff(Session& session, Invocation const& call) {
  auto const file = call.options.text("file");
  auto to = open_output(file);
  auto const layer = session.store.layers().get(call.arguments[0]);
  std::optional<ProgressBar> bar;
  if (!file.empty()) {
    auto const size = reference(call).empty() ? layer.record().diff_size : 0;
    bar.emplace("exporting", size > 0 ? std::make_optional(static_cast<std::uint64_t>(size)) : std::nullopt);
  }
  Interrupt const interrupt;
  layer.diff(std::move(to), {.against = reference(call),
                             .compression = wanted_compression(call.options),
                             .progress = bar ? bar->sink() : strata::ProgressSink(),
                             .stop = interrupt.token()});
  return 0;
}

inline bool pull_option(Session const& session, std::string const& key) {
  auto const& options = session.settings.pull_options;
  auto const found = options.find(key);
  return found != options.end() && ::strcasecmp(found->second.c_str(), "true") == 0;
}

/// A directory becomes a layer by way of a zstd:chunked stream, of which the table of contents is kept.
inline int apply_directory(Session& session, Invocation const& call) {
  auto const& directory = call.arguments[1];
  if (struct stat status{}; ::stat(directory.c_str(), &status) != 0)
    strata::sys::throw_errno("stat", directory);
  if (!pull_option(session, "enable_partial_images")) throw std::runtime_error("partial images are disabled");
  if (auto const driver = std::string(session.store.driver_name()); driver != "overlay")
    throw std::runtime_error(
        "graph driver " + driver + " does not support partial pull" +
        (pull_option(session, "convert_images") ? " but convert_images requires that" : ""));
  ProgressBar const bar("applying");
  Interrupt const interrupt;
  auto layers = session.store.layers();
  auto const existing = layers.find(call.arguments[0]);
  auto staged =
      layers.stage({.parent = existing ? strata::Ref::exactly(existing->record().parent) : strata::Ref(""),
                    .writable = existing && existing->record().place != strata::RecordPlace::image_store,
                    .stop = interrupt.token()});
  // As the Go program has it: the stream is pulled from a file, so that what other layers have is shared with them.
  auto const scratch = strata::fs::temp_directory_path();
  auto const stream = strata::sys::scratch_file(scratch);
  auto const made = strata::archive::make_zstd_chunked(strata::archive::TreeSource(directory),
                                                       strata::fd_sink(stream.get()), scratch, {},
                                                       {.progress = {}, .stop = interrupt.token()});
  pull_chunked(staged, strata::fd_ranges(stream.get()),
               {.annotations = strata::archive::chunked_annotations(made),
                .use_hard_links = pull_option(session, "use_hard_links"),
                .progress = bar.sink(),
                .stop = interrupt.token()});
  if (existing)
    staged.replace(*existing);
  else
    staged.commit({.id = call.arguments[0]});
  return 0;
}

inline int apply_diff(Session& session, Invocation const& call) {
  auto input = open_input(call.options.text("file"));
  auto layer = session.store.layers().get(call.arguments[0]);
  ProgressBar const bar("applying", input.size);
  Interrupt const interrupt;
  layer.apply(std::move(input.source), {.progress = bar.sink(), .stop = interrupt.token()});
  return 0;
}

}  // namespace oci_storage
