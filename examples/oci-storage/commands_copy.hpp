#pragma once

#include <strata/idmap/range.hpp>
#include <strata/sys/copy_path.hpp>

#include <range/v3/view/drop_last.hpp>

#include "interrupt.hpp"
#include "progress_bar.hpp"
#include "quote.hpp"
#include "session.hpp"
#include <algorithm>
#include <charconv>
#include <cstdint>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

/// Copies files between layers and the host.
namespace oci_storage {

/// A number as Go's `strconv.ParseUint(text, 10, 32)` reads it, and complains of it.
inline std::uint32_t parse_id(std::string_view what, std::string const& text) {
  std::uint32_t value = 0;
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  bool const digits = !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
  if (digits && error == std::errc() && end == text.data() + text.size()) return value;
  throw std::runtime_error("bad " + std::string(what) + ": strconv.ParseUint: parsing \"" + text +
                           "\": " + (digits ? "value out of range" : "invalid syntax"));
}

/// "UID[:GID]"
inline std::optional<strata::sys::FileOwner> wanted_owner(Options const& options) {
  auto const text = options.text("chown");
  if (text.empty()) return {};
  auto const colon = text.find(':');
  auto const uid = text.substr(0, colon);
  auto const gid = colon == text.npos ? uid : text.substr(colon + 1);
  return strata::sys::FileOwner{parse_id("UID", uid), parse_id("GID", gid)};
}

/// One end of a copy, on the host or in a layer, which is mounted as long as the object lives.
class CopyEnd {
 public:
  /// @param spec  "/path", or "layer:/path"
  CopyEnd(Session& session, std::string const& spec) {
    auto const colon = spec.find(':');
    if (colon == spec.npos) {
      place_ = {.root = {}, .path = spec};
      return;
    }
    auto const name = spec.substr(0, colon);
    try {
      layer_ = session.store.layers().get(name);
    } catch (std::exception const&) {
      throw std::runtime_error("error finding layer " + go_quoted(name) + ": " + current_error_text());
    }
    try {
      mount_.emplace(with_mountable(session, *layer_, [](auto const& item) { return item.mount(); }));
    } catch (std::exception const&) {
      throw std::runtime_error("error mounting layer " + go_quoted(layer_->record().id) + ": " +
                               current_error_text());
    }
    place_ = {.root = mount_->path(), .path = spec.substr(colon + 1)};
  }

  strata::sys::Place const& place() const noexcept { return place_; }

  /// The end of its use; that a layer was written is known once this returns.
  void unmount() {
    if (mount_) mount_->unmount();
  }

  /// Which ids of the host stand for those in the layer.
  strata::IdMaps maps() const {
    return layer_ ? strata::IdMaps{layer_->record().uidmap, layer_->record().gidmap} : strata::IdMaps{};
  }

 private:
  using Layer = Store::Layer;
  std::optional<Layer> layer_;
  std::optional<decltype(std::declval<Layer const&>().mount())> mount_;
  strata::sys::Place place_;
};

/// As the Go program's unpacker says it, who has the directory of the copy for its root.
inline std::string copy_error_text(strata::sys::Place const& to) {
  try {
    throw;
  } catch (strata::Error const& error) {
    if (error.code() == std::errc::is_a_directory)
      return "unpacking failed (error: exit status 1; output: cannot overwrite directory " +
             go_quoted('/' + to.shown().lexically_normal().filename().native()) +
             " with non-directory \"/\")";
    if (error.code() == strata::Errc::invalid_mappings) return error.subject();
    return error_text(error);
  } catch (std::exception const& error) {
    return error.what();
  }
}

/// From the owners in one layer to those in another: through the ids in the containers, which are the same, or all `given`.
inline std::function<strata::sys::FileOwner(strata::sys::FileOwner)> new_owners(
    strata::IdMaps from, strata::IdMaps to, std::optional<strata::sys::FileOwner> given) {
  using namespace strata::idmap;
  if (from.empty() && to.empty() && !given) return {};
  return [from = std::move(from), to = std::move(to), given](strata::sys::FileOwner owner) {
    auto const one = [](auto const& old_map, auto const& new_map, std::uint32_t id,
                        std::uint32_t const* fixed) {
      return static_cast<std::uint32_t>(host_id(new_map, fixed ? *fixed : container_id(old_map, id)));
    };
    return strata::sys::FileOwner{one(from.uids, to.uids, owner.uid, given ? &given->uid : nullptr),
                                  one(from.gids, to.gids, owner.gid, given ? &given->gid : nullptr)};
  };
}

inline int copy_files(Session& session, Invocation const& call) {
  auto const owner = wanted_owner(call.options);
  CopyEnd target(session, call.arguments.back());
  ProgressBar const bar("copying");
  Interrupt const interrupt;
  for (auto const& argument : call.arguments | ranges::views::drop_last(1)) {
    CopyEnd const source(session, argument);
    strata::sys::CopyPathOptions options{
        .flush = session.settings.flush ? strata::Flush::full : strata::Flush::none,
        .control = {.progress = bar.sink(), .stop = interrupt.token()}};
    options.owner = new_owners(source.maps(), target.maps(), owner);
    try {
      auto const root = new_owners({}, target.maps(), strata::sys::FileOwner{})({});
      options.new_parents = root;
      options.new_directories = owner ? options.owner({}) : root;
      strata::sys::copy_path(source.place(), target.place(), options);
    } catch (std::exception const&) {
      throw std::runtime_error("error copying " + go_quoted(source.place().shown().native()) + " to " +
                               go_quoted(target.place().shown().native()) + ": " +
                               copy_error_text(target.place()));
    }
  }
  target.unmount();
  return 0;
}

}  // namespace oci_storage
