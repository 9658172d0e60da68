#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Uploads of whoever leaves them lying, or writes without an end, are in nobody's way for long."""
import contextlib
import fcntl
import os
import pathlib
import shutil
import socket
import struct
import subprocess
import sys
import termios
import unittest

from running import Running
from wire import BusError
from world import KEYTURN, KEYTURN_PATH, MANAGER, die_with_test, wait_for

OF_USER = 8  # that one user may have open
SO_PASSRIGHTS = 83
BUSY = 'org.keyturn1.Error.Busy'
# Writes into the descriptor without an end, as a process that is not the uploader.
FLOOD = '''
import os, sys
fd = int(sys.argv[1])
os.set_blocking(fd, True)
while True:
    os.write(fd, b'x' * 65536)
'''


def can_keep_descriptors_out():
    with socket.socket(socket.AF_UNIX) as end:
        try:
            return end.getsockopt(socket.SOL_SOCKET, SO_PASSRIGHTS) >= 0
        except OSError:
            return False


def open_upload(bus):
    return socket.socket(fileno=bus.call(KEYTURN, KEYTURN_PATH, MANAGER, 'OpenUpload'))


class Uploads(unittest.TestCase):
    def setUp(self):
        self.world = self.enterContext(Running())
        self.world.add('filled', '--no-issue')
        self.made = self.world.sandbox.create_key('made', permissions=['contacts:read'])['key']

    def import_key(self, bus):
        return bus.call(KEYTURN, KEYTURN_PATH, MANAGER, 'ImportKey', 'sa{sv}', 'filled', {})

    def test_one_user_has_a_few_at_most(self):
        with contextlib.ExitStack() as stack:
            idle = [stack.enter_context(self.world.connect()) for _ in range(OF_USER)]
            for bus in idle:
                stack.enter_context(open_upload(bus))
            stack.enter_context(open_upload(idle[0]))  # in the place of its first one
            error = self.world.error_of('OpenUpload')
            self.assertEqual(error.name, BUSY)
            self.assertRegex(error.text, r'\A[^\n]+: [^\n]+\Z')
            idle[0].close()
            wait_for(self.can_open, what='the upload of the one that went')

    def can_open(self):
        try:
            open_upload(self.world.bus).close()
        except BusError as error:
            self.assertEqual(error.name, BUSY)
            return False
        return True

    @unittest.skipUnless(can_keep_descriptors_out(), 'the kernel is older than 6.16')
    def test_descriptors_are_kept_out(self):
        with open_upload(self.world.bus) as upload, open('/dev/null', 'rb') as null:
            self.assertRaises(PermissionError, socket.send_fds, upload, [self.made.encode()], [null.fileno()])
            upload.send(self.made.encode())
            self.assertEqual(self.import_key(self.world.bus), self.made[-4:])

    @contextlib.contextmanager
    def flood(self, upload):
        """Several processes write into it, and go on until the block ends."""
        with contextlib.ExitStack() as stack:
            for _ in range(4):
                process = stack.enter_context(subprocess.Popen(
                    [sys.executable, '-c', FLOOD, str(upload.fileno())], stderr=subprocess.DEVNULL,
                    pass_fds=[upload.fileno()], preexec_fn=die_with_test))
                stack.callback(process.kill)
            wait_for(lambda: self.unread(upload) > 65536, what='the flood')
            yield

    @staticmethod
    def unread(upload):
        return struct.unpack('i', fcntl.ioctl(upload, termios.TIOCOUTQ, bytes(4)))[0]

    @contextlib.contextmanager
    def slow_daemon(self):
        """keyturnd takes 2 ms for each read of a socket, so that any writer is faster."""
        with subprocess.Popen(['strace', '-f', '-qq', '-o', '/dev/null', '-e', 'inject=recvmsg:delay_exit=2000', '-p',
                               str(self.world.daemon.pid)], preexec_fn=die_with_test) as tracer:
            try:
                wait_for(self.is_traced, what='strace')
                yield
            finally:
                tracer.terminate()

    def is_traced(self):
        return 'TracerPid:\t0\n' not in pathlib.Path(f'/proc/{self.world.daemon.pid}/status').read_text()

    @unittest.skipUnless(os.geteuid() == 0 and shutil.which('strace'), 'this takes root and strace')
    def test_what_others_write_without_an_end_is_not_waited_for(self):
        with open_upload(self.world.bus) as upload:
            upload.send(self.made.encode())
            with self.slow_daemon(), self.flood(upload):
                self.assertEqual(self.import_key(self.world.bus), self.made[-4:])


if __name__ == '__main__':
    unittest.main()
