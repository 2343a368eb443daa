// Precompiled for the test program: what every test needs and what takes long to parse. None of strata's own headers,
// and nothing that would hide a missing #include in them: tests/header.cpp.in compiles those without it.
#ifndef STRATA_TESTS_PCH  // g++ warns of #pragma once in a file that it precompiles
#define STRATA_TESTS_PCH

#include <catch2/catch.hpp>

#include <chrono>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#endif
