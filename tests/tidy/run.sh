#!/bin/sh
# The headers by clang-tidy with the checks of .clang-tidy: all of them in one unit.
set -u
cd "$(dirname "$0")/../.." || exit 1
top=$(pwd)
. tests/lib.sh

# shellcheck disable=SC2086
need $packages_tidy || { skip tidy 'there is no clang-tidy-16'; exit 0; }
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
find include -name '*.hpp' -not -path '*/testing/*' -not -path '*/impl/*' -not -name src.hpp -printf '#include <%P>\n' | sort >"$work/headers.cpp"
check 'clang-tidy finds nothing in the headers' clang-tidy-16 --quiet --config-file=.clang-tidy "$work/headers.cpp" -- -std=c++20 -Iinclude
