#pragma once

/// Includes what a program needs to import, create and mount: the store, its drivers, serializers and codecs,
/// and tars as sources and sinks. Other facilities have headers of their own:
///
/// - `drivers/any.hpp`, `drivers/btrfs.hpp`  a driver chosen at run time; subvolumes of btrfs
/// - `maintenance/check.hpp`, `repair.hpp`, `garbage.hpp`, `usage.hpp`, `dedup.hpp`  functions over a store
/// - `chunked/partial_pull.hpp`, `chunked/make_chunked.hpp`  zstd:chunked
/// - `conf/load.hpp`  storage.conf
/// - `formatters.hpp`  `std::format` of ids, references, digests and times, where the standard library has it
/// - `sys/copy_path.hpp`  copies into a mounted container
///
/// For programs; the library's own headers include only what they use.

#include <strata/archive/tar_reader.hpp>
#include <strata/archive/tar_writer.hpp>
#include <strata/codec/all.hpp>
#include <strata/drivers/memory.hpp>
#include <strata/drivers/overlay.hpp>
#include <strata/drivers/vfs.hpp>
#include <strata/serializers/journal.hpp>
#include <strata/serializers/json.hpp>
#include <strata/store/store.hpp>
#include <strata/sys/stream.hpp>
#include <strata/version.hpp>
