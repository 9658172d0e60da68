# SPDX-License-Identifier: LGPL-2.1-or-later
"""A full disk, a state directory that can't be written, a keyring that locks behind the POST, and a helper that is
killed in mid-call: rotations wait, and nothing is lost or left.

--long (or KEYTURN_LONG=1): at more instants.
"""
import ctypes
import os
import signal
import sys
import time
import unittest

from survival import Account, Watch
from world import wait_for

LONG = '--long' in sys.argv or os.environ.get('KEYTURN_LONG') == '1'
CLONE_NEWNS, MS_RDONLY, MS_REMOUNT, MS_REC, MS_PRIVATE = 0x20000, 1, 32, 0x4000, 0x40000
_libc = ctypes.CDLL(None, use_errno=True)


def mount(source, target, kind, flags=0, data=None):
    if _libc.mount(source.encode(), str(target).encode(), kind.encode(), flags, data.encode() if data else None) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(target))


class SmallDisk:
    """A tmpfs of 16 MiB in the state directory's place, in a mount namespace of the test's own.

    The ledger's log alone may take four.
    """

    def __init__(self, path):
        self.path = path

    def __enter__(self):
        mount('tmpfs', self.path, 'tmpfs', data='size=16m,mode=0700')
        return self

    def __exit__(self, *exc):
        _libc.umount2(str(self.path).encode(), 2)

    def fill(self):
        """To the last byte; returns what to remove again."""
        ballast = self.path / 'ballast'
        with open(ballast, 'ab', buffering=0) as file:
            for size in (65536, 4096, 1):
                try:
                    while True:
                        file.write(b'x' * size)
                except OSError:
                    pass
        return ballast

    def set_read_only(self, yes):
        mount('tmpfs', self.path, 'tmpfs', MS_REMOUNT | (MS_RDONLY if yes else 0), data='size=16m,mode=0700')


class Hardship(unittest.TestCase):
    def enter(self, account):
        account.__enter__()
        self.addCleanup(account.close)
        if 'KEYTURN_SHOW_LOGS' in os.environ:
            self.addCleanup(account.show_logs)
        return account

    def begin(self, account, name='crm', overlap='1s'):
        account.insist('add', name, '--env', 'test', '--scope', 'contacts:read', '--overlap', overlap)
        account.surround(name)

    def finish(self, account, watch, name='crm', generation=2, timeout=60):
        """To the end, started anew where a back-off would be long; each time it is given longer to come up."""
        deadline, patience = time.monotonic() + timeout, 1.2
        while account.look_up(name)['RotationState'] != 'idle':
            self.assertLess(time.monotonic(), deadline, account.look_up(name))
            time.sleep(patience)
            patience *= 1.2
            if account.look_up(name)['RotationState'] not in ('idle', 'draining'):
                account.revive()
        self.assertEqual(account.look_up(name)['Generation'], generation)
        self.assertEqual(account.verdict(name) + watch.violations, [])

    # The disk

    def small_disk(self, account):
        if os.geteuid() != 0:
            self.skipTest('only root can mount a small disk')
        if _libc.unshare(CLONE_NEWNS) != 0:
            self.skipTest('no mount namespace to be had here')
        mount('none', '/', '', MS_REC | MS_PRIVATE)
        account.bury()
        disk = SmallDisk(account.state)
        disk.__enter__()
        self.addCleanup(disk.__exit__)
        account.revive()
        account.login()
        return disk

    def suffer(self, account, hurt, heal):
        """Rotations that meet an unwritable ledger in every state; what was not on disk was not done."""
        for n in range(6 if LONG else 3):
            name = f'crm-{n}'
            self.begin(account, name)
            with Watch(account, name) as watch:
                account.sandbox.set_faults(*({'call': call, 'fault': 'delay'} for call in ('get', 'create', 'probe')))
                account.keyturn('rotate', name)
                time.sleep(n * (0.8 if LONG else 1.3))
                hurt()
                time.sleep(0.5)
                before = len(account.sandbox.keys())
                refused = account.keyturn('rotate', name, check=False)
                self.assertNotEqual(refused.returncode, 0)
                self.assertTrue(account.alive_now(), account.log('keyturnd')[-1000:])
                account.fetch_by_socket(name)
                time.sleep(0.5)
                self.assertEqual(len(account.sandbox.keys()), before, 'a key was created without its intent on disk')
                heal()
                account.sandbox.set_faults()
                self.finish(account, watch, name)

    def test_full_disk(self):
        account = self.enter(Account(api='Timeout=3s'))
        disk = self.small_disk(account)
        self.suffer(account, disk.fill, lambda: (account.state / 'ballast').unlink())

    def test_full_disk_at_the_start(self):
        account = self.enter(Account())
        disk = self.small_disk(account)
        self.begin(account)
        account.bury()
        ballast = disk.fill()
        account.revive()
        with Watch(account, 'crm') as watch:
            wait_for(lambda: watch.fetches > 0, what='the key')
            self.assertIn('make room', account.keyturn('rotate', 'crm', check=False).stderr)
            ballast.unlink()
            account.insist('rotate', 'crm')
            self.finish(account, watch)

    def test_read_only_state_directory(self):
        account = self.enter(Account())
        disk = self.small_disk(account)
        self.begin(account)
        disk_is_busy = False
        try:
            disk.set_read_only(True)
            disk.set_read_only(False)
        except OSError:
            disk_is_busy = True  # keyturnd writes there
        if disk_is_busy:
            account.bury()
            disk.set_read_only(True)
            with self.assertRaises(AssertionError):
                account.start_daemon(timeout=3)
            self.assertIn('writable', account.log('keyturnd')[-500:])
            disk.set_read_only(False)
            account.revive()
            with Watch(account, 'crm') as watch:
                account.insist('rotate', 'crm')
                self.finish(account, watch)
        else:
            self.suffer(account, lambda: disk.set_read_only(True), lambda: disk.set_read_only(False))

    # The keyring

    def test_keyring_that_locks_behind_the_post(self):
        """The new secret is kept in memory until it can be stored, and no other key is made."""
        account = self.enter(Account(api='Timeout=5s'))
        self.begin(account)
        with Watch(account, 'crm') as watch:
            account.sandbox.set_faults({'call': 'create', 'fault': 'delay', 'seconds': 1})
            account.keyturn('rotate', 'crm')
            wait_for(lambda: len(account.sandbox.keys(valid=True)) >
                     len(account.foreign) + 3, what='the POST')
            account.lock_keyring()
            time.sleep(2)
            self.assertEqual(account.look_up('crm')['RotationState'], 'creating')
            account.unlock_keyring()
            self.finish(account, watch)
            posts = [r for r in account.sandbox.requests('POST', '/v2/api-keys')]
            self.assertEqual(len(posts), 2)

    def test_keyring_that_locks_behind_the_post_and_a_kill(self):
        """The secret is lost with the process: its key is deleted, and another one made."""
        account = self.enter(Account(api='Timeout=5s'))
        self.begin(account)
        with Watch(account, 'crm') as watch:
            account.sandbox.set_faults({'call': 'create', 'fault': 'delay', 'seconds': 1})
            account.keyturn('rotate', 'crm')
            wait_for(lambda: len(account.sandbox.keys(valid=True)) >
                     len(account.foreign) + 3, what='the POST')
            account.lock_keyring()
            time.sleep(1.2)
            account.revive()
            account.unlock_keyring()
            self.finish(account, watch, timeout=100)

    # The helpers

    def test_helper_that_is_killed_in_mid_call(self):
        """In each call of a rotation, whether HueChat did it or not."""
        account = self.enter(Account(api='Timeout=2s'))
        for n, (call, did) in enumerate((c, d) for c in ('get', 'create', 'probe', 'list', 'delete')
                                        for d in ('delay', 'commit-late')):
            name = f'crm-{n}'
            with self.subTest(call=call, fault=did):
                self.begin(account, name)
                before = len(account.sandbox.requests())
                with Watch(account, name) as watch:
                    account.sandbox.set_faults({'call': call, 'fault': did, 'seconds': 1})
                    account.keyturn('rotate', name)
                    wait_for(lambda: not account.sandbox.faults_left(), what=f'the {call}')
                    helper = account.children().get('keyturn-huechat')
                    if helper:
                        os.kill(helper, signal.SIGKILL)
                    self.finish(account, watch, name)

    def test_keyring_helper_that_is_killed(self):
        account = self.enter(Account())
        self.begin(account)
        with Watch(account, 'crm') as watch:
            account.keyturn('rotate', 'crm')
            for _ in range(40):
                helper = account.children().get('keyturn-secret-service')
                if helper:
                    os.kill(helper, signal.SIGKILL)
                time.sleep(0.01)
            self.finish(account, watch)


if __name__ == '__main__':
    unittest.main(argv=[a for a in sys.argv if a != '--long'])
