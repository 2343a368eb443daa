#!/bin/sh
# The reference of the headers by Doxygen, without a warning: a docstring that names what is not there is one.
set -u
cd "$(dirname "$0")/../.." || exit 1
top=$(pwd)
. tests/lib.sh

# shellcheck disable=SC2086
need $packages_docs || { skip docs 'there is no Doxygen'; exit 0; }
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
check 'the reference is made without a warning' build "$work" '-Dtests=disabled -Dexamples=false' docs &&
  check 'it has a page for Store' test -s "$work/docs/classstrata_1_1Store.html"
