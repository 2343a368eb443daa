#!/bin/sh
# Puts into a bare Debian 12 what the tests need there. Run as root: by Vagrant in its machine, by machine.sh in the tree of
# which it makes a disk.
# usage: provision.sh build|run      build: with compiler and headers; run: with what programs built elsewhere need
set -u
cd "$(dirname "$0")/../.." || exit 1
top=$(pwd)
. tests/lib.sh

packages_run='libstdc++6 libboost-json1.81.0 libboost-filesystem1.81.0 libssl3 libisal2 libzstd1 liblzma5 libbz2-1.0'
packages_machine='ca-certificates kmod iproute2 procps'

case ${1:-} in
  build) packages=$packages_build ;;
  run) packages=$packages_run ;;
  *) die 'usage: provision.sh build|run' ;;
esac
# nothing that is installed starts a service
printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d && chmod 755 /usr/sbin/policy-rc.d
# shellcheck disable=SC2086
need $packages_machine $packages $packages_test $packages_tree $packages_other
