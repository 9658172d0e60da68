# SPDX-License-Identifier: LGPL-2.1-or-later
"""A file system in user space that keeps one process waiting for ever in close(), and serves all others."""
import ctypes
import errno
import os
import stat
import struct
import threading

LIBC = ctypes.CDLL(None, use_errno=True)
LOOKUP, FORGET, GETATTR, OPEN, RELEASE, FLUSH, INIT, INTERRUPT, DESTROY, BATCH_FORGET = \
    1, 2, 3, 14, 18, 25, 26, 36, 38, 42
UNANSWERED = (FORGET, INTERRUPT, BATCH_FORGET)
ROOT, FILE = 1, 2
MNT_FORCE, MNT_DETACH = 1, 2


def attributes(node):
    mode = stat.S_IFDIR | 0o755 if node == ROOT else stat.S_IFREG | 0o666
    # ino size blocks atime mtime ctime, their nanoseconds, mode nlink uid gid rdev blksize flags
    return struct.pack('<6Q10I', node, 0, 0, 0, 0, 0, 0, 0, 0, mode, 1, 0, 0, 0, 4096, 0)


class Stalling:
    """Mounted at a folder while the block lasts; what that process asks is in .asked, and not answered."""

    def __init__(self, folder, pid):
        self.folder, self.pid, self.asked = folder, pid, []

    def __enter__(self):
        self.folder.mkdir(exist_ok=True)
        self.device = os.open('/dev/fuse', os.O_RDWR)
        options = f'fd={self.device},rootmode=40000,user_id=0,group_id=0,allow_other'
        if LIBC.mount(b'stalling', bytes(self.folder), b'fuse', 0, options.encode()) < 0:
            os.close(self.device)
            raise OSError(ctypes.get_errno(), 'mount')
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *exc):
        self.end()

    def end(self):
        """Lets go of whoever waits."""
        if self.device < 0:
            return
        LIBC.umount2(bytes(self.folder), MNT_FORCE | MNT_DETACH)
        self.thread.join(10)
        os.close(self.device)
        self.device = -1

    def serve(self):
        while True:
            try:
                request = os.read(self.device, 1 << 20)
            except OSError as error:
                if error.errno in (errno.EINTR, errno.EAGAIN, errno.ENOENT):
                    continue
                return  # it is over
            _, opcode, unique, node, _, _, pid, _ = struct.unpack_from('<IIQQIIII', request)
            if pid == self.pid:
                self.asked.append(opcode)
            elif opcode not in UNANSWERED:
                self.answer(unique, *self.result(opcode, node, request[40:]))

    @staticmethod
    def result(opcode, node, body):
        """(error, body) of an answer."""
        if opcode == INIT:
            return 0, struct.pack('<4I2H2I2H8I', 7, 31, 0, 0, 0, 0, 4096, 1, 0, 0, *[0] * 8)
        if opcode == LOOKUP:
            if body.rstrip(b'\0') != b'file':
                return errno.ENOENT, b''
            return 0, struct.pack('<4Q2I', FILE, 0, 60, 60, 0, 0) + attributes(FILE)
        if opcode == GETATTR:
            return 0, struct.pack('<QII', 60, 0, 0) + attributes(node)
        if opcode == OPEN:
            return 0, struct.pack('<QII', 0, 0, 0)
        return (0 if opcode in (FLUSH, RELEASE, DESTROY) else errno.ENOSYS), b''

    def answer(self, unique, error, body):
        try:
            os.write(self.device, struct.pack('<IiQ', 16 + len(body), -error, unique) + body)
        except OSError as gone:
            if gone.errno not in (errno.ENOENT, errno.ENODEV):
                raise
