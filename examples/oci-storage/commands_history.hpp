#pragma once

#include <strata/oci/image_documents.hpp>
#include <strata/timestamp.hpp>

#include "human.hpp"
#include "image_names.hpp"
#include "json.hpp"
#include "session.hpp"
#include "table.hpp"
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

/// The steps that made an image, as Podman lists them.
namespace oci_storage {

/// A step's command on a line of the table.
inline std::string shortened_command(std::string command, bool whole) {
  constexpr std::size_t most = 45;
  for (auto& c : command)
    if (static_cast<unsigned char>(c) < ' ') c = ' ';
  if (whole || command.size() <= most) return command;
  auto end = most - 3;
  while (end > 0 && (static_cast<unsigned char>(command[end]) & 0xC0U) == 0x80U)
    --end;  // not within a character
  return command.substr(0, end) + "...";
}

inline std::int64_t whole_seconds(strata::Timestamp const& from, strata::Timestamp const& to) {
  return to.seconds - from.seconds - (to.nanoseconds < from.nanoseconds ? 1 : 0);
}

inline int show_history(Session& session, Invocation const& call) {
  auto const& options = call.options;
  bool const whole = options.flag("no-trunc");
  bool const human = !options.given("human") || options.flag("human");
  std::string out = "[";
  std::vector<std::vector<std::string>> rows{{"ID", "CREATED", "CREATED BY", "SIZE", "COMMENT"}};
  with_subject(call.arguments.front(), [&] {
    auto const image = get_image(session, call.arguments.front()).image;
    auto const steps = strata::oci::history_of(image);
    auto const now = strata::Timestamp::now();
    for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
      auto const& entry = step->entry;
      auto const id = step == steps.rbegin() ? image.record().id : std::string("<missing>");
      if (out.size() > 1) out += ',';
      json::Object object(out);
      object.member("id", id);
      if (entry.created) object.member("created", *entry.created);
      object.member("CreatedBy", entry.created_by)
          .member("size", step->size_bytes)
          .member_if_set("comment", entry.comment);
      auto const created = !entry.created ? std::string()
                           : human        ? human_duration(whole_seconds(*entry.created, now)) + " ago"
                                          : strata::Timestamp{.seconds = entry.created->seconds}.str();
      rows.push_back({whole ? id : id.substr(0, 12), created, shortened_command(entry.created_by, whole),
                      human_size(step->size_bytes), shortened_command(entry.comment, true)});
    }
  });
  if (options.flag("json")) return say_json(out + ']');
  if (!options.flag("quiet")) {
    say_table(rows);
    return 0;
  }
  for (std::size_t i = 1; i < rows.size(); ++i) say(rows[i][0]);
  return 0;
}

}  // namespace oci_storage
