# Runs the machine that machine.sh makes, under QEMU; read with `.` after it. What it writes to its disk is forgotten when it
# stops. The tree of the sources and the built programs are shared with it by 9p, and so is a directory for the results.

: "${STRATA_VM_MEMORY:=4096}" "${STRATA_VM_CPUS:=$(nproc)}" "${STRATA_VM_SECONDS:=3600}"

# vm_qemu ACCELERATOR COMMAND_LINE OPTION...: starts the machine and waits until it is off
vm_qemu() {
  vm_accelerator=$1 vm_line=$2
  shift 2
  case $vm_accelerator in kvm) set -- -cpu host "$@" ;; *) set -- -cpu max "$@" ;; esac
  timeout --foreground -k 10 "$STRATA_VM_SECONDS" qemu-system-x86_64 -accel "$vm_accelerator" -m "$STRATA_VM_MEMORY" \
    -smp "$STRATA_VM_CPUS" -nodefaults -display none -no-reboot -kernel "$vm/kernel" -initrd "$vm/initramfs" \
    -append "console=ttyS0 quiet panic=-1 $vm_line" "$@" </dev/null
}

# vm_accelerator: prints kvm where a kernel gets as far as its first process with it, else tcg. That /dev/kvm is there
# says little: in a machine that is itself a guest it may open, and then never run anything.
vm_accelerator() {
  if [ -w /dev/kvm ] && vm=$vm STRATA_VM_MEMORY=512 timeout -s KILL 10 sh -c '. "$0"; vm_qemu kvm strata.probe -serial stdio' \
    tests/vm/qemu.sh 2>/dev/null | grep -q 'strata: it works'; then
    echo kvm
  else
    echo 'tcg,thread=multi'
  fi
}

# vm_shared NAME DIRECTORY OPTIONS: the options with which QEMU shares a directory with the machine by 9p
vm_shared() { printf -- '-virtfs local,mount_tag=%s,path=%s,multidevs=remap,%s' "$1" "$2" "$3"; }

# vm_run DIRECTORY PART...: runs the parts in the machine, with the settings in $vm_settings; DIRECTORY gets what they
# print as log, their exit status as status, and what the kernel says as console
vm_run() {
  vm_out=$1
  shift
  vm_accelerator=${STRATA_VM_ACCELERATOR:-$(vm_accelerator)}
  # without acceleration a Debian tree takes minutes at each step; busybox's has one of everything, too
  printf '%s\n' 'export STRATA_BUILT=1 STRATA_BUILD=/build STRATA_NO_DEBOOTSTRAP=1 STRATA_LANES=1' \
    "export STRATA_SUITE='${STRATA_SUITE:-}' STRATA_SECONDS='${STRATA_SECONDS:-20}'" "${vm_settings:-}" "parts='$*'" >"$vm_out/environment"
  say "running $* in a machine (-accel $vm_accelerator)"
  # shellcheck disable=SC2046
  vm_qemu "$vm_accelerator" '' -serial "file:$vm_out/console" -drive "file=$vm/disk,format=raw,if=virtio,snapshot=on" \
    $(vm_shared strata "$top" security_model=none,readonly=on) $(vm_shared build "$STRATA_BUILD" security_model=none,readonly=on) \
    $(vm_shared out "$vm_out" security_model=none) ${vm_options:-}
  [ -s "$vm_out/status" ] || { say "the machine stopped before the tests did:"; tail -n 20 "$vm_out/console" "$vm_out/log" >&2; return 1; }
}
