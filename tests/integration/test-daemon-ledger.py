#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The ledger is damaged, lost, too new, or in use: what keyturnd makes of it."""
import os
import signal
import sqlite3
import subprocess
import unittest

from running import Running
from world import build_root, wait_for


class Ledger(unittest.TestCase):
    def setUp(self):
        self.world = self.enterContext(Running())
        self.world.add('crm')
        self.world.add('shop', scopes=('contacts:read', 'channels:read'))
        self.keys = {}
        for name in ('crm', 'shop'):
            self.world.wait_state(name, 'idle')
            self.keys[name] = self.world.keyturn('get', name).stdout
        self.ledger = self.world.state / 'ledger.db'

    def stop(self):
        self.assertEqual(self.world.stop_daemon(), 0)

    def got(self, name):
        return self.world.keyturn('get', name, check=False).stdout

    def wait_rebuilt(self, keys):
        for name, key in keys.items():
            wait_for(lambda: self.got(name) == key, 30, f'the key of {name}')

    def check_usable(self):
        """Everything is as it was: the listing, the management key, and rotation."""
        for name, key in self.keys.items():
            found = self.world.integration(name)
            self.assertEqual((found['Last4'], found['Environment']), (key[-4:], 'test'))
            self.assertEqual(self.world.sandbox.keys(id=found['KeyId'])[0]['last4'], key[-4:])
        self.world.keyturn('rotate', 'crm', 'shop', '--wait')
        self.assertEqual(sorted(self.world.last4s()), sorted(self.got(n)[-4:] for n in self.keys))
        self.assertEqual(len(self.world.items()), 3)

    def test_it_is_found_again(self):
        before = [self.world.integration(n) for n in self.keys]
        self.stop()
        self.world.start_daemon()
        self.wait_rebuilt(self.keys)
        fetched = ('LastFetchedAt', 'LastFetchedBy')
        for old, name in zip(before, self.keys):
            new = self.world.integration(name)
            self.assertEqual({k: v for k, v in new.items() if k not in fetched},
                             {k: v for k, v in old.items() if k not in fetched})

    def damage(self):
        for path in self.world.state.glob('ledger.db-*'):
            path.unlink()
        data = bytearray(self.ledger.read_bytes()) if self.ledger.exists() else bytearray(8192)
        data[:2048] = os.urandom(2048)
        self.ledger.write_bytes(data)

    def test_damaged(self):
        self.stop()
        self.damage()
        self.world.start_daemon()
        self.wait_rebuilt(self.keys)
        self.check_said()
        aside = [p.name for p in self.world.state.iterdir() if p.name.startswith('ledger.db.') or 'damaged' in p.name]
        self.assertEqual(len(aside), 1, list(self.world.state.iterdir()))
        self.check_usable()

    def check_said(self):
        self.assertIn('the ledger was damaged and has been set aside', self.world.log('keyturnd'))
        history = self.world.keyturn('log').stdout
        self.assertIn('set aside', history)
        self.assertIn('taken back into the ledger', history)

    def test_lost(self):
        self.stop()
        for path in self.world.state.iterdir():
            path.unlink()
        self.world.start_daemon()
        self.wait_rebuilt(self.keys)
        self.assertIn('taken back into the ledger', self.world.keyturn('log').stdout)
        self.check_usable()

    def test_lost_in_the_middle_of_an_overlap(self):
        """Two keys are in the keyring: the newer one is current, and the older one retires."""
        self.world.sandbox.set_clock(5)  # its dates are whole seconds
        with self.world.holder('crm'):
            self.world.manager('Rotate', 'sa{sv}', 'crm', {})
            wait_for(lambda: self.got('crm') not in ('', self.keys['crm']), 30, 'the new key')
            new = self.got('crm')
            self.assertEqual(len(self.world.last4s()), 3)
            self.world.stop_daemon(signal.SIGKILL)
        for path in self.world.state.iterdir():
            path.unlink()
        self.world.start_daemon()
        self.wait_rebuilt(self.keys | {'crm': new})
        wait_for(lambda: len(self.world.last4s()) == 2, 40, 'the older key to go')
        self.assertEqual(self.world.wait_key('crm')['Last4'], new[-4:])
        self.assertEqual(sorted(self.world.last4s()), sorted([new[-4:], self.keys['shop'][-4:]]))

    def test_lost_with_everything_but_the_keyring(self):
        """Without files nobody knows what an integration may do: nothing is handed out, and nothing deleted."""
        self.stop()
        for path in [*self.world.state.iterdir(), *(self.world.config / 'integrations').iterdir()]:
            path.unlink()
        self.world.start_daemon()
        self.assertEqual(self.got('crm'), '')
        self.assertEqual(len(self.world.last4s()), 2)
        self.assertEqual(len(self.world.items()), 3)

    def start_and_fail(self):
        """keyturnd is started and ends in 1; the one line that it says is returned."""
        done = subprocess.run(self.world.daemon.args, env=self.world.env, capture_output=True, text=True,
                              timeout=30, check=False)
        self.assertEqual((done.returncode, done.stdout), (1, ''))
        self.assertRegex(done.stderr, r'\Akeyturnd: [^\n]+: [^\n]+\n\Z')
        return done.stderr

    def test_newer_than_this_keyturnd(self):
        self.stop()
        with sqlite3.connect(self.ledger) as db:
            db.execute('PRAGMA user_version = 9999')
        db.close()
        before = self.ledger.read_bytes()
        self.assertIn('newer', self.start_and_fail())
        self.assertEqual(self.ledger.read_bytes(), before)
        self.assertEqual([p.name for p in self.world.state.iterdir() if 'damaged' in p.name], [])

    def test_in_use(self):
        self.assertIn('another keyturnd', self.start_and_fail())
        self.assertEqual(self.got('crm'), self.keys['crm'])

    def test_the_name_is_taken(self):
        other = [*self.world.daemon.args, '--state', self.world.root / 'state' / 'other']
        done = subprocess.run([str(a) for a in other], env=self.world.env, capture_output=True, text=True,
                              timeout=30, check=False)
        self.assertEqual((done.returncode, done.stdout), (1, ''))
        self.assertIn('another keyturnd has it', done.stderr)
        self.assertEqual(self.got('crm'), self.keys['crm'])

    def test_a_folder_that_cant_be_made(self):
        self.stop()
        blocked = self.world.root / 'state' / 'file'
        blocked.write_text('')
        done = subprocess.run([str(build_root() / 'daemon' / 'keyturnd'), '--state', str(blocked / 'state')],
                              env=self.world.env, capture_output=True, text=True, timeout=30, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn(str(blocked), done.stderr)

    def test_killed_while_it_writes(self):
        self.world.manager('Rotate', 'sa{sv}', 'crm', {})
        for _ in range(5):
            self.world.stop_daemon(signal.SIGKILL)
            self.world.start_daemon()
        self.assertNotIn('damaged', self.world.log('keyturnd'))
        wait_for(lambda: self.keys['crm'][-4:] not in self.world.last4s(), 60, 'the old key to go')
        self.assertEqual(self.world.wait_key('crm')['Last4'], self.got('crm')[-4:])
        self.assertEqual(len(self.world.last4s()), 2)


if __name__ == '__main__':
    unittest.main()
