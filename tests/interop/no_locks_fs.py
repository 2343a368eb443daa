#!/usr/bin/python3
"""Shows a directory, for reading, as a file system that refuses every lock, as some servers of NFS, 9p and FUSE do.

usage: no_locks_fs.py DIRECTORY MOUNT_POINT
"""
import errno
import os
import sys

import fuse

fuse.fuse_python_api = (0, 2)


class NoLocks(fuse.Fuse):
    def at(self, path):
        return self.shown + path

    def getattr(self, path):
        found = os.lstat(self.at(path))
        result = fuse.Stat()
        for name in ("mode", "ino", "dev", "nlink", "uid", "gid", "size", "atime", "mtime", "ctime"):
            setattr(result, "st_" + name, getattr(found, "st_" + name))
        return result

    def readdir(self, path, offset):
        for name in [".", ".."] + os.listdir(self.at(path)):
            yield fuse.Direntry(name)

    def readlink(self, path):
        return os.readlink(self.at(path))

    def open(self, path, flags):
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC):
            return -errno.EROFS
        return None

    def read(self, path, size, offset):
        with open(self.at(path), "rb") as file:
            file.seek(offset)
            return file.read(size)

    def lock(self, path, command, owner, **lock):
        return -errno.ENOLCK


def main():
    shown, mount_point = os.path.realpath(sys.argv[1]), sys.argv[2]
    server = NoLocks()
    server.shown = shown
    server.multithreaded = False
    server.parse([mount_point, "-o", "ro,allow_other,default_permissions,fsname=no_locks"], errex=1)
    server.main()


if __name__ == "__main__":
    main()
