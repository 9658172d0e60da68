#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The keyring locks, goes and comes back, and loses things; keyturnd goes on with what there is."""
import unittest

from running import Running
from wire import BusError
from world import KEYTURN, KEYTURN_PATH, MANAGER, SECRETS, wait_for

ERROR = 'org.keyturn1.Error.'


class Keyring(unittest.TestCase):
    def setUp(self):
        self.world = self.enterContext(Running())
        self.world.add('crm')
        self.world.wait_state('crm', 'idle')
        self.key = self.world.keyturn('get', 'crm').stdout

    def keyring_state(self):
        return self.world.bus.get(KEYTURN, KEYTURN_PATH, MANAGER, 'KeyringState')

    def wait_keyring(self, state):
        wait_for(lambda: self.keyring_state() == state, 40, f'a keyring that is {state}')

    def got(self):
        """What keyturn get prints: it ends at once, and a holder that lives would keep its key from deletion."""
        return self.world.keyturn('get', 'crm', check=False).stdout

    def is_handed_out(self):
        """The same key again, before long."""
        wait_for(lambda: self.got() == self.key, 40, 'the key')

    def is_refused(self, error):
        self.assertEqual(self.world.error_of('GetKey', 's', 'crm').name, ERROR + error)

    def test_locked_while_running(self):
        with self.world.watching('org.freedesktop.DBus.Properties') as bus:
            self.world.lock_keyring()
            self.wait_keyring('locked')
            change = bus.next_signal()
            while 'KeyringState' not in change.body[1]:
                change = bus.next_signal()
            self.assertEqual(change.body[:2], [MANAGER, {'KeyringState': 'locked'}])
        self.is_refused('KeyringLocked')
        self.assertRaisesRegex(BusError, 'KeyringLocked', self.world.fetch_by_socket, 'crm')
        self.world.unlock_keyring()
        self.wait_keyring('unlocked')
        self.is_handed_out()

    def test_locked_at_the_start(self):
        self.world.stop_daemon()
        self.world.lock_keyring()
        self.world.start_daemon()
        self.wait_keyring('locked')
        self.is_refused('KeyringLocked')
        self.assertEqual(self.world.integration('crm')['Last4'], self.key[-4:], 'the ledger needs no keyring')
        self.world.unlock_keyring()
        self.is_handed_out()

    def test_absent_at_the_start(self):
        self.world.stop_daemon()
        self.world.kill_keyring()
        self.world.start_daemon()
        self.wait_keyring('absent')
        self.is_refused('KeyringAbsent')
        self.world.start_keyring()
        self.is_handed_out()

    def test_killed_and_started_again(self):
        for _ in range(2):
            self.world.kill_keyring()
            self.wait_keyring('absent')
            self.is_refused('KeyringAbsent')
            self.world.start_keyring()
            self.is_handed_out()
        self.world.keyturn('rotate', 'crm', '--wait')
        self.assertEqual(self.world.probe(self.world.fetch('crm')), 200)

    def test_no_default_collection(self):
        self.world.delete_collection()
        self.wait_keyring('absent')
        self.is_refused('KeyringAbsent')

    def test_a_rotation_waits_for_a_locked_keyring(self):
        self.world.lock_keyring()
        self.wait_keyring('locked')
        self.world.manager('Rotate', 'sa{sv}', 'crm', {})
        self.assertNotEqual(self.world.rotation_state('crm'), 'held')
        self.assertEqual(self.world.sandbox.keys(type='test', deleted_at=None)[-1]['last4'], self.key[-4:],
                         'no key is made that could not be kept')
        self.world.unlock_keyring()
        wait_for(lambda: self.key[-4:] not in self.world.last4s(), 40, 'the old key to go')
        crm = self.world.wait_key('crm')
        self.assertEqual((crm['Generation'], self.world.last4s()), (2, [crm['Last4']]))

    def test_a_rotation_whose_keyring_locks_in_the_middle(self):
        """Between the answer with the new secret, and its place in the keyring."""
        self.world.sandbox.set_faults({'call': 'create', 'fault': 'delay', 'seconds': 2})
        self.world.manager('Rotate', 'sa{sv}', 'crm', {})
        self.world.wait_state('crm', 'creating')
        self.world.lock_keyring()
        wait_for(lambda: len(self.world.last4s()) == 2, 20, 'the new key')
        self.world.unlock_keyring()
        wait_for(lambda: self.key[-4:] not in self.world.last4s(), 40, 'the old key to go')
        crm = self.world.wait_key('crm')
        self.assertEqual(self.world.last4s(), [crm['Last4']])
        self.assertEqual(self.world.probe(self.world.fetch('crm')), 200)

    def lose_item(self):
        """Takes crm's key out of the keyring, behind keyturnd's back."""
        paths, _ = self.world.bus.call(SECRETS, '/org/freedesktop/secrets', 'org.freedesktop.Secret.Service',
                                       'SearchItems', 'a{ss}', {'integration': 'crm'})
        path, = paths
        self.world.bus.call(SECRETS, path, 'org.freedesktop.Secret.Item', 'Delete')

    def check_replaced(self):
        wait_for(lambda: self.key[-4:] not in self.world.last4s(), 40, 'the lost key to be replaced and deleted')
        crm = self.world.wait_key('crm')
        self.assertEqual((crm['Generation'], self.world.last4s()), (2, [crm['Last4']]))
        self.assertEqual(self.world.probe(self.world.fetch('crm')), 200)
        self.assertIn('lost', str(self.world.history('crm', 'rotation')[-6:]) + self.world.log('keyturnd'))

    def put_secret(self, name, secret):
        """Another secret into an integration's item, behind keyturnd's back."""
        (path,), _ = self.world.bus.call(SECRETS, '/org/freedesktop/secrets', 'org.freedesktop.Secret.Service',
                                         'SearchItems', 'a{ss}', {'integration': name})
        self.world.bus.call(SECRETS, path, 'org.freedesktop.Secret.Item', 'SetSecret', '(oayays)',
                            (self.world.plain_session(), b'', secret.encode(), 'text/plain'))

    def test_an_item_with_the_key_of_another(self):
        """Of another integration, and of the other environment: it is as good as lost."""
        self.world.login('live')
        self.world.add('billing', env='live')
        self.world.add('other')
        others = [self.world.keyturn('get', name).stdout for name in ('other', 'billing')]
        for other in others:
            with self.subTest(other=other[:8]):
                before = self.world.keyturn('get', 'crm').stdout
                self.world.stop_daemon()
                self.put_secret('crm', other)
                self.world.start_daemon()
                wait_for(lambda before=before: self.got() not in ('', before), 40, 'another key')
                crm = self.world.wait_key('crm')
                wait_for(lambda before=before: before[-4:] not in self.world.last4s(), 40, 'the old key to go')
                self.assertNotIn(self.got(), others)
                self.assertEqual(self.got()[-4:], crm['Last4'])
                self.assertEqual(self.world.probe(self.got()), 200)

    def test_an_item_with_the_key_of_another_when_it_is_read_alone(self):
        """The keyring comes back while a program asks."""
        self.world.add('other')
        other = self.world.keyturn('get', 'other').stdout
        self.put_secret('crm', other)
        self.world.lock_keyring()
        self.wait_keyring('locked')
        self.world.unlock_keyring()
        wait_for(lambda: self.got() not in ('', self.key), 40, 'another key')
        self.assertNotEqual(self.got(), other)

    def test_an_item_that_was_lost_while_keyturnd_was_away(self):
        self.world.stop_daemon()
        self.lose_item()
        self.world.start_daemon()
        self.check_replaced()

    def test_an_item_that_was_lost_while_the_keyring_was_locked(self):
        self.lose_item()
        self.assertEqual(self.got(), self.key, 'it is in memory still')
        self.world.lock_keyring()
        self.wait_keyring('locked')
        self.world.unlock_keyring()
        self.check_replaced()

    def test_a_management_key_that_was_lost(self):
        self.world.stop_daemon()
        paths, _ = self.world.bus.call(SECRETS, '/org/freedesktop/secrets', 'org.freedesktop.Secret.Service',
                                       'SearchItems', 'a{ss}', {'management': 'test'})
        self.world.bus.call(SECRETS, paths[0], 'org.freedesktop.Secret.Item', 'Delete')
        self.world.start_daemon()
        self.is_handed_out()
        done = self.world.add('new', check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn('keyturn login test', done.stderr)
        self.world.login()
        self.world.add('new')

    def test_items_of_others_are_left_alone(self):
        self.world.add_item('mail', {'user': 'alice'}, b'her password', schema='org.example.Mail')
        self.world.keyturn('rotate', 'crm', '--wait')
        self.world.keyturn('remove', 'crm', '--revoke')
        self.world.keyturn('logout', 'test')
        self.assertEqual(self.world.items('org.example.Mail'), [('mail', {'user': 'alice'}, b'her password')])
        self.assertEqual(self.world.items(), [])


if __name__ == '__main__':
    unittest.main()
