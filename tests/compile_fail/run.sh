#!/bin/sh
# What a user may get wrong does not compile, and the compiler says why. Each case is compiled as it is, where it must fail and say
# all that its first lines ask for (extended regular expressions); with CONTROL defined all of them must compile, as one unit.
set -u
cd "$(dirname "$0")/../.." || exit 1
top=$(pwd)
. tests/lib.sh

make_scratch
flags='-std=c++20 -Wall -Wextra -Wshadow -Werror -Iinclude -Itests'
echo '#include "compile_fail/common.hpp"' >"$scratch/common.hpp"
for case in tests/compile_fail/*.cpp; do
  name=$(basename "$case" .cpp)
  printf 'namespace %s {\n#include "compile_fail/%s.cpp"\n}\n' "$name" "$name"
done >"$scratch/controls.cpp"

# refused COMPILER FLAGS CASE: whether it is, in the words that it asks for; keeps them in $said
refused() {
  # shellcheck disable=SC2086
  if said=$(LC_ALL=C $1 $flags $2 -fsyntax-only "$3" 2>&1); then return 1; fi
  sed -n 's,^// says: ,,p' "$3" >"$scratch/wanted"
  [ -s "$scratch/wanted" ] || return 1
  while IFS= read -r words; do
    printf '%s\n' "$said" | grep -qE -e "$words" || { said="not said: $words
$said"; return 1; }
  done <"$scratch/wanted"
}

# try COMPILER SUFFIX OPTION: what all cases include is compiled once, into a file with that suffix, which OPTION includes
try() {
  # shellcheck disable=SC2086
  check "$1: what the cases include" $1 $flags -x c++-header "$scratch/common.hpp" -o "$scratch/common.hpp.$2" || return
  for case in tests/compile_fail/*.cpp; do
    if refused "$1" "$3" "$case"; then ok "$1 refuses $(basename "$case" .cpp)"; else not_ok "$1 refuses $(basename "$case" .cpp)" "$said"; fi
  done
  # shellcheck disable=SC2086
  check "$1 takes all of them put right" $1 $flags $3 -DCONTROL -fsyntax-only "$scratch/controls.cpp"
}

try "${CXX:-g++}" gch "-include $scratch/common.hpp"
if has clang++-16; then try clang++-16 pch "-include-pch $scratch/common.hpp.pch"; else skip 'clang' 'there is no clang++-16'; fi
