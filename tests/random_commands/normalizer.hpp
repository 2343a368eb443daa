#pragma once

#include <strata/archive/tar_reader.hpp>
#include <strata/codec/all.hpp>
#include <strata/digest.hpp>
#include <strata/sys/stream.hpp>

#include "world.hpp"
#include <algorithm>
#include <array>
#include <cstdint>
#include <ctime>
#include <map>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace random_commands {

/// Modification times from here on are those of the run itself, and differ from store to store.
inline std::int64_t const start_of_run = std::time(nullptr) - 1;

inline std::string replaced(std::string text, std::string_view what, std::string_view with) {
  for (auto at = text.find(what); at != text.npos; at = text.find(what, at + with.size()))
    text.replace(at, what.size(), with);
  return text;
}

inline std::vector<std::string> split(std::string_view text, char at = '\n') {
  std::vector<std::string> out;
  while (!text.empty()) {
    auto const end = std::min(text.find(at), text.size() - 1);
    out.emplace_back(text.substr(0, end + 1));
    text.remove_prefix(end + 1);
  }
  return out;
}

/// What follows `start` on the first line that begins with it; names have line ends in them, so it may be no whole line.
inline std::string line_after(std::string const& text, std::string const& start) {
  auto const before = ('\n' + text).find('\n' + start);
  if (before == text.npos) return "";
  auto const at = before + start.size();
  return text.substr(at, text.find('\n', at) - at);
}

inline std::string sorted_lines(std::string const& text) {
  auto lines = split(text);
  std::ranges::sort(lines);
  std::string out;
  for (auto const& line : lines) out += line;
  return out;
}

/// Makes texts of one store comparable with those of another: paths of the roots become words, times too, and the ids that
/// the programs made up are numbered in the order in which this store's records showed them.
class Words {
 public:
  Words(std::string graph, std::string run) : graph_(std::move(graph)), run_(std::move(run)) {}

  void learn(World const& world) {
    for (auto const* kind : {&world.layers, &world.images, &world.containers})
      for (auto const& record : *kind)
        if (is_generated(record.id)) word_of(record.id);
  }

  std::string plain(std::string const& text) {
    auto const out = replaced(replaced(text, graph_, "<root>"), run_, "<run>");
    return number_ids(mask_after(mask_after(out, "\"created\":\""), "time=\""));
  }

  static bool is_generated(std::string_view id) {
    return id.size() == 64 && id.find_first_not_of("0123456789abcdef") == id.npos;
  }

 private:
  static std::string mask_after(std::string text, std::string_view key) {
    for (auto at = text.find(key); at != text.npos; at = text.find(key, at + 1)) {
      at += key.size();
      auto const end = text.find('"', at);
      if (end != text.npos) text.replace(at, end - at, "<time>");
    }
    return text;
  }

  std::string word_of(std::string const& id) {
    return words_.emplace(id, '<' + std::to_string(words_.size() + 1) + '>').first->second;
  }

  std::string number_ids(std::string const& text) {
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
      auto const end = std::min(text.find_first_not_of("0123456789abcdef", at), text.size());
      auto const run = text.substr(at, end - at);
      bool const digest = out.ends_with("sha256:") || out.ends_with("sha512:");
      out += is_generated(run) && !digest ? word_of(run) : run;
      at = end;
      if (at < text.size()) out += text[at++];
    }
    return out;
  }

  std::string graph_, run_;
  std::map<std::string, std::string> words_;
};

/// The plain bytes of a stream in whatever compression; the bytes themselves where they are none that can be read.
inline std::string unpacked(std::string const& stream) {
  using namespace strata::codec;
  try {
    auto source =
        All::decompress(All::detect(strata::as_bytes(stream).first(std::min(stream.size(), magic_bytes))),
                        strata::memory_source(stream));
    std::string out;
    for (auto part = source.next(); !part.empty(); part = source.next()) out += strata::as_text(part);
    return out;
  } catch (std::exception const& error) {
    return std::string("not readable: ") + error.what();
  }
}

/// A line for each entry of an archive, sorted.
inline std::string listing(std::string const& archive) {
  std::ostringstream out;
  try {
    auto source = strata::memory_source(archive);
    strata::archive::TarReader tar(source);
    strata::archive::TarHeader entry;
    while (tar.next(entry)) {
      std::string content;
      for (auto part = tar.next(); !part.empty(); part = tar.next()) content += strata::as_text(part);
      out << shell_word(entry.name) << " type=" << static_cast<char>(entry.type) << std::oct
          << " mode=" << entry.mode << std::dec << " owner=" << entry.uid << ':' << entry.gid
          << " link=" << shell_word(entry.link_name) << " device=" << entry.dev_major << ','
          << entry.dev_minor << " size=" << entry.size << " content=" << std::hash<std::string>()(content)
          << " time=";
      if (entry.mtime.seconds >= start_of_run)
        out << "now";
      else
        out << entry.mtime.seconds;
      for (auto const& [key, value] : entry.xattrs) out << ' ' << key << '=' << shell_word(value);
      out << '\n';
    }
  } catch (std::exception const& error) {
    out << "not an archive: " << error.what() << '\n';
  }
  return sorted_lines(out.str());
}

}  // namespace random_commands
