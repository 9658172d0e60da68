#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Keys that a person takes away, and rotations that a person decides on."""
import signal
import unittest

from running import Running
from world import wait_for

ERROR = 'org.keyturn1.Error.'


class Removal(unittest.TestCase):
    def setUp(self):
        self.world = self.enterContext(Running())
        self.world.add('crm')
        self.world.add('shop')
        for name in ('crm', 'shop'):
            self.world.wait_state(name, 'idle')
        self.crm, self.shop = self.world.integration('crm'), self.world.integration('shop')

    def files(self):
        return sorted(p.name for p in (self.world.config / 'integrations').iterdir())

    def items(self):
        return sorted(a['integration'] for _, a, _ in self.world.items() if 'integration' in a)

    def is_gone(self, name):
        self.assertEqual(self.world.error_of('GetIntegration', 's', name).name, ERROR + 'NoSuchIntegration')
        self.assertNotIn(f'{name}.conf', self.files())
        self.assertNotIn(name, self.items())

    def test_remove(self):
        self.world.keyturn('remove', 'crm')
        self.is_gone('crm')
        self.assertIn(self.crm['Last4'], self.world.last4s(), 'HueChat was not asked')
        self.assertEqual(self.world.sandbox.requests('DELETE'), [])
        self.world.stop_daemon()
        self.world.start_daemon()
        self.is_gone('crm')
        self.assertEqual(self.world.integration('shop')['KeyId'], self.shop['KeyId'])
        self.assertIn('removed', [e['Event'] for e in self.world.history('crm')])

    def test_remove_and_revoke(self):
        self.world.keyturn('remove', 'crm', '--revoke')
        self.is_gone('crm')
        self.assertEqual(self.world.last4s(), [self.shop['Last4']])
        self.world.add('crm')
        self.assertNotEqual(self.world.integration('crm')['KeyId'], self.crm['KeyId'])

    def test_a_removal_goes_on_after_a_crash(self):
        self.world.sandbox.set_faults({'call': 'delete', 'fault': 'error-500', 'count': 1},
                                      {'call': 'get', 'fault': 'delay', 'seconds': 3, 'count': 1})
        with self.world.connect() as bus:
            bus.start_call('org.keyturn1', '/org/keyturn1', 'org.keyturn1.Manager', 'RemoveIntegration', 'sb', 'crm',
                           True)
            self.world.wait_state('crm', 'deleting')
            self.world.stop_daemon(signal.SIGKILL)
        self.world.sandbox.set_faults()
        self.world.start_daemon()
        wait_for(lambda: 'crm.conf' not in self.files(), 30, 'the removal')
        self.is_gone('crm')
        self.assertEqual(self.world.last4s(), [self.shop['Last4']])

    def test_revoke(self):
        self.world.keyturn('revoke', 'crm')
        self.assertEqual(self.world.last4s(), [self.shop['Last4']])
        self.assertEqual(self.world.error_of('GetKey', 's', 'crm').name, ERROR + 'NoKey')
        self.assertEqual(self.items(), ['shop'])
        crm = self.world.integration('crm')
        self.assertEqual((crm['KeyId'], crm['Last4'], crm['DueAt'], crm['RotationState']), ('', '', 0, 'idle'))
        self.world.keyturn('rotate', 'crm', '--wait')
        self.assertEqual(self.world.probe(self.world.fetch('crm')), 200)

    def test_revoke_while_somebody_holds_the_key(self):
        with self.world.holder('crm') as process:
            error = self.world.error_of('Revoke', 'sb', 'crm', False)
            self.assertEqual(error.name, ERROR + 'InUse')
            self.assertEqual(self.world.keyturn('revoke', 'crm', check=False).returncode, 1)
            self.assertEqual(self.world.probe(process.key), 200)
            self.world.keyturn('revoke', 'crm', '--force')
            self.assertEqual(self.world.probe(process.key), 401)

    def test_revoke_of_a_key_that_huechat_saw_in_use(self):
        key = self.world.keyturn('get', 'crm').stdout
        # Later than keyturn's own probes, by HueChat's clock, in whole seconds.
        self.world.sandbox.set_clock(10)
        self.assertEqual(self.world.probe(key), 200)
        self.assertEqual(self.world.error_of('Revoke', 'sb', 'crm', False).name, ERROR + 'InUse')
        self.world.sandbox.set_clock(3700)
        self.world.keyturn('revoke', 'crm')
        self.assertEqual(self.world.probe(key), 401)

    def test_remove_while_a_rotation_runs(self):
        with self.world.holder('crm'):
            self.world.manager('Rotate', 'sa{sv}', 'crm', {})
            self.world.wait_state('crm', 'draining')
            busy = self.world.error_of('RemoveIntegration', 'sb', 'crm', False)
            self.assertEqual(busy.name, ERROR + 'Busy')
            self.assertIn('keyturn rollback crm', busy.text)
            self.assertEqual(self.world.error_of('Rotate', 'sa{sv}', 'crm', {}).name, ERROR + 'Busy')

    def test_roll_back(self):
        with self.world.holder('crm') as process:
            self.world.manager('Rotate', 'sa{sv}', 'crm', {})
            self.world.wait_state('crm', 'draining')
            self.assertNotEqual(self.world.keyturn('get', 'crm').stdout, process.key)
            self.world.keyturn('rollback', 'crm')
            wait_for(lambda: self.world.keyturn('get', 'crm').stdout == process.key, 30, 'the old key')
            self.assertEqual(self.world.integration('crm')['Generation'], 3)
            self.world.keyturn('rollback', 'crm')  # whose reply was lost says it again
            self.assertEqual(self.world.integration('crm')['Generation'], 3)
            self.assertNotIn('rollback', self.world.error_of('RemoveIntegration', 'sb', 'crm', False).text)
        wait_for(lambda: sorted(self.world.last4s()) == sorted([self.crm['Last4'], self.shop['Last4']]), 60,
                 'the new key to go')
        self.assertEqual(self.world.wait_key('crm')['KeyId'], self.crm['KeyId'])

    def hold(self):
        """crm's rotation is held: HueChat refuses the create."""
        self.world.sandbox.set_faults({'call': 'create', 'fault': 'error-422', 'count': 1})
        self.world.manager('Rotate', 'sa{sv}', 'crm', {})
        self.world.wait_state('crm', 'held')
        self.assertIn('HueChat', self.world.integration('crm')['Attention'])

    def test_held_and_resumed(self):
        self.hold()
        self.assertEqual(self.world.error_of('Rotate', 'sa{sv}', 'crm', {}).name, ERROR + 'Held')
        self.world.keyturn('rotate', 'shop', '--wait')  # others go on
        self.world.stop_daemon()
        self.world.start_daemon()
        self.assertEqual(self.world.rotation_state('crm'), 'held')
        self.world.keyturn('resume', 'crm')
        wait_for(lambda: self.crm['Last4'] not in self.world.last4s(), 30, 'the old key to go')
        crm = self.world.wait_key('crm')
        self.assertEqual((crm['Generation'], crm['Attention']), (2, ''))

    def test_held_and_rolled_back(self):
        self.hold()
        self.world.keyturn('rollback', 'crm')
        crm = self.world.wait_key('crm')
        self.assertEqual((crm['KeyId'], crm['Generation']), (self.crm['KeyId'], 1))
        self.assertIn(self.crm['Last4'], self.world.last4s())


class Dashboard(unittest.TestCase):
    """A person does what only a person can; keyturn says what, and checks it."""

    def setUp(self):
        self.world = self.enterContext(Running(login=False))
        self.world.keyturn('add', 'crm', '--env', 'test', '--scope', 'contacts:read', '--overlap', '2s', '--dashboard')
        self.old = self.world.import_made('crm')

    def test_a_rotation_by_hand(self):
        self.world.keyturn('rotate', 'crm')
        self.world.wait_state('crm', 'awaiting-key')
        said = self.world.integration('crm')['Attention']
        self.assertIn('contacts:read', said)
        new = self.world.import_made('crm')
        self.assertEqual(self.world.keyturn('get', 'crm').stdout, new['key'])
        self.world.wait_state('crm', 'awaiting-deletion')
        self.assertIn(self.old['last4'], self.world.integration('crm')['Attention'])
        self.world.sandbox.delete_key(self.old['id'])
        self.world.keyturn('confirm-deleted', 'crm')
        self.assertEqual(self.world.wait_key('crm')['Generation'], 2)
        self.assertEqual(self.world.integration('crm')['Attention'], '')
        self.assertEqual(self.world.sandbox.requests('DELETE'), [])

    def test_a_deletion_that_was_not_done(self):
        self.world.keyturn('rotate', 'crm')
        self.world.wait_state('crm', 'awaiting-key')
        self.world.import_made('crm')
        self.world.wait_state('crm', 'awaiting-deletion')
        self.world.keyturn('confirm-deleted', 'crm')
        wait_for(lambda: self.world.sandbox.keys(id=self.old['id'])[0]['last_used_at'], 30, 'a probe')
        self.assertNotEqual(self.world.rotation_state('crm'), 'idle')

    def test_issuing_is_refused(self):
        error = self.world.error_of('AddIntegration', 'sa{sv}', 'new', {
            'Environment': ('s', 'test'), 'Access': ('s', 'full'), 'Management': ('s', 'dashboard'), 'Issue': ('b', True)})
        self.assertIn('a person manages', error.text)


if __name__ == '__main__':
    unittest.main()
