#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Helper processes: replaced when they die, ended with their daemon, and never there twice."""
import os
import signal
import time
import unittest

from running import Running
from world import wait_for

KEYRING, HUECHAT = 'keyturn-secret-service', 'keyturn-huechat'


def is_alive(pid):
    try:
        with open(f'/proc/{pid}/stat', encoding='ascii') as stat:
            return stat.read().rsplit(')', 1)[1].split()[0] != 'Z'
    except (FileNotFoundError, ProcessLookupError):
        return False


class Helpers(unittest.TestCase):
    def setUp(self):
        self.world = self.enterContext(Running())
        self.world.add('crm')
        self.world.wait_state('crm', 'idle')
        self.key = self.world.keyturn('get', 'crm').stdout

    def kill(self, name):
        pid = self.world.children()[name]
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: not is_alive(pid), what=f'the end of {name}')
        return pid

    def rotate(self):
        self.world.keyturn('rotate', 'crm', '--wait')
        crm = self.world.integration('crm')
        self.assertEqual(self.world.last4s(), [crm['Last4']])
        self.assertEqual(self.world.probe(self.world.keyturn('get', 'crm').stdout), 200)

    def test_killed_between_calls(self):
        for name in (KEYRING, HUECHAT):
            old = self.kill(name)
            self.assertEqual(self.world.keyturn('get', 'crm').stdout, self.key)
            self.rotate()
            self.key = self.world.keyturn('get', 'crm').stdout
            self.assertNotEqual(self.world.children()[name], old)

    def test_killed_in_the_middle_of_a_create(self):
        self.world.sandbox.set_faults({'call': 'create', 'fault': 'delay', 'seconds': 2})
        self.world.manager('Rotate', 'sa{sv}', 'crm', {})
        wait_for(lambda: len(self.world.last4s()) == 2, 20, 'the create at HueChat')
        self.kill(HUECHAT)
        wait_for(lambda: self.key[-4:] not in self.world.last4s(), 60, 'the old key to go')
        crm = self.world.wait_key('crm', 60)
        self.assertEqual(self.world.last4s(), [crm['Last4']], 'the key that was lost is deleted')
        self.assertIn('reconciling', self.world.log('keyturnd'))

    def test_killed_again_and_again(self):
        until = time.monotonic() + 4
        self.world.manager('Rotate', 'sa{sv}', 'crm', {})
        while time.monotonic() < until:
            for pid in self.world.children().values():
                os.kill(pid, signal.SIGKILL)
            self.assertTrue(self.world.keyturn('get', 'crm').stdout.startswith('sk_test_'))
            time.sleep(0.2)
        wait_for(lambda: self.key[-4:] not in self.world.last4s(), 60, 'the old key to go')
        crm = self.world.wait_key('crm', 60)
        self.assertEqual(self.world.last4s(), [crm['Last4']])

    def test_a_helper_that_hangs_is_replaced(self):
        """The keyring's has a deadline on each call."""
        pid = self.world.children()[KEYRING]
        os.kill(pid, signal.SIGSTOP)
        self.world.manager('Rotate', 'sa{sv}', 'crm', {})
        wait_for(lambda: not is_alive(pid), 55, 'the helper that hangs to be ended')
        wait_for(lambda: self.key[-4:] not in self.world.last4s(), 30, 'the old key to go')

    def test_they_die_with_a_daemon_that_is_killed(self):
        helpers = self.world.children()
        self.assertEqual(set(helpers), {KEYRING, HUECHAT})
        self.world.stop_daemon(signal.SIGKILL)
        wait_for(lambda: not any(map(is_alive, helpers.values())), 10, 'the end of the helpers')
        self.world.start_daemon()
        wait_for(lambda: self.world.keyturn('get', 'crm', check=False).stdout == self.key, 20, 'the key')
        self.rotate()

    def test_they_die_with_a_daemon_that_stops(self):
        helpers = self.world.children()
        self.assertEqual(self.world.stop_daemon(), 0)
        wait_for(lambda: not any(map(is_alive, helpers.values())), 10, 'the end of the helpers')


if __name__ == '__main__':
    unittest.main()
