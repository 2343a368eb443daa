#include "settings.hpp"

#include <strata/conf/load.hpp>
#include <strata/fs.hpp>

#include "json.hpp"
#include <utility>

namespace oci_storage {
namespace {

namespace conf = strata::conf;

/// Against the working directory; without `.`, `..` and a slash at the end.
std::string absolute(std::string const& path) {
  if (path.empty()) return path;
  return strata::sys::absolute(path).native();
}

std::string json_text(conf::StorageConf const& configured) {
  std::string out;
  {
    json::Object object(out);
    object.member_if_set("runroot", configured.run_root)
        .member_if_set("root", configured.graph_root)
        .member_if_set("imagestore", configured.image_store)
        .member("RootlessStoragePath", configured.rootless_storage_path)
        .member_if_set("driver", configured.driver)
        .member_if_set("driver-priority", configured.driver_priority)
        .member_if_set("driver-options", configured.driver_options)
        .member_if_set("uidmap", configured.default_maps.uids)
        .member_if_set("gidmap", configured.default_maps.gids)
        .member_if_set("root_auto_ns_user", configured.auto_userns_user)
        .member_if_set("auto_userns_min_size", configured.auto_userns_min_size)
        .member_if_set("auto_userns_max_size", configured.auto_userns_max_size);
    if (configured.pull_options)
      object.member("PullOptions", *configured.pull_options);
    else
      object.member("PullOptions", strata::RawJson{"null"});
    object.member_if_set("disable-volatile", configured.disable_volatile)
        .member_if_set("transient_store", configured.transient_store);
  }
  return out;
}

/// The configuration; without one that can be read, the roots that there would be without any.
void configure(StoreSettings& out, conf::Host const& host) {
  try {
    out.configured = conf::load_storage_conf(host);
    out.warnings = out.configured.warnings;
  } catch (strata::Error const& error) {
    out.configuration_error = std::current_exception();
    auto roots = conf::default_roots(host);
    out.configured.graph_root = std::move(roots.graph_root);
    out.configured.run_root = std::move(roots.run_root);
    if (error.code() == strata::Errc::configuration)
      out.warnings = {"Failed to reload the configuration: " + error.subject()};
  }
}

}  // namespace

StoreSettings settings(Options const& before, Options const& after) {
  auto const host = conf::Host::current();
  auto const pick = [&](std::string_view key, std::string const& fallback) {
    for (auto const* options : {&after, &before})
      if (auto value = options->text(key); !value.empty()) return value;
    return fallback;
  };
  auto const pick_flag = [&](std::string_view key, bool fallback) {
    for (auto const* options : {&after, &before})
      if (options->given(key)) return options->flag(key);
    return fallback;
  };
  StoreSettings out;
  configure(out, host);
  auto const& configured = out.configured;
  bool const explicit_store = !before.text("graph").empty() || !before.text("run").empty();
  out.graph_root = absolute(pick("graph", configured.graph_root));
  out.run_root = absolute(pick("run", configured.run_root));
  if (explicit_store) {
    out.warnings.clear();
  } else {
    out.image_store = configured.image_store;
    out.transient = configured.transient_store;
    out.driver = configured.driver;
    out.driver_priority = configured.driver_priority;
    out.driver_options = configured.driver_options;
    out.default_maps = configured.default_maps;
    out.disable_volatile = configured.disable_volatile;
    out.pull_options = configured.pull_options.value_or(std::map<std::string, std::string>{});
  }
  out.image_store = absolute(pick("image-store", out.image_store));
  out.transient = pick_flag("transient-store", out.transient);
  out.driver = pick("storage-driver", out.driver);
  for (auto const* options : {&before, &after})
    for (auto& option : options->list("storage-opt")) out.driver_options.push_back(std::move(option));
  auto const durability = pick("durability", "full");
  if (durability != "full" && durability != "none")
    throw OptionError("invalid value \"" + durability + "\" for --durability: full or none");
  out.flush = durability == "full";
  out.debug = pick_flag("debug", false);
  // Before the command root's is passed over, as by containers-storage: the namespace need not have all of root's ids.
  bool const needed = host.rootless && !strata::sys::has_admin_rights();
  out.unshare = host.uid != 0 || after.given("unshare") ? pick_flag("unshare", needed) : needed;
  return out;
}

std::string configuration_json(StoreSettings const& now) { return json_text(now.configured); }

std::string configuration_json(std::string const& path) {
  return json_text(conf::read_storage_conf(path, conf::Host::current()));
}

}  // namespace oci_storage
