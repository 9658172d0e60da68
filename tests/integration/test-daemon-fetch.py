#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Fetching a key: it waits for nothing, it goes through sockets alone, and it is accounted for."""
import os
import signal
import socket
import tempfile
import threading
import time
import unittest

from running import Running
from world import KEYTURN, KEYTURN_PATH, MANAGER, wait_for

INVALID = 'org.freedesktop.DBus.Error.InvalidArgs'
NO_SOCKET = 'no connected AF_UNIX socket'
PATIENCE = 10  # seconds; what is stopped here stays stopped for longer


class Fetch(unittest.TestCase):
    def setUp(self):
        self.world = self.enterContext(Running())
        self.world.add('crm')
        self.world.wait_state('crm', 'idle')
        self.key = self.world.fetch('crm')
        self.bus = self.enterContext(self.world.connect(PATIENCE))

    def stop(self, *pids):
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
            self.addCleanup(os.kill, pid, signal.SIGCONT)

    def test_a_warm_fetch_waits_for_nobody(self):
        helpers = self.world.children()
        self.assertEqual(set(helpers), {'keyturn-huechat', 'keyturn-secret-service'})
        self.stop(self.world.keyring.pid, self.world.sandbox.process.pid, *helpers.values())
        for _ in range(20):
            self.assertEqual(self.world.fetch('crm', self.bus), self.key)
            self.assertEqual(self.world.fetch_by_socket('crm', self.bus), (self.key, 1))

    def test_a_fetch_does_not_wait_for_a_rotation(self):
        """The new key is being created, and HueChat takes its time."""
        self.stop(self.world.sandbox.process.pid)
        self.world.manager('Rotate', 'sa{sv}', 'crm', {})
        self.assertEqual(self.world.fetch('crm', self.bus), self.key)
        self.assertEqual(self.world.rotation_state('crm'), 'planned')

    def test_a_stranger_does_not_wait_for_the_keyring(self):
        """A first call of somebody, while a cold fetch of another one hangs."""
        self.world.stop_daemon()
        self.world.start_daemon()
        self.assertEqual(self.world.fetch('crm'), self.key)
        self.world.add('cold', '--no-issue')
        self.stop(self.world.keyring.pid)
        self.assertEqual(self.world.fetch('crm', self.bus), self.key)
        made = self.world.sandbox.create_key('cold', permissions=['contacts:read'])
        waiting = threading.Thread(target=self.world.keyturn, args=('import', 'cold'),
                                   kwargs={'stdin': made['key'], 'check': False})
        waiting.start()
        with self.world.connect(PATIENCE) as stranger:
            self.assertEqual(self.world.fetch('crm', stranger), self.key)
            self.assertTrue(waiting.is_alive())
        os.kill(self.world.keyring.pid, signal.SIGCONT)
        waiting.join(60)

    def test_the_first_fetch_after_a_start_waits_for_the_keyring_alone(self):
        self.world.stop_daemon()
        self.stop(self.world.sandbox.process.pid)
        self.world.start_daemon()
        self.assertEqual(wait_for(self.fetch_or_none, 20, 'the key'), self.key)

    def fetch_or_none(self):
        try:
            return self.world.fetch('crm', self.bus)
        except Exception as error:
            self.assertIn('Keyring', getattr(error, 'name', ''), error)  # not asked for its state yet
            return None

    def refused(self, fd, says):
        error = self.world.error_of('GetKeyToFd', 'sh', 'crm', 0, fds=[fd], bus=self.bus)
        self.assertEqual(error.name, INVALID)
        self.assertIn(says, error.text)

    def test_what_is_no_socket_is_refused(self):
        with tempfile.TemporaryFile() as file:
            self.refused(file.fileno(), NO_SOCKET)
            self.assertEqual(os.fstat(file.fileno()).st_size, 0)
        memory = os.memfd_create('key')
        self.refused(memory, NO_SOCKET)
        self.assertEqual(os.fstat(memory).st_size, 0)
        os.close(memory)
        path = os.open('/dev', os.O_PATH)
        self.refused(path, NO_SOCKET)
        os.close(path)

    def test_pipes_are_refused(self):
        """Whoever sees one pass can open it anew; and who reads it can keep whoever splices into it waiting."""
        read_end, write_end = os.pipe2(os.O_NONBLOCK)
        for end in (read_end, write_end):
            self.refused(end, 'keyturn get')
        os.close(write_end)
        wait_for(lambda: self.has_ended(read_end), what='the end of the pipe')
        os.close(read_end)

    def has_ended(self, read_end):
        """Whether nobody can write into it any more; nothing was."""
        try:
            self.assertEqual(os.read(read_end, 1), b'')
        except BlockingIOError:
            return False
        return True

    def test_sockets_of_the_network_are_refused(self):
        with socket.create_server(('127.0.0.1', 0)) as server, \
                socket.create_connection(server.getsockname()) as theirs:
            ours, _ = server.accept()
            self.refused(theirs.fileno(), NO_SOCKET)
            ours.setblocking(False)
            self.assertRaises(BlockingIOError, ours.recv, 1)
            ours.close()

    def test_sockets_without_a_peer_are_refused(self):
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET):
            with socket.socket(socket.AF_UNIX, kind) as alone:
                self.refused(alone.fileno(), NO_SOCKET)
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind('')
            listening.listen()
            self.refused(listening.fileno(), NO_SOCKET)

    def test_all_kinds_of_pairs_take_a_key(self):
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET):
            self.assertEqual(self.world.fetch_by_socket('crm', self.bus, kind), (self.key, 1))

    def test_a_full_socket_is_refused_and_not_waited_for(self):
        for blocking in (True, False):
            ours, theirs = socket.socketpair(type=socket.SOCK_SEQPACKET)
            theirs.setblocking(False)
            with self.assertRaises(BlockingIOError):
                while True:
                    theirs.send(bytes(4096))
            theirs.setblocking(blocking)
            self.refused(theirs.fileno(), 'takes no key')
            self.assertEqual(theirs.getblocking(), blocking, 'the flags of the caller stay')
            ours.close()
            self.refused(theirs.fileno(), 'takes no key')
            theirs.close()
        self.assertEqual(self.world.fetch('crm', self.bus), self.key)

    def test_the_key_comes_whole_and_alone(self):
        ours, lent = socket.socketpair()
        with ours:
            with lent:
                self.bus.call(KEYTURN, KEYTURN_PATH, MANAGER, 'GetKeyToFd', 'sh', 'crm', 0, fds=[lent.fileno()])
            self.assertEqual(ours.recv(4096), self.key.encode())
            self.assertEqual(ours.recv(4096), b'', 'keyturnd keeps no copy: it has an end')

    def open_key(self, bus=None):
        """(what is in the socket that OpenKey answers with, to its end; generation)"""
        read_end, generation = (bus or self.bus).call(KEYTURN, KEYTURN_PATH, MANAGER, 'OpenKey', 's', 'crm')
        with open(read_end, 'rb') as end:
            return end.read().decode(), generation

    def test_a_key_comes_out_of_a_socket(self):
        with self.world.connect() as bus:
            self.assertEqual(self.open_key(bus), (self.key, 1))
            self.assertEqual(self.open_key(bus), (self.key, 1))
            holder, = self.world.manager('GetHolders', 's', 'crm')
            self.assertEqual((holder['Pid'], holder['Count']), (os.getpid(), 3), 'it is a fetch like any other')
        self.assertEqual(self.world.error_of('OpenKey', 's', 'nobody').name,
                         'org.keyturn1.Error.NoSuchIntegration')

    def test_no_descriptors_are_left_behind(self):
        def count():
            return len(os.listdir(f'/proc/{self.world.daemon.pid}/fd'))
        self.world.fetch_by_socket('crm', self.bus)
        before = count()
        for _ in range(50):
            self.world.fetch_by_socket('crm', self.bus)
            self.open_key()
            self.test_pipes_are_refused()
        wait_for(lambda: count() <= before, what='closed descriptors')

    def test_a_caller_that_goes_at_once(self):
        for _ in range(20):
            with self.world.connect() as bus:
                bus.start_call(KEYTURN, KEYTURN_PATH, MANAGER, 'GetKey', 's', 'crm')
        self.assertEqual(self.world.fetch('crm', self.bus), self.key)

    def test_fetches_are_counted(self):
        for _ in range(5):
            self.world.fetch('crm', self.bus)
        holder, = self.world.manager('GetHolders', 's', 'crm')
        self.assertEqual((holder['Pid'], holder['Kind'], holder['Generation'], holder['Count'], holder['Alive']),
                         (os.getpid(), 'process', 1, 6, True))
        self.assertEqual(holder['Uid'], os.getuid())
        self.assertLess(abs(holder['LastAt'] / 10**6 - time.time()), 60)
        self.assertEqual(len(self.world.history('crm', 'fetched')), 1)
        self.world.stop_daemon()
        self.world.start_daemon()
        self.assertEqual(self.world.manager('GetHolders', 's', 'crm'), [holder], 'it is on disk')

    def test_a_hundred_callers(self):
        keys, connections = [], [self.world.connect() for _ in range(100)]
        calls = [bus.start_call(KEYTURN, KEYTURN_PATH, MANAGER, 'GetKey', 's', 'crm') for bus in connections]
        for bus, call in zip(connections, calls):
            keys.append(bus.wait_reply(call))
            bus.close()
        self.assertEqual(keys, [self.key] * 100)


class SystemMode(unittest.TestCase):
    def test_no_descriptor_is_taken(self):
        """On a bus without keyturnd's policy, which keeps such a call away."""
        world = self.enterContext(Running(keyring=False, login=False))
        world.stop_daemon()
        world.start_daemon('--system', env={'DBUS_SYSTEM_BUS_ADDRESS': world.address})
        self.assertEqual(world.bus.get(KEYTURN, KEYTURN_PATH, MANAGER, 'Mode'), 'system')
        ours, lent = socket.socketpair()
        with ours, lent:
            error = world.error_of('GetKeyToFd', 'sh', 'crm', 0, fds=[lent.fileno()])
        self.assertEqual(error.name, 'org.freedesktop.DBus.Error.AccessDenied')
        self.assertIn('call OpenKey', error.text)


if __name__ == '__main__':
    unittest.main()
