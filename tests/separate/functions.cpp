// What the test program, of many units, compiles once: all that is no template.
#include <strata/src.hpp>
