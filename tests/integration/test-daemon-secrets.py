#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""No secret lies about: not in files, logs, command lines, environments, nor in what a monitor of the bus can read."""
import contextlib
import os
import pathlib
import subprocess
import sys
import threading
import time
import unittest

from running import Running
from wire import DESTINATION, MEMBER, SENDER
from world import SECRETS, wait_for


class Monitor(threading.Thread):
    """Somebody of the same user who reads all that passes over the bus, and out of every descriptor with it."""

    def __init__(self, world):
        super().__init__(daemon=True)
        self.seen, self.taken, self.members, self.descriptors = bytearray(), bytearray(), set(), []
        self.lock = threading.Lock()
        self.going = True
        self.bus = world.connect()
        self.bus.call('org.freedesktop.DBus', '/org/freedesktop/DBus', 'org.freedesktop.DBus.Monitoring',
                      'BecomeMonitor', 'asu', [], 0)
        self.keyring = world.bus.ask_bus('GetNameOwner', 's', SECRETS)
        self.bus.sock.settimeout(0.02)

    def run(self):
        while self.going:
            with contextlib.suppress(TimeoutError):
                self.listen()
            self.read_descriptors()

    def listen(self):
        message = self.bus.receive()
        # The test itself asks the keyring in plain text; that is between it and the keyring.
        if not {self.keyring, SECRETS} & {message.fields.get(SENDER), message.fields.get(DESTINATION)}:
            self.seen += repr((message.fields, message.body)).encode()
            self.members.add(message.fields.get(MEMBER))
        self.descriptors += message.fds
        for fd in message.fds:
            os.set_blocking(fd, False)

    def read_descriptors(self):
        """Reads whatever can be read, a memfd from its beginning too."""
        for fd in self.descriptors:
            with contextlib.suppress(OSError):
                self.taken += os.read(fd, 65536)
            with contextlib.suppress(OSError):
                self.taken += os.pread(fd, 65536, 0)

    def end(self):
        self.going = False
        self.join(10)
        for fd in self.descriptors:
            os.close(fd)
        self.bus.close()


class Watcher(threading.Thread):
    """Reads the command line and environment of every process of this world, all the time."""

    def __init__(self, programs):
        super().__init__(daemon=True)
        self.programs, self.seen, self.names, self.going = programs, bytearray(), set(), True

    def run(self):
        while self.going:
            for pid in filter(str.isdigit, os.listdir('/proc')):
                self.look(pid)
            time.sleep(0.001)

    def look(self, pid):
        with contextlib.suppress(OSError):
            line = pathlib.Path(f'/proc/{pid}/cmdline').read_bytes()
            name = os.path.basename(line.split(b'\0')[0]).decode()
            if name in self.programs:
                self.names.add(name)
                self.seen += line
                self.seen += pathlib.Path(f'/proc/{pid}/environ').read_bytes()

    def end(self):
        self.going = False
        self.join(10)


class Secrets(unittest.TestCase):
    def setUp(self):
        self.world = self.enterContext(Running(login=False))
        self.secrets = {self.world.sandbox.management_key(e).encode() for e in ('test', 'live')}

    def live_through_everything(self):
        """login, add, import, get, exec, and a rotation; every secret of it is remembered."""
        world = self.world
        world.login()
        world.add('crm', '--delivery', 'pipe')
        self.secrets.add(world.keyturn('get', 'crm').stdout.encode())
        world.add('taken', '--no-issue')
        made = world.sandbox.create_key('made', permissions=['contacts:read'])
        self.secrets.add(made['key'].encode())
        world.keyturn('import', 'taken', stdin=made['key'])
        world.keyturn('exec', 'crm', '--', 'true')
        world.keyturn('rotate', 'crm', '--wait')
        world.keyturn('rotate', 'taken', '--compromised', '--wait')
        for name in ('crm', 'taken'):
            self.secrets.add(world.keyturn('get', name).stdout.encode())
        self.secrets |= {secret for _, _, secret in world.items()}
        self.assertGreaterEqual(len(self.secrets), 6)

    def check_none_in(self, data, where):
        for secret in self.secrets:
            # Neither whole nor in part: 12 characters behind the prefix are no chance.
            for part in (secret, secret[8:20], secret[-16:]):
                self.assertNotIn(part, data, where)

    def test_files(self):
        self.live_through_everything()
        own = self.world.root / 'run' / 'sandbox-management-keys'
        files = [p for p in self.world.root.rglob('*') if p.is_file() and p != own]
        names = {p.name for p in files}
        self.assertLessEqual({'ledger.db', 'ledger.db-wal', 'keyturnd', 'crm.conf', 'keyturn.conf'}, names)
        for path in files:
            self.check_none_in(path.read_bytes(), path)
        self.world.stop_daemon()
        for path in self.world.state.rglob('*'):
            self.check_none_in(path.read_bytes(), path)
            self.assertEqual(path.stat().st_mode & 0o077, 0, path)

    def test_histories_and_output(self):
        self.live_through_everything()
        for verb in (['log'], ['list'], ['status'], ['status', 'crm'], ['--json', 'status', 'crm'], ['metrics'],
                     ['due'], ['--json', 'log'], ['--json', 'list']):
            done = self.world.keyturn(*verb)
            self.check_none_in((done.stdout + done.stderr).encode(), verb)
        self.check_none_in(repr(self.world.history()).encode(), 'GetHistory')

    def test_command_lines_and_environments(self):
        programs = {'keyturnd', 'keyturn-huechat', 'keyturn-secret-service', 'keyturn', 'keyturn-sandbox'}
        watcher = Watcher(programs)
        watcher.start()
        try:
            self.live_through_everything()
        finally:
            watcher.end()
        self.assertEqual(watcher.names, programs)
        self.check_none_in(watcher.seen, 'a command line or an environment')

    def test_a_monitor_of_the_bus(self):
        monitor = Monitor(self.world)
        monitor.start()
        try:
            self.live_through_everything()
            time.sleep(0.5)
        finally:
            monitor.end()
        self.assertLessEqual({'GetKeyToFd', 'OpenUpload', 'ImportKey', 'SetManagementKey', 'KeyChanged'},
                             monitor.members)
        self.assertGreaterEqual(len(monitor.descriptors), 6)
        self.check_none_in(monitor.seen, 'a message')
        self.check_none_in(monitor.taken, 'a descriptor')

    def test_a_monitor_sees_strings(self):
        """GetKey is the documented exception; so this monitor is one that would have seen the others."""
        self.world.login()
        self.world.add('plain')
        monitor = Monitor(self.world)
        monitor.start()
        key = self.world.fetch('plain')
        wait_for(lambda: key.encode() in monitor.seen, what='the monitor to see the key')
        monitor.end()
        read_end, write_end = os.pipe()
        os.write(write_end, b'x')
        monitor.descriptors = [read_end]
        monitor.read_descriptors()
        self.assertEqual(monitor.taken, b'x')
        os.close(read_end)
        os.close(write_end)

    def test_pipe_only(self):
        self.world.login()
        self.world.add('crm', '--delivery', 'pipe')
        error = self.world.error_of('GetKey', 's', 'crm')
        self.assertEqual(error.name, 'org.freedesktop.DBus.Error.AccessDenied')
        self.assertIn('GetKeyToFd', error.text)
        # Whoever monitors the bus could take it out of what comes.
        error = self.world.error_of('OpenKey', 's', 'crm')
        self.assertEqual(error.name, 'org.freedesktop.DBus.Error.AccessDenied')
        self.assertIn('GetKeyToFd', error.text)
        key, generation = self.world.fetch_by_socket('crm')
        self.assertEqual((self.world.probe(key), generation), (200, 1))

    def test_memory_is_hidden(self):
        # Root may read everything by its capabilities: without them it is a user like others.
        self.plainly = ['setpriv', '--bounding-set=-all', '--inh-caps=-all'] if os.getuid() == 0 else []
        arguments = self.world.daemon.args
        self.world.stop_daemon()
        self.world.daemon = self.world.spawn('keyturnd', [*self.plainly, *arguments])
        wait_for(self.world.daemon_answers, 20, 'keyturnd on the bus')
        self.world.login()
        self.world.add('crm')
        pids = {'keyturnd': self.world.daemon.pid} | self.world.children()
        self.assertLessEqual({'keyturnd', 'keyturn-huechat', 'keyturn-secret-service'}, set(pids))
        for name, pid in pids.items():
            limits = pathlib.Path(f'/proc/{pid}/limits').read_text()
            core = [line.split()[4:6] for line in limits.splitlines() if line.startswith('Max core file size')]
            self.assertEqual(core, [['0', '0']], name)
            self.assertFalse(self.can_be_read(pid), name)
        other = self.world.spawn('other', [*self.plainly, 'sleep', '60'])
        self.assertTrue(wait_for(lambda: self.can_be_read(other.pid), what='a process that does not hide'))

    def can_be_read(self, pid):
        """Whether a process of the same user gets at its memory."""
        program = f'import os; os.open("/proc/{pid}/mem", os.O_RDONLY)'
        return subprocess.run([*self.plainly, sys.executable, '-c', program], stderr=subprocess.DEVNULL,
                              check=False).returncode == 0

    def test_errors(self):
        """A refused key is not repeated to whoever sent it."""
        self.world.login()
        self.world.add('empty', '--no-issue')
        self.secrets = {b'sk_test_wrong0123456789wrong', b'sk_live_wrong0123456789wrong', b'sk_prod_wrong0123456789'}
        for secret in self.secrets:
            done = self.world.keyturn('import', 'empty', stdin=secret.decode(), check=False)
            self.assertEqual(done.returncode, 1)
            self.check_none_in(done.stderr.encode(), 'an error')
        self.check_none_in(self.world.log('keyturnd').encode(), 'the log')


if __name__ == '__main__':
    unittest.main()
