# What the machine under QEMU is made of; read with `.` after lib.sh. Its kernel is Debian's, fetched and not installed on
# the host; its disk is a Debian tree provisioned by provision.sh. Both are made once and kept in $STRATA_CACHE/vm.

vm=$STRATA_CACHE/vm
vm_disk_size=16G

# vm_machine: makes kernel, initramfs and disk unless they are there and still what the scripts would make
vm_machine() {
  vm_made=$({ cat tests/vm/provision.sh tests/vm/init.sh tests/vm/machine.sh; echo "$packages_test $packages_tree $packages_other"; } | sha256sum)
  if [ "$(cat "$vm/made" 2>/dev/null)" = "$vm_made" ]; then return 0; fi
  vm_base=$(debian_tar) || return 1
  case $vm_base in */debian.tar) ;; *) say 'a machine needs a Debian tree'; return 1 ;; esac
  say "making a machine of it, once (kept in $vm)"
  rm -rf --one-file-system "$vm"
  mkdir -p "$vm/tree" || return 1
  vm_tree=$vm/tree
  tar -C "$vm_tree" --numeric-owner -xpf "$vm_base" || return 1
  mkdir -p "$vm_tree/strata/tests/vm" "$vm_tree/strata/examples" "$vm_tree/build" "$vm_tree/out"
  cp examples/lib.sh "$vm_tree/strata/examples" && cp tests/lib.sh "$vm_tree/strata/tests" && cp tests/vm/provision.sh "$vm_tree/strata/tests/vm" || return 1
  cp /etc/resolv.conf "$vm_tree/etc/resolv.conf" || return 1
  mount -t proc proc "$vm_tree/proc" || return 1
  vm_inside sh /strata/tests/vm/provision.sh run && vm_kernel && vm_initramfs
  vm_ok=$?
  umount -l "$vm_tree/proc"
  [ $vm_ok = 0 ] || return 1
  rm -rf --one-file-system "$vm_tree/strata" "$vm_tree/var/cache/apt/archives" "$vm_tree/tmp/kernel"
  mkdir -p "$vm_tree/strata"
  truncate -s "$vm_disk_size" "$vm/disk" &&
    mkfs.ext4 -q -E lazy_itable_init=1,lazy_journal_init=1 -d "$vm_tree" "$vm/disk" || return 1
  rm -rf --one-file-system "$vm_tree"
  printf '%s\n' "$vm_made" >"$vm/made"
}

vm_inside() { chroot "$vm_tree" env PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"; }

# vm_kernel: unpacks the kernel and its modules into the tree. It is the general one: the cloud kernel knows no 9p.
vm_kernel() {
  vm_package=$(vm_inside apt-cache depends linux-image-amd64 | sed -n 's/^ *Depends: \(linux-image-\)/\1/p' | head -n 1)
  vm_version=${vm_package#linux-image-}
  [ -n "$vm_version" ] && vm_inside sh -c "cd /tmp && apt-get -q download $vm_package && dpkg-deb -x $vm_package*.deb kernel && rm $vm_package*.deb" \
    >"$vm/log" 2>&1 </dev/null || { say "no kernel: $(tail -n 1 "$vm/log")"; return 1; }
  mkdir -p "$vm_tree/usr/lib/modules" && mv "$vm_tree/tmp/kernel/lib/modules/$vm_version" "$vm_tree/usr/lib/modules/" &&
    mv "$vm_tree/tmp/kernel/boot/vmlinuz-$vm_version" "$vm/kernel" && vm_inside depmod "$vm_version"
}

# vm_initramfs: busybox, init.sh, and the modules that lead to the disk, in the order in which they are loaded
vm_initramfs() {
  vm_initial=$vm_tree/tmp/initial
  mkdir -p "$vm_initial/bin" "$vm_initial/modules" && cp "$vm_tree/bin/busybox" "$vm_initial/bin/busybox" &&
    cp tests/vm/init.sh "$vm_initial/init" && chmod 755 "$vm_initial/init" || return 1
  for vm_module in virtio_pci virtio_blk ext4 9pnet_virtio 9p; do
    vm_inside modprobe -S "$vm_version" --show-depends "$vm_module"
  done | sed -n 's/^insmod \([^ ]*\).*/\1/p' | awk '!seen[$0]++' | while read -r vm_file; do
    cp "$vm_tree/$vm_file" "$vm_initial/modules" && basename "$vm_file"
  done >"$vm_initial/modules/order"
  (cd "$vm_initial" && find . | busybox cpio -o -H newc 2>/dev/null | gzip -1) >"$vm/initramfs" && rm -rf "$vm_initial"
}
