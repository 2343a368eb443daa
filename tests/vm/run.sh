#!/bin/sh
# Runs parts of the tests in a virtual machine with a kernel and a root file system of its own, and ends as tests/run.sh does.
# usage: sh tests/vm/run.sh [PART...]      parts: those of tests/run.sh, or else those that STRATA_VM_PART names
# On a Debian 12 as root it installs what is missing. STRATA_VM chooses the machine: qemu (runs the programs of the build
# directory, which STRATA_BUILT takes as they are) or vagrant (builds inside; VAGRANT_PROVIDER chooses libvirt or virtualbox).
# STRATA_SUITE has Catch2's arguments for the suite, STRATA_SECONDS is as in tests/run.sh.
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
  vagrant rsync && vagrant ssh -c "sudo STRATA_SUITE='${STRATA_SUITE:-}' sh /strata/tests/run.sh $parts"
  status=$?
  vagrant halt
  exit $status
}

# share_store: a store for the machine to use as an additional one, by 9p: an image of two layers, and `expected`, which says
# what is in it
share_store() {
  . tests/programs.sh
  use_store "$scratch/shared"
  made_by=ours
  tree=$(busybox_tar) || exit 1
  mkdir -p "$scratch/upper/etc" "$scratch/child"
  echo 'from the host' >"$scratch/upper/etc/shared"
  echo child >"$scratch/child/child"
  tar -C "$scratch/upper" -cf "$store/upper.tar" ./etc/shared
  tar -C "$scratch/child" -cf "$store/child.tar" ./child
  lower=$(ours import-layer --file "$tree" | head -n 1)
  upper=$(ours import-layer --file "$store/upper.tar" "$lower" | head -n 1)
  write_image shared "$scratch/image" "$tree" "$store/upper.tar"
  make_image localhost/shared:1 "$upper" "$scratch/image" >/dev/null || die 'cannot make a store to share'
  printf 'image %s\nlower %s %s\nupper %s %s\n' "$image_id" "$lower" "$(sha256 "$tree")" "$upper" "$(sha256 "$store/upper.tar")" >"$store/expected"
  umount -l "$graph/overlay" 2>/dev/null
  vm_settings='export STRATA_9P=/store'
  vm_options=$(vm_shared store "$store" security_model=passthrough,readonly=on)
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
    need $packages_build $packages_test && build "$STRATA_BUILD" -Dtests=enabled $targets || die 'the build failed'
  fi
  vm_machine || die 'there is no machine'
  make_scratch
  out=$scratch/out
  mkdir "$out"
  case " $parts " in *' store_over_9p '* | *' interop '*) share_store ;; esac
  # shellcheck disable=SC2086
  vm_run "$out" $parts || exit 1
  cat "$out/log"
  exit "$(cat "$out/status")"
}

case ${STRATA_VM:-qemu} in
  qemu) in_qemu ;;
  vagrant) in_vagrant ;;
  *) die "no such machine: $STRATA_VM" ;;
esac
