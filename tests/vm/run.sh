#!/bin/sh
# Runs parts of the tests in a virtual machine with a kernel and a root file system of its own, and ends as tests/run.sh does.
# usage: sh tests/vm/run.sh [PART...]      parts: those of tests/run.sh, or else those that STRATA_VM_PART names
# On a Debian 12 as root it installs what is missing. STRATA_VM chooses the machine: qemu (with the programs built here;
# STRATA_BUILT says that they are) or vagrant (builds inside; VAGRANT_PROVIDER chooses libvirt or virtualbox).
# STRATA_VM_MEMORY (MiB), STRATA_VM_CPUS, STRATA_VM_SECONDS (limit), STRATA_VM_ACCELERATOR (kvm or tcg; probed).
set -u
cd "$(dirname "$0")/../.." || exit 1
top=$(pwd)
. tests/lib.sh
parts=${*:-${STRATA_VM_PART:-store_over_9p}}

in_vagrant() {
  need vagrant || say 'taking it that vagrant is installed otherwise'
  case ${VAGRANT_PROVIDER:-libvirt} in libvirt) need vagrant-libvirt || true ;; esac
  cd tests/vm || exit 1
  vagrant up || die 'the machine does not come up'
  vagrant rsync && vagrant ssh -c "sudo sh /strata/tests/run.sh $parts"
  status=$?
  vagrant halt
  exit $status
}

in_qemu() {
  is_root || die 'making the machine needs root'
  [ "$(uname -m)" = x86_64 ] || die 'the machine under QEMU is made for x86_64'
  # shellcheck disable=SC2086
  need $packages_vm $packages_tree || exit 1
  . tests/vm/machine.sh
  . tests/vm/qemu.sh
  if [ -z "${STRATA_BUILT:-}" ]; then
    targets=build-binary
    case " $parts " in *' suite '*) targets="$targets build-tests" ;; esac
    # shellcheck disable=SC2086
    need $packages_build $packages_test && build "$STRATA_BUILD" '' $targets || die 'the build failed'
  fi
  vm_machine || die 'there is no machine'
  out=$(mktemp -d)
  trap 'rm -rf "$out"' EXIT
  vm_run "$out" $parts || exit 1
  cat "$out/log"
  exit "$(cat "$out/status")"
}

case ${STRATA_VM:-qemu} in
  qemu) in_qemu ;;
  vagrant) in_vagrant ;;
  *) die "no such machine: $STRATA_VM" ;;
esac
