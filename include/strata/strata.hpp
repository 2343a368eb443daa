#pragma once

/// Everything public but testing/. For programs; the library's own headers include what they use.

#include <strata/archive/tar_reader.hpp>
#include <strata/archive/tar_writer.hpp>
#include <strata/drivers/any.hpp>
#include <strata/drivers/memory.hpp>
#include <strata/drivers/overlay.hpp>
#include <strata/drivers/vfs.hpp>
#include <strata/maintenance/check.hpp>
#include <strata/maintenance/dedup.hpp>
#include <strata/maintenance/garbage.hpp>
#include <strata/maintenance/repair.hpp>
#include <strata/maintenance/usage.hpp>
#include <strata/serializers/journal.hpp>
#include <strata/serializers/json.hpp>
#include <strata/store/store.hpp>
#include <strata/sys/copy_path.hpp>
#include <strata/sys/stream.hpp>
#include <strata/version.hpp>
