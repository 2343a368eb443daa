#!/bin/busybox sh
# The first process of the machine that qemu.sh runs, in its initramfs: loads the modules without which there is no
# disk and no shared directory, and goes on from the disk with boot.sh. With "strata.probe" on the kernel's command line
# it says that it lives, and no more.
b=/bin/busybox
$b mkdir -p /proc /sys /dev /root
$b mount -t proc proc /proc
$b mount -t devtmpfs dev /dev
case $($b cat /proc/cmdline) in
  *strata.probe*) echo 'strata: it works'; $b poweroff -f ;;
esac
for module in $($b cat /modules/order); do $b insmod "/modules/$module" || echo "cannot load $module"; done
$b mount -t ext4 /dev/vda /root && $b mount -t 9p -o trans=virtio,version=9p2000.L,msize=262144,cache=loose,ro strata /root/strata ||
  { echo 'strata: no disk, or nothing shared'; $b poweroff -f; }
$b mount --move /proc /root/proc
$b mount --move /dev /root/dev
exec $b switch_root /root /bin/sh /strata/tests/vm/boot.sh
