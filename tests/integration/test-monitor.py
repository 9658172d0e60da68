#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Somebody of the same user who monitors the bus: what gets out of the descriptors that pass, and into them."""
import contextlib
import os
import signal
import socket
import subprocess
import threading
import unittest

from running import Running
from wire import BusError, MEMBER
from world import KEYTURN, KEYTURN_PATH, MANAGER, build_root, wait_for

FALSE_KEY = b'sk_test_false0123456789false0123'


class Monitor(threading.Thread):
    """Takes what it can out of every descriptor that goes to or comes from keyturnd, by all ways there are, all the
    time; or writes into it."""

    def __init__(self, world, write=b''):
        super().__init__(daemon=True)
        self.write, self.taken, self.reopened, self.written = write, bytearray(), 0, 0
        self.passed, self.descriptors = [], []
        self.going = True
        self.bus = world.connect()
        self.bus.call('org.freedesktop.DBus', '/org/freedesktop/DBus', 'org.freedesktop.DBus.Monitoring',
                      'BecomeMonitor', 'asu', [f"path='{KEYTURN_PATH}'", "type='method_return'"], 0)
        self.bus.sock.settimeout(0.001)

    def run(self):
        while self.going:
            with contextlib.suppress(TimeoutError):
                self.meet(self.bus.receive())
            self.try_all()

    def meet(self, message):
        for fd in message.fds:
            os.set_blocking(fd, False)
            self.passed.append(message.fields.get(MEMBER) or 'an answer')
            self.descriptors.append(fd)
            if self.write:
                with contextlib.suppress(OSError):
                    self.written += os.write(fd, self.write)
            # A pipe's write end opens as a read end.
            with contextlib.suppress(OSError):
                self.descriptors.append(os.open(f'/proc/self/fd/{fd}', os.O_RDONLY | os.O_NONBLOCK))
                self.reopened += 1
        self.try_all()

    def try_all(self):
        for fd in self.descriptors:
            with contextlib.suppress(OSError):
                self.taken += os.read(fd, 65536)
            with contextlib.suppress(OSError):
                self.taken += os.pread(fd, 65536, 0)
            with contextlib.suppress(OSError), socket.socket(fileno=os.dup(fd)) as copy:
                self.taken += copy.recv(65536, socket.MSG_DONTWAIT)

    def end(self):
        if not self.going:
            return
        self.going = False
        self.join(10)
        for fd in self.descriptors:
            os.close(fd)
        self.bus.close()


class Watched(unittest.TestCase):
    def setUp(self):
        self.world = self.enterContext(Running(login=False))

    def watch(self, **options):
        monitor = Monitor(self.world, **options)
        monitor.start()
        self.addCleanup(monitor.end)
        return monitor

    def lend(self, name, lent):
        """GetKeyToFd, as somebody calls it who wrote a program of his own; the answer is for wait_reply()."""
        return self.world.bus.start_call(KEYTURN, KEYTURN_PATH, MANAGER, 'GetKeyToFd', 'sh', name, 0, fds=[lent])

    @contextlib.contextmanager
    def stopped_daemon(self):
        self.world.daemon.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.world.daemon.send_signal(signal.SIGCONT)


class Taking(Watched):
    def live(self):
        """Everything in which a key travels; returns all keys."""
        world = self.world
        secrets = {world.sandbox.management_key('test').encode()}
        world.login()
        world.add('taken', '--no-issue')
        secrets.add(world.import_made('taken')['key'].encode())
        world.add('crm', '--delivery', 'pipe')
        secrets |= {world.keyturn('get', 'crm').stdout.encode() for _ in range(100)}
        shown = world.keyturn('exec', 'crm', '--', 'sh', '-c', 'printf %s "$HUECHAT_API_KEY"').stdout
        secrets.add(shown.encode())
        world.keyturn('rotate', 'crm', '--wait')
        secrets.add(world.keyturn('get', 'crm').stdout.encode())
        self.assertEqual(len(secrets), 4)
        return secrets

    def test_nothing_is_taken(self):
        monitor = self.watch()
        secrets = self.live()
        wait_for(lambda: monitor.passed.count('GetKeyToFd') >= 102, what='the monitor to see all fetches')
        wait_for(lambda: monitor.passed.count('an answer') >= 2, what='the monitor to see both uploads')
        self.assertEqual((bytes(monitor.taken), monitor.reopened), (b'', 0))
        self.assertTrue(all(secret.startswith(b'sk_test_') for secret in secrets))

    def test_out_of_what_comes_it_is_taken(self):
        """Which org.keyturn1(5) says of OpenKey; so this monitor is one that would have taken the others."""
        monitor = self.watch()
        self.world.login()
        self.world.add('crm')
        read_end, generation = self.world.manager('OpenKey', 's', 'crm')
        wait_for(lambda: monitor.taken, what='the monitor to take the key')
        with open(read_end, 'rb') as end:
            self.assertEqual((end.read(), generation), (b'', 1))
        self.assertEqual(monitor.taken.decode(), self.world.fetch('crm'))

    def test_a_pipe_would_be_opened_anew(self):
        """So none is taken, though a monitor sees it pass."""
        monitor = self.watch()
        self.world.login()
        self.world.add('crm')
        read_end, write_end = os.pipe()
        with contextlib.ExitStack() as ends:
            ends.callback(os.close, read_end)
            with self.stopped_daemon():
                serial = self.lend('crm', write_end)
                os.close(write_end)
                wait_for(lambda: monitor.reopened == 1, what='the monitor to open the pipe')
            self.assertRaisesRegex(BusError, 'InvalidArgs', self.world.bus.wait_reply, serial)
        monitor.end()
        self.assertEqual(bytes(monitor.taken), b'')


class Forging(Watched):
    def setUp(self):
        super().setUp()
        self.world.login()
        self.world.add('crm')
        self.key = self.world.fetch('crm')

    def test_a_false_key_is_not_taken(self):
        monitor = self.watch(write=FALSE_KEY)
        for program in (['keyturn', 'get'], ['example-fetch']):
            before = monitor.written
            with self.stopped_daemon():
                process = subprocess.Popen([build_root() / 'client' / program[0], *program[1:], 'crm'],
                                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                           env=self.world.env)
                wait_for(lambda: monitor.written > before, what='the false key')
            shown, told = process.communicate(timeout=30)
            self.assertEqual((process.returncode, shown), (1, ''))
            self.assertRegex(told, r'\A\w+: another process than keyturnd sent a key: [^\n]+\n\Z')
        monitor.end()
        self.assertEqual(self.world.keyturn('get', 'crm').stdout, self.key)

    def test_a_careless_caller_takes_it(self):
        """One that does not look who sent it: so the monitor comes first."""
        monitor = self.watch(write=FALSE_KEY)
        ours, lent = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with ours:
            with lent, self.stopped_daemon():
                serial = self.lend('crm', lent.fileno())
                wait_for(lambda: monitor.written, what='the false key')
            self.world.bus.wait_reply(serial)
            self.assertEqual((ours.recv(4096), ours.recv(4096)), (FALSE_KEY, self.key.encode()))

    def test_a_false_upload_is_refused(self):
        """What the caller's own process adds to an upload spoils it; it never takes the place of what was typed."""
        self.world.add('filled', '--no-issue')
        false, made = (self.world.sandbox.create_key(name, permissions=['contacts:read'])['key']
                       for name in ('false', 'made'))
        monitor = self.watch(write=false.encode())
        with socket.socket(fileno=self.world.manager('OpenUpload')) as upload:
            wait_for(lambda: monitor.written, what='the false key')
            upload.send(made.encode())
        error = self.world.error_of('ImportKey', 'sa{sv}', 'filled', {})
        self.assertEqual(error.name, 'org.keyturn1.Error.InvalidKey')
        self.assertEqual(self.world.integration('filled')['Last4'], '')

    def test_another_process_adds_nothing_to_an_upload(self):
        self.world.add('filled', '--no-issue')
        false, made = (self.world.sandbox.create_key(name, permissions=['contacts:read'])['key']
                       for name in ('false', 'made'))
        with socket.socket(fileno=self.world.manager('OpenUpload')) as upload:
            subprocess.run(['sh', '-c', f'printf %s "$FALSE" >&{upload.fileno()}'], env={'FALSE': false}, check=True,
                           pass_fds=[upload.fileno()])
            upload.send(made.encode())
        self.assertEqual(self.world.manager('ImportKey', 'sa{sv}', 'filled', {}), made[-4:])


if __name__ == '__main__':
    unittest.main()
