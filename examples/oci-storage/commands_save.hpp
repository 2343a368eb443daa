#pragma once

#include <strata/oci/copy_image.hpp>
#include <strata/oci/copy_index.hpp>
#include <strata/oci/directory.hpp>
#include <strata/oci/docker_archive_writer.hpp>
#include <strata/oci/images_of.hpp>
#include <strata/oci/oci_archive.hpp>
#include <strata/oci/oci_layout.hpp>

#include "image_names.hpp"
#include "interrupt.hpp"
#include "layer_progress.hpp"
#include "session.hpp"
#include "streams.hpp"
#include <optional>
#include <stdexcept>
#include <string>
#include <unistd.h>
#include <vector>

/// Writes images to files.
namespace oci_storage {

inline std::optional<strata::Compression> compression_option(Options const& options) {
  auto const word = options.text("compress");
  if (word.empty()) return {};
  if (word == "none") return strata::Compression::none;
  if (word == "gzip") return strata::Compression::gzip;
  if (word == "zstd") return strata::Compression::zstd;
  throw std::runtime_error("--compress " + word + ": must be one of gzip zstd none");
}

/// What `save` writes and where.
struct SaveTarget {
  std::string format;
  std::string output;  ///< empty: standard output
  bool is_archive;
};

inline SaveTarget save_target(Invocation const& call) {
  SaveTarget out{.format = call.options.given("format") ? call.options.text("format") : "docker-archive",
                 .output = call.options.text("output"),
                 .is_archive = false};
  out.is_archive = out.format == "docker-archive" || out.format == "oci-archive";
  if (!out.is_archive && out.format != "oci-dir" && out.format != "docker-dir")
    throw std::runtime_error("--format " + out.format +
                             ": must be one of oci-dir oci-archive docker-archive docker-dir");
  if (out.output.empty() && !out.is_archive)
    throw std::runtime_error("--format " + out.format + ": --output must name a directory");
  if (out.output.empty() && ::isatty(STDOUT_FILENO) != 0)
    throw std::runtime_error("standard output is a terminal: use --output or redirect it");
  if (out.format == "docker-dir" && call.arguments.size() > 1)
    throw std::runtime_error("--format docker-dir: has place for one image");
  return out;
}

/// @param keeps_names  the destination has a place for them
template <class Destination>
void save_to(Session& session, Invocation const& call, Destination destination, strata::oci::CopyOptions copy,
             bool keeps_names = true) {
  strata::oci::ImagesOf images(session.store);
  for (auto const& argument : call.arguments)
    with_subject(argument, [&] {
      auto const chosen = get_image(session, argument);
      copy.reference = chosen.image.id().str();
      copy.name = keeps_names ? chosen.name : "";
      LayerProgress progress(call.options.flag("quiet"));
      copy.progress = progress.sink();
      if (call.options.flag("all"))
        strata::oci::copy_index(images, destination, copy);
      else
        strata::oci::copy_image(images, destination, copy);
    });
  destination.finish();
}

template <class Writer>
Writer open_archive(SaveTarget const& target, strata::oci::ArchiveWriterOptions const& options) {
  if (target.output.empty()) return Writer(open_output(""), "standard output", options);
  return Writer(strata::fs::path(target.output), options);
}

inline int save_images(Session& session, Invocation const& call) {
  namespace oci = strata::oci;
  auto const target = save_target(call);
  auto const compression = compression_option(call.options);
  auto const flush = session.settings.flush ? strata::Flush::full : strata::Flush::none;
  for (auto const& argument : call.arguments) get_image(session, argument);  // before anything is written
  Interrupt const interrupt;
  oci::CopyOptions copy{.compression = compression, .stop = interrupt.token()};
  with_subject(target.output.empty() ? "standard output" : target.output, [&] {
    if (target.format == "oci-dir") {
      save_to(session, call, oci::OciLayout(target.output, flush), copy);
    } else if (target.format == "docker-dir") {
      copy.format = oci::Format::docker;
      save_to(session, call, oci::Directory(target.output, flush), copy, false);
    } else if (target.format == "oci-archive") {
      save_to(session, call, open_archive<oci::OciArchiveWriter>(target, {.flush = flush}), copy);
    } else {  // whose layers are never compressed
      oci::ArchiveWriterOptions const options{.compression = compression.value_or(strata::Compression::none),
                                              .flush = flush};
      save_to(session, call, open_archive<oci::DockerArchiveWriter>(target, options), copy);
    }
  });
  return 0;
}

}  // namespace oci_storage
