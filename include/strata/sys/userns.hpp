#pragma once

#include <strata/separate.hpp>

#include <array>
#include <cstdint>
#include <linux/capability.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/// Properties of this process's user namespace (user_namespaces(7)).
namespace strata::sys {

/// True if this process has CAP_SYS_ADMIN in its user namespace, and so may mount (capabilities(7)).
bool has_admin_rights() noexcept;

/// True if its user namespace maps all ids, which most likely means the initial one.
bool has_all_ids();

/// True outside the initial user namespace, where devices cannot be created nor "trusted.*" attributes set,
/// whatever the ids.
bool in_user_namespace() noexcept;

}  // namespace strata::sys

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/sys/userns.ipp>
#endif
