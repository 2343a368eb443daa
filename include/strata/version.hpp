#pragma once

/// Version of the library: numbers for `#if`, and a text. The interface of 0.x may change with each minor version.
///
///     #if STRATA_VERSION >= 200  // 0.2.0
#define STRATA_VERSION_MAJOR 0
#define STRATA_VERSION_MINOR 1
#define STRATA_VERSION_PATCH 0
#define STRATA_VERSION (STRATA_VERSION_MAJOR * 10000 + STRATA_VERSION_MINOR * 100 + STRATA_VERSION_PATCH)
/// "major.minor.patch". The build file reads it from here.
#define STRATA_VERSION_TEXT "0.1.0"
