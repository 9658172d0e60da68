#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""keyturnd as a service manager sees it: notifications, watchdog, signals, exit codes."""
import os
import signal
import socket
import sqlite3
import subprocess
import time
import unittest

from running import Running
from world import KEYTURN, build_root, wait_for


class Notifications:
    """The socket that a service manager would make."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        self.seen = []

    def read(self):
        """All messages until now, each as a dictionary."""
        self.socket.setblocking(False)
        try:
            while True:
                text = self.socket.recv(4096).decode()
                self.seen.append(dict(line.split('=', 1) for line in text.splitlines()))
        except BlockingIOError:
            return self.seen

    def wait(self, name, value='1', count=1):
        return wait_for(lambda: [m for m in self.read() if m.get(name) == value][count - 1:], 20,
                        f'{name}={value}, {count} times')[0]


class Manners(unittest.TestCase):
    def setUp(self):
        self.world = self.enterContext(Running())
        self.world.add('crm')
        self.world.wait_state('crm', 'idle')
        self.world.stop_daemon()
        self.notifications = Notifications(self.world.root / 'run' / 'notify')
        self.addCleanup(self.notifications.socket.close)

    def start(self, **env):
        self.world.start_daemon(env={'NOTIFY_SOCKET': str(self.world.root / 'run' / 'notify')} | env)

    def order(self, *names):
        """The wanted notifications, in the order in which they came."""
        return [name for message in self.notifications.read() for name in message if name in names]

    def test_ready_means_that_it_can_be_used(self):
        self.start()
        message = self.notifications.wait('READY')
        self.assertRegex(message['STATUS'], r'^[A-Z]')
        self.assertEqual(self.world.keyturn('get', 'crm').stdout[-4:], self.world.last4s()[0])

    def test_ready_comes_with_the_name(self):
        self.notifications.socket.settimeout(20)
        self.world.daemon = self.world.spawn('keyturnd', self.world.daemon.args,
                                             env={'NOTIFY_SOCKET': str(self.world.root / 'run' / 'notify')})
        self.notifications.socket.recv(4096)
        self.assertTrue(self.world.owned(KEYTURN))

    def test_ready_waits_for_no_keyring(self):
        os.kill(self.world.keyring.pid, signal.SIGSTOP)
        self.start()
        self.notifications.wait('READY')
        os.kill(self.world.keyring.pid, signal.SIGCONT)

    def test_reloading_and_ready_again(self):
        self.start()
        self.notifications.wait('READY')
        self.world.daemon.send_signal(signal.SIGHUP)
        self.notifications.wait('READY', count=2)
        self.assertEqual(self.order('READY', 'RELOADING'), ['READY', 'RELOADING', 'READY'])

    def test_a_reload_tells_its_time(self):
        """Type=notify-reload of newer systemds wants the clock with it, and ignores the message otherwise."""
        self.start()
        self.world.daemon.send_signal(signal.SIGHUP)
        message = self.notifications.wait('RELOADING')
        now = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        self.assertLess(abs(now - int(message['MONOTONIC_USEC'])), 20 * 10**6)

    def test_the_watchdog_is_fed(self):
        self.start(WATCHDOG_USEC='1000000')
        self.notifications.wait('WATCHDOG', count=3)

    def test_a_stopped_daemon_feeds_no_watchdog(self):
        self.start(WATCHDOG_USEC='1000000')
        self.notifications.wait('WATCHDOG')
        self.world.daemon.send_signal(signal.SIGSTOP)
        time.sleep(0.2)
        before = len(self.notifications.read())
        time.sleep(2)
        self.assertEqual(len(self.notifications.read()), before)
        self.world.daemon.send_signal(signal.SIGCONT)

    def test_stopping(self):
        for sig in (signal.SIGTERM, signal.SIGINT):
            self.start()
            self.assertEqual(self.world.stop_daemon(sig), 0)
            self.notifications.wait('STOPPING')
        self.assertEqual(self.order('READY', 'STOPPING'), ['READY', 'STOPPING'] * 2)

    def test_what_was_gathered_is_written_at_the_end(self):
        self.start()
        wait_for(lambda: self.world.keyturn('get', 'crm', check=False).stdout, what='the key')
        for _ in range(7):
            self.world.fetch('crm')
        self.assertEqual(self.world.stop_daemon(), 0)
        with sqlite3.connect(self.world.state / 'ledger.db') as db:
            counts = dict(db.execute('SELECT pid, count FROM holders').fetchall())
        db.close()
        self.assertEqual(counts[os.getpid()], 7)

    def test_a_stop_in_the_middle_of_a_rotation(self):
        self.start()
        self.world.sandbox.set_faults({'call': 'create', 'fault': 'delay', 'seconds': 3})
        self.world.manager('Rotate', 'sa{sv}', 'crm', {})
        self.world.wait_state('crm', 'creating')
        began = time.monotonic()
        self.assertEqual(self.world.stop_daemon(), 0)
        self.assertLess(time.monotonic() - began, 10)
        self.start()
        crm = self.world.wait_key('crm', 60)
        wait_for(lambda: self.world.last4s() == [self.world.integration('crm')['Last4']], 60, 'one key alone')
        self.assertEqual(crm['Attention'], '')

    def test_open_calls_are_answered_at_the_end(self):
        self.start()
        self.world.sandbox.set_faults({'call': 'any', 'fault': 'delay', 'seconds': 20, 'count': 0})
        self.world.add('empty', '--no-issue')
        with subprocess.Popen([build_root() / 'client' / 'keyturn', 'import', 'empty'], env=self.world.env,
                              stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as client:
            client.stdin.write('sk_test_0123456789abcdefABCD\n')
            client.stdin.close()
            time.sleep(1)
            self.world.stop_daemon()
            self.assertEqual(client.wait(10), 1)
            self.assertRegex(client.stderr.read(), r'\Akeyturn: [^\n]+: [^\n]+\n\Z')

    def test_the_bus_goes(self):
        self.start()
        daemon = self.world.daemon
        self.world.restart_bus()
        self.assertEqual(daemon.wait(20), 1, 'so that it is started again')
        self.assertIn('the bus is gone', self.world.log('keyturnd'))

    def test_no_bus(self):
        self.world.kill(self.world.bus_process)
        done = self.run_daemon(*self.world.daemon.args[1:])
        self.assertEqual((done.returncode, done.stdout), (1, ''))
        self.assertRegex(done.stderr, r'\Akeyturnd: the bus [^\n]+: [^\n]+\n\Z')

    def run_daemon(self, *arguments):
        return subprocess.run([build_root() / 'daemon' / 'keyturnd', *arguments], env=self.world.env, text=True,
                              capture_output=True, timeout=30, check=False)

    def test_options(self):
        shown = self.run_daemon('--help')
        self.assertEqual((shown.returncode, shown.stderr), (0, ''))
        self.assertIn('--state DIR', shown.stdout)
        self.assertEqual(self.run_daemon('-h').stdout, shown.stdout)
        version = self.run_daemon('--version')
        self.assertEqual((version.returncode, version.stderr), (0, ''))
        self.assertRegex(version.stdout, r'\Akeyturnd [0-9]\S*\n\Z')
        for wrong in (['--frobnicate'], ['extra'], ['--state'], ['--user=yes']):
            done = self.run_daemon(*wrong)
            self.assertEqual((done.returncode, done.stdout), (2, ''), wrong)
            self.assertRegex(done.stderr, r'\A\S*keyturnd: [^\n]+\n\Z')


if __name__ == '__main__':
    unittest.main()
