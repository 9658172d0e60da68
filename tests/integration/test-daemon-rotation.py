#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A key of January is replaced by itself, and there is a valid key at every moment."""
import threading
import time
import unittest

from running import Running
from world import wait_for

JANUARY = '2026-01-15T09:00:00Z'
JANUARY_USEC = 1768467600 * 10**6
SCOPES = ['contacts:read', 'conversations:write', 'webhooks:manage']
DAY = 86400 * 10**6


class Application(threading.Thread):
    """Fetches the key and uses it, again and again, on a connection of its own."""

    def __init__(self, world, name):
        super().__init__()
        self.world, self.name_, self.bus = world, name, world.connect()
        self.going, self.keys, self.bad, self.trouble = True, [], [], None

    def run(self):
        try:
            while self.going:
                key = self.world.fetch(self.name_, self.bus)
                if key not in self.keys:
                    self.keys.append(key)
                status = self.world.probe(key)
                if status not in (200, 403):
                    self.bad.append((time.time(), key[-4:], status))
                time.sleep(0.05)
        except Exception as error:  # told by the test's own thread
            self.trouble = error

    def end(self):
        self.going = False
        self.join(30)
        self.bus.close()
        return self


class Rotation(unittest.TestCase):
    def setUp(self):
        self.world = self.enterContext(Running())

    def use(self, name):
        application = Application(self.world, name)
        application.start()
        wait_for(lambda: application.keys or application.trouble, what='the first fetch')
        return application

    def follow(self, name, application, old):
        """Until the old key is gone; the properties then."""
        wait_for(lambda: old not in self.world.last4s() and self.world.rotation_state(name) == 'idle', 45,
                 'the end of the rotation')
        time.sleep(0.3)
        application.end()
        self.assertIsNone(application.trouble)
        self.assertEqual(application.bad, [])
        return self.world.integration(name)

    def test_a_key_of_january_is_replaced_by_itself(self):
        self.world.add('crm', '--no-issue', scopes=SCOPES)
        made = self.world.sandbox.create_key('crm by hand', permissions=SCOPES, created_at=JANUARY)
        self.world.keyturn('import', 'crm', stdin=made['key'] + '\n')
        application = self.use('crm')
        after = self.follow('crm', application, made['last4'])

        self.assertEqual(application.keys[0], made['key'])
        self.assertEqual(len(application.keys), 2, 'one rotation, and no more')
        new = application.keys[1]
        self.assertEqual(after['Generation'], 2)
        self.assertEqual((after['Last4'], after['RotationState'], after['Attention']), (new[-4:], 'idle', ''))
        self.assertEqual(self.world.probe(made['key']), 401)
        self.assertEqual(self.world.probe(new), 200)
        self.assertEqual(self.world.keyturn('get', 'crm').stdout, new)
        self.assertEqual(self.world.keyturn('exec', 'crm', '--', 'sh', '-c', 'echo $HUECHAT_API_KEY').stdout, new + '\n')
        self.check_huechat('crm', made, after)
        self.check_overlap()

    def check_huechat(self, name, made, after):
        """One key is alive, with what was asked for; the old one was deleted by us, once."""
        alive = [k for k in self.world.sandbox.keys(type='test', valid=True) if k['origin'] != 'start']
        self.assertEqual([(k['id'], k['access'], sorted(k['permissions'])) for k in alive],
                         [(after['KeyId'], 'custom', sorted(SCOPES))])
        self.assertRegex(alive[0]['name'], r'^crm \[kt [0-9a-f]{8}\.1\]$')
        deletes = self.world.sandbox.requests('DELETE')
        self.assertEqual([(d['path'].rsplit('/', 1)[1], d['status']) for d in deletes], [(made['id'], 204)])
        self.assertEqual(len(self.world.sandbox.requests('POST', '/v2/api-keys')), 1)
        items = {a['key-id'] for _, a, _ in self.world.items() if a.get('integration') == name}
        self.assertEqual(items, {after['KeyId']})

    def check_overlap(self):
        """By the history, the old key was not deleted before two seconds had passed since the swap."""
        at = {e['Message'].split(':')[0]: e['Time'] for e in self.world.history('crm', 'rotation')}
        self.assertGreaterEqual(at['deleting'] - at['draining'], 2 * 10**6)

    def test_created_tells_the_age_where_huechat_does_not(self):
        self.world.add('old', '--no-issue', '--rotate-after', '90d')
        made = self.world.sandbox.create_key('old', permissions=['contacts:read'])
        self.world.keyturn('import', 'old', '--id', made['id'], '--created', '2026-01-15', stdin=made['key'])
        wait_for(lambda: made['last4'] not in self.world.last4s(), 45, 'the deletion of the old key')
        self.assertEqual(self.world.wait_key('old')['Generation'], 2)

    def test_an_imported_key_has_huechats_date(self):
        self.world.add('kept', '--no-issue', '--rotate-after', 'infinity')
        self.world.import_made('kept', created_at=JANUARY)
        kept = self.world.integration('kept')
        self.assertEqual((kept['CreatedAt'], kept['DueAt'], kept['RotationState']), (JANUARY_USEC, 0, 'idle'))

    def test_an_issued_key_is_due_an_overlap_early(self):
        self.world.add('crm', scopes=SCOPES)
        crm = self.world.integration('crm')
        early = crm['CreatedAt'] + 90 * DAY - crm['DueAt']
        self.assertGreaterEqual(early, 2 * 10**6)
        self.assertLessEqual(early, 2.2 * 10**6)
        key = self.world.sandbox.keys(id=crm['KeyId'])[0]
        self.assertEqual((key['access'], sorted(key['permissions'])), ('custom', sorted(SCOPES)))

    def test_full_access_stays_full_access(self):
        self.world.keyturn('add', 'all', '--env', 'test', '--full', '--overlap', '2s')
        self.world.keyturn('rotate', 'all', '--wait')
        alive = [k for k in self.world.sandbox.keys(type='test', valid=True) if k['origin'] != 'start']
        self.assertEqual([(k['access'], k['permissions']) for k in alive], [('full', [])])

    def test_ten_keys_of_january_rotate_side_by_side(self):
        names = [f'app{i}' for i in range(10)]
        for name in names:
            self.world.add(name, '--no-issue')
        made = {name: self.world.import_made(name, created_at=JANUARY) for name in names}
        wait_for(lambda: all(self.world.integration(n)['Generation'] == 2 and self.world.rotation_state(n) == 'idle'
                             for n in names), 50, 'ten rotations')
        self.assertEqual(len(self.world.last4s()), 10)
        for name in names:
            self.assertEqual(self.world.probe(self.world.fetch(name)), 200, name)
            self.assertEqual(self.world.probe(made[name]['key']), 401, name)

    def test_use_and_callers_are_listed(self):
        self.world.add('crm')
        key = self.world.keyturn('get', 'crm').stdout
        self.assertEqual(self.world.probe(key), 200)
        self.world.keyturn('rotate', 'crm', '--wait')
        with self.world.holder('crm') as process:
            crm = self.world.integration('crm')
            self.assertIn(f'pid {process.pid}', crm['LastFetchedBy'])
            self.assertGreater(crm['LastUsedAt'], 0)
            status = self.world.keyturn('status', 'crm').stdout
            self.assertIn(str(process.pid), status)
            self.assertIn(crm['Last4'], self.world.keyturn('list').stdout)
        fetches = self.world.history('crm', 'fetched')
        self.assertEqual(len(fetches), 2)
        self.assertIn('keyturn', fetches[0]['Caller'])


if __name__ == '__main__':
    unittest.main()
