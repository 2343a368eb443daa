// The one file with the main of Catch2.
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
