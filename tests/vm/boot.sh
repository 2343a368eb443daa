#!/bin/sh
# The first process on the disk of the machine that qemu.sh runs: mounts what a running system has, runs the tests that
# the host asks for in /out/environment, leaves log and status in /out, and switches the machine off.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8
trap '' HUP INT TERM
share() { mount -t 9p -o "trans=virtio,version=9p2000.L,msize=262144,$3" "$1" "$2"; }

mount -t sysfs sys /sys
mount -t cgroup2 cgroup /sys/fs/cgroup
mount -t tmpfs -o mode=755 run /run
mkdir -p /dev/pts /dev/shm /run/lock
mount -t devpts -o gid=5,mode=620,ptmxmode=666 pts /dev/pts
mount -t tmpfs shm /dev/shm
for number in 0 1 2; do ln -sf "/proc/self/fd/$number" "/dev/$(set -- stdin stdout stderr; shift $number; echo "$1")"; done
ln -sf /proc/self/fd /dev/fd
modprobe -a loop overlay fuse 2>/dev/null
hostname strata
ip link set lo up
share out /out cache=none
share build /build cache=loose,ro
mkdir -p /store && share store /store cache=loose,ro 2>/dev/null  # only where there is one

(
  . /out/environment
  cd /strata && exec sh tests/run.sh $parts
) >/out/log 2>&1 </dev/null
echo $? >/out/status
sync
exec busybox poweroff -f
