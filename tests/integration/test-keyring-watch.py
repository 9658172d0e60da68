# SPDX-License-Identifier: LGPL-2.1-or-later
"""keyturnd's view of a real keyring that is locked, unlocked, killed, deleted, or on a bus that restarts."""
import os
import signal
import unittest

from driver import Driver
from world import World, build_root, wait_for

SECRET = 'sk_test_0123456789xyz'


class WatchTest(unittest.TestCase):
    activatable = False

    def setUp(self):
        self.world = World(activatable=self.activatable)
        self.world.__enter__()
        self.addCleanup(self.world.__exit__, None, None, None)

    def start(self):
        self.driver = Driver(self.world, 'drive-keyring', build_root() / 'daemon' / 'keyturn-secret-service')
        self.addCleanup(self.driver.end)
        return self.driver


class KeyringTest(WatchTest):
    def test_lock_and_unlock_are_told_once_each(self):
        self.world.start_keyring()
        driver = self.start()
        driver.expect('state unlocked')
        for _ in range(3):
            self.world.lock_keyring()
            driver.expect('state locked')
            self.world.unlock_keyring()
            driver.expect('state unlocked')
        driver.expect_nothing()

    def test_a_keyring_that_comes_goes_and_comes_back(self):
        driver = self.start()
        driver.expect('state absent')
        driver.expect_nothing()
        self.world.start_keyring()
        driver.expect('state unlocked')
        driver.ask(f'store crm key_1 {SECRET}', 'done ')
        self.world.kill_keyring()
        driver.expect('state absent')
        driver.command('load crm key_1')
        self.assertRegex(driver.next(), '^done EAGAIN: ')
        self.world.start_keyring()
        driver.expect('state unlocked')
        driver.ask('load crm key_1', f'done {SECRET}')

    def test_the_bus_restarts(self):
        self.world.start_keyring()
        driver = self.start()
        driver.expect('state unlocked')
        self.world.kill_keyring()
        driver.expect('state absent')
        self.world.restart_bus()
        self.world.start_keyring()
        driver.expect('state unlocked', 40)
        driver.ask('check', 'done ')

    def test_the_collection_is_deleted(self):
        self.world.start_keyring()
        driver = self.start()
        driver.expect('state unlocked')
        self.world.delete_collection()
        driver.expect('state absent')
        driver.command('check')
        self.assertRegex(driver.next(), '^done EAGAIN: ')

    def test_calls(self):
        self.world.start_keyring()
        driver = self.start()
        driver.expect('state unlocked')
        driver.command('load crm key_1')
        self.assertRegex(driver.next(), '^done ENOKEY: ')
        driver.ask(f'store crm key_1 {SECRET}', 'done ')
        driver.ask('load crm key_1', f'done {SECRET}')
        self.world.add_item('management', {'management': 'live'}, b'sk_live_0123456789abc')
        driver.command('all')
        told = sorted([driver.next(), driver.next()])
        self.assertEqual(told, [f'item crm test {SECRET}', 'item management live sk_live_0123456789abc'])
        driver.expect('done ')
        self.assertIn('keyturn: crm (…9xyz)', [label for label, _, _ in self.world.items()])
        driver.ask('erase crm key_1', 'done ')
        driver.ask('check', 'done ')
        self.assertEqual(len(self.world.items()), 1)

    def test_locked_calls_wait(self):
        self.world.start_keyring()
        driver = self.start()
        driver.expect('state unlocked')
        self.world.lock_keyring()
        driver.expect('state locked')
        for command in ('load crm key_1', f'store crm key_1 {SECRET}', 'erase crm key_1', 'all', 'check'):
            driver.command(command)
            self.assertRegex(driver.next(), '^done EAGAIN: ')
        self.world.unlock_keyring()
        driver.expect('state unlocked')

    def test_a_killed_helper_is_replaced(self):
        self.world.start_keyring()
        driver = self.start()
        driver.expect('state unlocked')
        driver.ask(f'store crm key_1 {SECRET}', 'done ')
        first, = driver.helpers()
        os.kill(first, signal.SIGKILL)
        wait_for(lambda: not driver.helpers(), what='the helper to be reaped')
        driver.ask('load crm key_1', f'done {SECRET}')
        self.assertNotEqual(driver.helpers(), [first])
        # One that is stopped in mid-call and killed there: the call is made again.
        second, = driver.helpers()
        os.kill(second, signal.SIGSTOP)
        driver.command('load crm key_1')
        driver.expect_nothing()
        os.kill(second, signal.SIGKILL)
        driver.expect(f'done {SECRET}')

    def test_helpers_end_with_it(self):
        self.world.start_keyring()
        driver = self.start()
        driver.expect('state unlocked')
        driver.ask('check', 'done ')
        helper, = driver.helpers()
        driver.process.kill()
        driver.process.wait(10)
        wait_for(lambda: not os.path.exists(f'/proc/{helper}'), what='the helper to end')


class DormantTest(WatchTest):
    activatable = True

    def test_watching_starts_nothing_and_a_load_does(self):
        driver = self.start()
        driver.expect('state unlocked')
        driver.expect_nothing(1)
        self.assertFalse(self.world.owned('org.freedesktop.secrets'))
        driver.command('load crm key_1')
        told = [driver.next(), driver.next()]
        self.assertIn('state absent', told)
        self.assertRegex(sorted(told)[0], '^done EAGAIN: ')
        self.assertTrue(self.world.owned('org.freedesktop.secrets'))


if __name__ == '__main__':
    unittest.main()
