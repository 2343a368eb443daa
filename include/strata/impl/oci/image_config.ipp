#pragma once

#include <strata/concepts/bytes.hpp>
#include <strata/oci/image_config.hpp>

#include <utility>

namespace strata::oci {

namespace detail {

STRATA_INLINE RunConfig read_run_config(Members members) {
  RunConfig out{.user = members.text("User"),
                .exposed_ports = members.names("ExposedPorts"),
                .env = members.texts("Env"),
                .entrypoint = members.texts("Entrypoint"),
                .cmd = members.texts("Cmd"),
                .volumes = members.names("Volumes"),
                .working_dir = members.text("WorkingDir"),
                .labels = members.text_map("Labels"),
                .stop_signal = members.text("StopSignal")};
  out.unknown = members.unknown();
  return out;
}

STRATA_INLINE HistoryEntry read_history_entry(Members members) {
  HistoryEntry out{.created = members.time("created"),
                   .created_by = members.text("created_by"),
                   .author = members.text("author"),
                   .comment = members.text("comment"),
                   .empty_layer = members.flag("empty_layer")};
  out.unknown = members.unknown();
  return out;
}

STRATA_INLINE std::vector<Digest> read_diff_ids(Members rootfs, DocumentLimits const& limits) {
  if (auto const type = rootfs.text("type"); !type.empty() && type != "layers")
    throw Error(Errc::unsupported, rootfs.where("type") + ": \"" + type + '"');
  auto const texts = rootfs.texts("diff_ids");
  if (texts.size() > limits.layers)
    throw Error(Errc::over_budget, rootfs.where("diff_ids") + ": " + std::to_string(texts.size()) +
                                       " of them, more than " + std::to_string(limits.layers));
  std::vector<Digest> out;
  out.reserve(texts.size());
  for (auto const& text : texts) out.push_back(parse_digest(text, rootfs.where("diff_ids", out.size())));
  rootfs.check_names();
  return out;
}

STRATA_INLINE void put_text(boost::json::object& out, char const* name, std::string const& text) {
  if (!text.empty()) out.emplace(name, text);
}

STRATA_INLINE void put_texts(boost::json::object& out, char const* name,
                             std::vector<std::string> const& texts) {
  if (!texts.empty()) out.emplace(name, texts_json(texts));
}

STRATA_INLINE void put_names(boost::json::object& out, char const* name,
                             std::vector<std::string> const& names) {
  if (names.empty()) return;
  boost::json::object set;
  for (auto const& each : names) set.emplace(each, boost::json::object());
  out.emplace(name, std::move(set));
}

STRATA_INLINE boost::json::object run_config_json(RunConfig const& config) {
  boost::json::object out;
  put_text(out, "User", config.user);
  put_names(out, "ExposedPorts", config.exposed_ports);
  put_texts(out, "Env", config.env);
  put_texts(out, "Entrypoint", config.entrypoint);
  put_texts(out, "Cmd", config.cmd);
  put_names(out, "Volumes", config.volumes);
  put_text(out, "WorkingDir", config.working_dir);
  if (!config.labels.empty()) out.emplace("Labels", text_map_json(config.labels));
  put_text(out, "StopSignal", config.stop_signal);
  put_all(out, config.unknown);
  return out;
}

STRATA_INLINE boost::json::object history_json(HistoryEntry const& entry) {
  boost::json::object out;
  if (entry.created) out.emplace("created", entry.created->str());
  put_text(out, "created_by", entry.created_by);
  put_text(out, "author", entry.author);
  put_text(out, "comment", entry.comment);
  if (entry.empty_layer) out.emplace("empty_layer", true);
  put_all(out, entry.unknown);
  return out;
}

STRATA_INLINE boost::json::value image_config_json(ImageConfigParts const& parts) {
  boost::json::object out;
  if (parts.created) out.emplace("created", parts.created->str());
  put_text(out, "author", parts.author);
  out.emplace("architecture", parts.platform.architecture);
  put_text(out, "variant", parts.platform.variant);
  out.emplace("os", parts.platform.os);
  put_text(out, "os.version", parts.platform.os_version);
  put_texts(out, "os.features", parts.platform.os_features);
  out.emplace("config", run_config_json(parts.config));
  boost::json::array diff_ids;
  for (auto const& id : parts.diff_ids) diff_ids.emplace_back(id.str());
  out.emplace("rootfs", boost::json::object{{"type", "layers"}, {"diff_ids", std::move(diff_ids)}});
  boost::json::array history;
  for (auto const& entry : parts.history) history.emplace_back(history_json(entry));
  if (!history.empty()) out.emplace("history", std::move(history));
  put_all(out, parts.unknown);
  return out;
}

}  // namespace detail

STRATA_INLINE ImageConfig::ImageConfig(std::string bytes, Digest digest, ImageConfigParts parts)
    : bytes_(std::move(bytes)), digest_(std::move(digest)), parts_(std::move(parts)) {}

STRATA_INLINE ImageConfig ImageConfig::parse(std::string bytes, DocumentLimits const& limits) {
  detail::NamedDocument const named("configuration", bytes, limits);
  Members members(named.document, named.where);
  ImageConfigParts parts{.created = members.time("created"),
                         .author = members.text("author"),
                         .platform = detail::read_platform(members)};
  if (auto config = members.object("config")) parts.config = detail::read_run_config(*std::move(config));
  auto const rootfs = members.object("rootfs");
  if (!rootfs) throw Error(Errc::not_an_image, members.where("rootfs") + ": missing");
  parts.diff_ids = detail::read_diff_ids(*rootfs, limits);
  if (auto const* const history = members.array("history"))
    for (auto const& entry : *history)
      parts.history.push_back(
          detail::read_history_entry({entry, members.where("history", parts.history.size())}));
  parts.unknown = members.unknown();
  return {std::move(bytes), named.digest, std::move(parts)};
}

STRATA_INLINE ImageConfig ImageConfig::make(ImageConfigParts const& parts) {
  return parse(document_text(detail::image_config_json(parts)));
}

STRATA_INLINE ImageConfig ImageConfig::edited(ImageConfigParts const& parts) const {
  auto const before = detail::image_config_json(parts_);
  auto const after = detail::image_config_json(parts);
  if (before == after) return *this;
  auto const document = parse_document(bytes_, "configuration", {.bytes = bytes_.size()});
  return parse(document_text(edited_document(document, before, after)));
}

}  // namespace strata::oci
