#pragma once

#include <strata/digest.hpp>

#include <string>
#include <string_view>

namespace strata::oci {

// Under which keys programs of images keep an image's documents in its big data (containers/image, storage destination).
// A configuration has its digest as the key: "sha256:…".

inline constexpr std::string_view manifest_data = "manifest";  ///< what the image's name stands for

inline std::string manifest_key(Digest const& digest) { return "manifest-" + digest.str(); }
inline std::string signature_key(Digest const& digest) { return "signature-" + std::string(digest.hex()); }

}  // namespace strata::oci
