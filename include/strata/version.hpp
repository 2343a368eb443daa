#pragma once

/// Version of the library as one text, the only macro it defines: "major.minor.patch".
#define STRATA_VERSION "0.1.0"
