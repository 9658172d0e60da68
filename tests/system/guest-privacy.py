# SPDX-License-Identifier: LGPL-2.1-or-later
"""Who fetches what is not told to everybody: properties and signals say nothing of it, a method for managers does."""
import json
import time
import unittest

import guest
from guest import KEYTURN, KEYTURN_PATH, PLACE, integration, keyturn, manager, run, system_bus
from wire import MEMBER

DENIED = 'org.freedesktop.DBus.Error.AccessDenied'
OBJECTS = 'org.freedesktop.DBus.ObjectManager'
UNKNOWN = 'shown only to those who may manage keyturn'


class Privacy(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        guest.add_user('alice')
        guest.add_user('carol')
        guest.enable()
        cls.sandbox = guest.start_sandbox()
        guest.use_sandbox(cls.sandbox)
        guest.log_in(cls.sandbox)
        for name in ('crm', 'unused'):
            guest.add(name, '--allow', 'user:alice')
        cls.before = time.time()
        keyturn('get', 'crm', user='alice')

    def shown(self, *arguments, user=None):
        return keyturn(*arguments, user=user).stdout

    def test_properties_are_empty(self):
        with system_bus() as bus:
            objects = bus.call(KEYTURN, KEYTURN_PATH, OBJECTS, 'GetManagedObjects')
        for properties in (integration('crm'), *(o['org.keyturn1.Integration'] for o in objects.values())):
            self.assertEqual((properties['LastFetchedAt'], properties['LastFetchedBy']), (0, ''))

    def test_nothing_is_signalled(self):
        """A change that is told, after the fetches: what came before it is all that was sent."""
        with system_bus() as bus:
            bus.ask_bus('AddMatch', 's', f"type='signal',sender='{KEYTURN}'")
            bus.signals.clear()
            for _ in range(3):
                keyturn('get', 'crm', user='alice')
                time.sleep(1.2)  # accounts are kept once a second
            keyturn('add', 'later', '--env', 'test', '--scope', 'contacts:read', '--no-issue')
            seen = [bus.next_signal()]
            while seen[-1].fields[MEMBER] != 'InterfacesAdded':
                seen.append(bus.next_signal())
        keyturn('remove', 'later')
        self.assertNotIn('LastFetched', str([m.body for m in seen[:-1]]))
        self.assertNotIn('alice', str([m.body for m in seen]))

    def test_managers_are_told(self):
        fetches = manager('GetLastFetches')
        self.assertEqual(list(fetches), ['crm'], 'nobody fetched the other one')
        at, by = fetches['crm']
        self.assertLess(abs(at / 10**6 - self.before), 60)
        self.assertIn('alice', by)
        script = 'from guest import *\nmanager("GetLastFetches")\n'
        for user in ('alice', 'carol'):
            done = run('python3', '-Bc', script, user=user, check=False, env={'PYTHONPATH': str(PLACE)})
            self.assertIn(DENIED, done.stderr)

    def test_the_command_shows_it_to_managers(self):
        self.assertRegex(self.shown('status', 'crm'), r'Last fetched: .*, by alice')
        self.assertRegex(self.shown('status', 'unused'), r'Last fetched: never\n')
        for listing in (json.loads(self.shown('--json', 'list')), json.loads(self.shown('--json', 'status'))['integrations'],
                        [json.loads(self.shown('--json', 'status', name)) for name in ('crm', 'unused')]):
            crm, unused = (next(i for i in listing if i['name'] == name) for name in ('crm', 'unused'))
            self.assertIn('alice', crm['last_fetched_by'])
            self.assertTrue(crm['last_fetched_at'])
            self.assertEqual((unused['last_fetched_at'], unused['last_fetched_by']), (None, ''))
        self.assertIn('keyturn_key_last_fetched_timestamp_seconds{integration="crm"', self.shown('metrics'))

    def test_the_command_shows_the_rest_to_others(self):
        status = self.shown('status', 'crm', user='carol')
        self.assertIn(f'Last fetched: {UNKNOWN}\n', status)
        self.assertNotIn('alice', status.replace('user:alice', ''))  # a rule, which is open
        for listing in (json.loads(self.shown('--json', 'list', user='carol')),
                        json.loads(self.shown('--json', 'status', user='carol'))['integrations'],
                        [json.loads(self.shown('--json', 'status', 'crm', user='carol'))]):
            crm = next(i for i in listing if i['name'] == 'crm')
            self.assertEqual((crm['last_fetched_at'], crm['last_fetched_by']), (None, None))
            self.assertTrue(crm['last4'])
        metrics = self.shown('metrics', user='carol')
        self.assertIn('keyturn_key_generation{integration="crm"', metrics)
        self.assertNotIn('fetched_timestamp_seconds{', metrics)
        self.assertIn('crm', self.shown('list', user='carol'))


if __name__ == '__main__':
    guest.main(Privacy)
