#!/bin/sh
# The library as programs get at it: by plain -I, as a Meson subproject, by pkg-config and find_package from what `meson
# install` puts in place, and by CMake's FetchContent. Each way has a clean folder with a program of two units that both
# include <strata/strata.hpp>; it is built, and must print what it stored.
set -u
cd "$(dirname "$0")/../.." || exit 1
top=$(pwd)
. tests/lib.sh

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# folder NAME: makes a clean folder with the program in it, and goes there
folder() {
  mkdir "$work/$1" && cd "$work/$1" && cp "$top"/tests/consume/*.[ch]pp .
}

# compile COMPILER FLAGS LIBRARIES: both units at once, as a build would, then links them
compile() {
  set -- "$1" "-std=c++20 -Wall -Wextra -Werror $2" "$3"
  # shellcheck disable=SC2086
  { "$1" $2 -c main.cpp -o main.o & compiling_main=$!; } && "$1" $2 -c fill.cpp -o fill.o && wait "$compiling_main" &&
    "$1" main.o fill.o -o program $3
}

# prints_layers PROGRAM: runs it where nothing was stored before
prints_layers() (
  mkdir run && cd run && [ "$(../"$1")" = "$(printf 'base\ntop')" ]
)

by_include() {
  compile "$1" "-I$top/include" '-lboost_json -lboost_filesystem -lcrypto -lisal -lzstd -llzma -lbz2 -pthread' && prints_layers program
}

# With a third unit that has what the others call.
separately() {
  # shellcheck disable=SC2086
  cat >extern.hpp <<'END' &&
#include <strata/strata.hpp>
#include <strata/instantiate/extern_store.hpp>
STRATA_EXTERN_STORE(strata::Store<strata::drivers::Memory, strata::serializers::Journal>)
END
  cat >bodies.cpp <<'END' &&
#include <strata/instantiate/store.hpp>
#include <strata/src.hpp>
STRATA_INSTANTIATE_STORE(strata::Store<strata::drivers::Memory, strata::serializers::Journal>)
END
  flags="-DSTRATA_SEPARATE_COMPILATION -I$top/include -include extern.hpp" &&
    "$1" -std=c++20 -Wall -Wextra -Werror $flags -c bodies.cpp -o bodies.o &&
    compile "$1" "$flags" 'bodies.o -lboost_json -lboost_filesystem -lcrypto -lisal -lzstd -llzma -lbz2 -pthread' &&
    prints_layers program
}

by_meson() {
  mkdir -p subprojects/strata &&
    cp -r "$top/include" "$top/meson.build" "$top/meson_options.txt" subprojects/strata &&
    cat >meson.build <<'END' &&
project('consumer', 'cpp', default_options: ['cpp_std=c++20', 'warning_level=2', 'werror=true'])
executable('program', 'main.cpp', 'fill.cpp', dependencies: dependency('strata', fallback: ['strata', 'strata_dep']))
END
    CXX=g++ meson setup build --wrap-mode=nodownload && ninja -C build && prints_layers build/program
}

installed() {
  meson setup "$work/tree" "$top" --prefix="$work/prefix" -Dtests=disabled -Dexamples=false && meson install -C "$work/tree" --no-rebuild
}

by_pkg_config() {
  PKG_CONFIG_PATH=$(dirname "$(find "$work/prefix" -name strata.pc)")
  export PKG_CONFIG_PATH
  compile "$1" "$(pkg-config --cflags strata)" "$(pkg-config --libs strata)" && prints_layers program
}

by_cmake() {
  CXX=$1 cmake -G Ninja -S . -B build "-DCMAKE_CXX_FLAGS=-Wall -Wextra -Werror" "-DCMAKE_PREFIX_PATH=$work/moved" && ninja -C build
}

by_find_package() {
  cat >CMakeLists.txt <<'END'
cmake_minimum_required(VERSION 3.19)
project(consumer LANGUAGES CXX)
find_package(strata 0.1 CONFIG REQUIRED)
add_executable(program main.cpp fill.cpp)
target_link_libraries(program PRIVATE strata::strata)
END
  by_cmake "$1" && prints_layers build/program
}

# A store that needs no codec: none is looked for, and none is linked.
by_core() {
  cat >CMakeLists.txt <<'END'
cmake_minimum_required(VERSION 3.19)
project(consumer LANGUAGES CXX)
find_package(strata CONFIG REQUIRED COMPONENTS core)
if(TARGET strata::xz OR TARGET strata::strata)
  message(FATAL_ERROR "a codec was looked for")
endif()
find_package(strata CONFIG COMPONENTS core lz77 QUIET)
if(strata_FOUND)
  message(FATAL_ERROR "there is a part that there is not")
endif()
find_package(strata 999 CONFIG QUIET)
if(strata_FOUND)
  message(FATAL_ERROR "a later version was found")
endif()
add_executable(program core.cpp)
target_link_libraries(program PRIVATE strata::core)
END
  by_cmake "$1" && mkdir run && cd run && [ "$(../build/program)" = base ] && ! ldd ../build/program | grep -E 'lzma|bz2|zstd'
}

# As README says it, but for where the archive is.
by_fetch_content() {
  tar -C "$top" -czf strata.tar.gz include meson.build meson_options.txt &&
    cat >CMakeLists.txt <<'END' &&
cmake_minimum_required(VERSION 3.24)
project(consumer LANGUAGES CXX)
include(FetchContent)
FetchContent_Declare(strata URL "${CMAKE_SOURCE_DIR}/strata.tar.gz" SOURCE_SUBDIR include)
FetchContent_MakeAvailable(strata)
add_executable(program main.cpp fill.cpp)
target_link_libraries(program PRIVATE strata::strata)
END
    by_cmake "$1" && prints_layers build/program
}

# way NAME FUNCTION ARGUMENT...: one way in a clean folder
way() {
  way_name=$1
  shift
  folder "$(printf '%s' "$way_name" | tr -c 'A-Za-z0-9\n' -)" && check "$way_name" "$@"
  cd "$top" || exit 1
}

way 'plain -I, g++' by_include g++
way 'separate compilation, g++' separately g++
way 'Meson subproject' by_meson
check 'meson install' installed
way 'pkg-config' by_pkg_config g++
if has cmake; then
  mv "$work/prefix" "$work/moved"  # what was installed may be moved
  way 'find_package of CMake, g++' by_find_package g++
  way 'find_package, strata::core alone' by_core g++
  way 'FetchContent of CMake' by_fetch_content g++
else
  skip 'find_package, FetchContent' 'there is no cmake'
fi
if has clang++-16; then
  way 'plain -I, clang' by_include clang++-16
  way 'separate compilation, clang' separately clang++-16
  if has cmake; then way 'find_package of CMake, clang' by_find_package clang++-16; fi
else
  skip 'clang' 'there is no clang++-16'
fi
