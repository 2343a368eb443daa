#pragma once

#include <strata/concepts/usage_driver.hpp>
#include <strata/drivers/overlay/layer_dirs.hpp>
#include <strata/problem.hpp>
#include <strata/separate.hpp>

#include <cerrno>
#include <optional>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <system_error>
#include <utility>
#include <vector>

/// Problems of a layer's directory outside its tree: the files that name the layers below.
namespace strata::drivers::overlay {

using Ancestors = std::optional<std::vector<LayerId>>;

namespace detail {

/// Codes of the overlay driver's problems.
namespace code {
inline constexpr std::string_view link_lost = "link-lost";  ///< file `link`, or its entry in `l/`
inline constexpr std::string_view link_dangling =
    "link-dangling";  ///< an entry of `l/` whose layer does not exist
inline constexpr std::string_view lower_wrong = "lower-wrong";  ///< missing, or not the layers of the records
inline constexpr std::string_view lower_layers_wrong = "lower-layers-wrong";
inline constexpr std::string_view directory_missing = "directory-missing";  ///< `work`, `empty`
}  // namespace code

/// Makes a problem of a layer; the caller fills in its id.
Problem wrong(Severity severity, std::string_view code, std::string text,
              RepairAction action = RepairAction::repair);

std::vector<std::string> texts_of(std::vector<LayerId> const& ids);

std::string joined(std::vector<std::string> const& parts);

/// Contents that `lower` should have; none if one of the layers has no short name.
std::optional<std::string> lower_text(LayerDirs const& dirs, std::vector<LayerId> const& ancestors);

/// True if the layers below have `lower-layers`. Releases before 1.63 do not write it.
bool below_has_lower_layers(LayerDirs const& dirs, std::vector<LayerId> const& ancestors);

/// True if `lower`, resolved through `l/`, names exactly these.
bool lower_leads_to(LayerDirs const& dirs, std::string_view text, std::vector<LayerId> const& ancestors);

/// Adds the problems of file `link` and of the entry in `l/`.
void inspect_links(LayerDirs const& dirs, std::string const& id, std::vector<Problem>& found);

/// Adds the problems of `lower` and `lower-layers`.
void inspect_lower(LayerDirs const& dirs, std::string const& id, std::vector<LayerId> const& ancestors,
                   std::vector<Problem>& found);

}  // namespace detail

/// As `InspectDriver::inspect`.
std::vector<Problem> inspect_layer(LayerDirs const& dirs, std::string const& id, Ancestors const& ancestors);

/// Restores the short name of a layer, preferably one that `l/` still has.
void repair_links(LayerDirs const& dirs, std::string const& id, std::vector<std::string>& done);

/// As `RepairDriver::repair`. Also repairs what a layer's lists need of the layers below.
std::vector<std::string> repair_layer_files(LayerDirs const& dirs, std::string const& id,
                                            Ancestors const& ancestors);

/// Layers below a layer, according to its files; none if these are lost.
Ancestors recorded_ancestors(LayerDirs const& dirs, std::string const& id);

/// Owners of the contents of the driver's homes.
std::vector<Ownership> own_home(LayerDirs const& dirs, std::vector<LayerId> const& known);

}  // namespace strata::drivers::overlay

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/drivers/overlay/inspect.ipp>
#endif
