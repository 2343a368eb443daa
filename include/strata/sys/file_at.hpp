#pragma once

#include <strata/concepts/bytes.hpp>
#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/separate.hpp>

#include <cstddef>
#include <cstdint>
#include <span>

/// Reads and writes at positions of an open file, whatever the descriptor's own position; and its length.
namespace strata::sys {

/// Fills `to` from a position on. Makes one system call, unless the kernel delivers less.
/// @return  bytes read: fewer than asked for if the file ends there
/// @throws `errno`, "read <path>"
std::size_t read_at(int fd, std::span<std::byte> to, std::uint64_t offset, fs::path const& path);

/// Writes all bytes, with one system call unless the kernel takes less, as on a full disk.
/// @throws `errno`, "write <path>"; some bytes may have been written
void write_at(int fd, Bytes bytes, std::uint64_t offset, fs::path const& path);

/// Sets the length: cuts off the rest, or adds zeros.
/// @throws `errno`, "truncate <path>"
void set_length(int fd, std::uint64_t size, fs::path const& path);

/// Drops the file's clean pages from the cache, so that they are read again; a hint.
void drop_cached(int fd) noexcept;

}  // namespace strata::sys

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/sys/file_at.ipp>
#endif
