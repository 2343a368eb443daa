#pragma once

#include <strata/drivers/option_text.hpp>
#include <strata/drivers/overlay/layer_stores.hpp>
#include <strata/sys/lookup.hpp>

namespace strata::drivers::overlay {

STRATA_INLINE LayerStore LayerStore::parse(std::string_view text) {
  auto const colon = text.find(':');
  LayerStore store{.path = clean(text.substr(0, colon))};
  auto const name = store.path.native();
  if (!store.path.is_absolute())
    reject_option("overlay: additionallayerstore path \"" + name +
                  "\" is not absolute.  Can not be relative");
  if (!sys::find_status(store.path, 0))
    reject_option("overlay: can't stat additionallayerstore dir: stat " + name +
                  ": no such file or directory");
  for (auto rest = colon == std::string_view::npos ? std::string_view() : text.substr(colon);
       !rest.empty();) {
    rest.remove_prefix(1);
    auto const word = rest.substr(0, rest.find(':'));
    if (word != "ref")
      reject_option("overlay: additionallayerstore \"" + name + "\" contains unknown option \"" +
                    std::string(word) + '"');
    if (std::exchange(store.with_reference, true))
      reject_option("overlay: additionallayerstore config of \"" + name + "\" contains \"ref\" option twice");
    rest.remove_prefix(word.size());
  }
  return store;
}

STRATA_INLINE fs::path LayerStore::place_of(std::string_view digest, std::string_view reference) const {
  if (!with_reference) return path / digest;
  std::string encoded(archive::base64_size(reference.size()), '\0');
  archive::base64_encode(as_bytes(reference), encoded.data());
  return path / encoded / digest;
}

STRATA_INLINE std::optional<AdditionalTree> find_additional(std::vector<LayerStore> const& stores,
                                                            std::string_view digest,
                                                            std::string_view reference) {
  for (auto const& store : stores)
    if (auto place = store.place_of(digest, reference); AdditionalTree::is_whole(place))
      return AdditionalTree(std::move(place));
  return std::nullopt;
}

}  // namespace strata::drivers::overlay
