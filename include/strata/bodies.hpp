#pragma once

/// The functions that are templates, which the headers of the store leave out where `STRATA_SEPARATE_COMPILATION` is
/// defined: for units that instantiate a store (`instantiate/store.hpp` includes it), and for what is instantiated over
/// stores besides, as maintenance/ and chunked/. Without the macro it adds nothing.

#include <strata/impl/records/own_fields.hpp>
#include <strata/impl/store/additional_layer.hpp>
#include <strata/impl/store/big_data.hpp>
#include <strata/impl/store/collection.hpp>
#include <strata/impl/store/containers.hpp>
#include <strata/impl/store/core.hpp>
#include <strata/impl/store/images.hpp>
#include <strata/impl/store/item.hpp>
#include <strata/impl/store/layers.hpp>
#include <strata/impl/store/mount_point.hpp>
#include <strata/impl/store/parent_owners.hpp>
#include <strata/impl/store/recovery.hpp>
#include <strata/impl/store/staged_layer.hpp>
#include <strata/impl/store/storage_layers.hpp>
#include <strata/impl/store/store.hpp>
#include <strata/impl/store/store_paths.hpp>
