#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Who holds a key, who may, and what keyturnd does when an application says that its key is refused."""
import os
import time
import unittest

from running import Running
from wire import MEMBER
from world import MANAGER, wait_for

ERROR = 'org.keyturn1.Error.'
DENIED = 'org.freedesktop.DBus.Error.AccessDenied'


class Holders(unittest.TestCase):
    def setUp(self):
        self.world = self.enterContext(Running())
        self.world.add('crm')
        self.world.wait_state('crm', 'idle')
        self.old = self.world.integration('crm')

    def holders(self):
        return {h['Pid']: h for h in self.world.manager('GetHolders', 's', 'crm')}

    def rotate(self):
        self.world.manager('Rotate', 'sa{sv}', 'crm', {})
        wait_for(lambda: self.world.integration('crm')['Generation'] == 2, 30, 'the swap')

    def wait_deleted(self):
        wait_for(lambda: self.old['Last4'] not in self.world.last4s(), 40, 'the old key to go')
        self.world.wait_key('crm')

    def stays(self, seconds):
        """Well past the overlap, and beyond several looks."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.assertIn(self.old['Last4'], self.world.last4s())
            time.sleep(0.2)
        self.assertEqual(self.world.rotation_state('crm'), 'draining')

    def test_a_process_that_lives_keeps_its_key(self):
        with self.world.holder('crm') as process:
            self.rotate()
            self.stays(5)
            self.assertEqual(self.world.probe(process.key), 200)
            self.assertTrue(self.holders()[process.pid]['Alive'])
            self.assertIn(str(process.pid), self.world.keyturn('status', 'crm').stdout)
        self.wait_deleted()
        self.assertEqual(self.world.probe(process.key), 401)

    def test_one_of_two_is_enough(self):
        with self.world.holder('crm'):
            with self.world.holder('crm'):
                self.rotate()
            self.stays(4)
        self.wait_deleted()

    def test_whoever_fetched_anew_does_not_hold_the_old_one(self):
        self.world.fetch('crm')
        self.rotate()
        self.stays(3)
        self.world.fetch('crm')
        self.assertEqual(self.holders()[os.getpid()]['Generation'], 2)
        self.wait_deleted()

    def test_acknowledging_lets_go(self):
        self.world.fetch('crm')
        self.rotate()
        self.stays(3)
        self.world.manager('Acknowledge', 'st', 'crm', 2)
        self.wait_deleted()

    def test_leaving_the_bus_is_not_letting_go(self):
        with self.world.connect() as bus:
            self.world.fetch('crm', bus)
        self.rotate()
        self.stays(4)
        self.world.manager('Acknowledge', 'st', 'crm', 2)
        self.wait_deleted()

    def test_a_holder_is_kept_over_a_restart(self):
        with self.world.holder('crm'):
            self.rotate()
            self.world.stop_daemon()
            self.world.start_daemon()
            self.stays(4)
        self.wait_deleted()

    def test_a_compromised_key_waits_for_nobody(self):
        with self.world.holder('crm') as process:
            self.world.keyturn('rotate', 'crm', '--compromised')
            self.wait_deleted()
            self.assertEqual(self.world.probe(process.key), 401)

    def test_compromised_while_a_rotation_waits(self):
        """The old key goes at once, and the new one is rotated too."""
        with self.world.holder('crm'):
            self.rotate()
            middle = self.world.integration('crm')['Last4']
            self.world.keyturn('rotate', 'crm', '--compromised')
            self.wait_deleted()
            wait_for(lambda: middle not in self.world.last4s(), 40, 'the key in between to go')
            self.assertEqual(self.world.wait_key('crm')['Generation'], 3)


class Policy(unittest.TestCase):
    def setUp(self):
        self.world = self.enterContext(Running())
        self.world.add('closed', '--allow', 'user:nobody')
        self.world.add('mine', '--allow', f'user:{os.getuid()}')
        self.world.add('open')

    def test_a_rule_that_does_not_hold_refuses(self):
        for member, arguments in (('GetKey', ('s', 'closed')), ('Acknowledge', ('st', 'closed', 1)),
                                  ('ReportRejected', ('st', 'closed', 1))):
            error = self.world.error_of(member, *arguments)
            self.assertEqual(error.name, DENIED)
            self.assertIn('keyturn explain closed', error.text)
        done = self.world.keyturn('exec', 'closed', '--', 'true', check=False)
        self.assertEqual(done.returncode, 1)
        self.assertEqual(self.world.manager('GetHolders', 's', 'closed'), [])

    def test_refusals_are_on_record(self):
        self.world.error_of('GetKey', 's', 'closed')
        entry = self.world.history('closed', 'refused')[-1]
        self.assertIn(f'pid {os.getpid()}', entry['Caller'])
        self.assertIn('refused', self.world.log('keyturnd'))
        self.assertIn('refused', self.world.keyturn('log', 'closed').stdout)

    def test_rules_that_hold(self):
        for name in ('mine', 'open'):
            self.assertEqual(self.world.probe(self.world.fetch(name)), 200)

    def test_explain(self):
        explain = lambda name, subject: self.world.manager('Explain', 'ss', name, subject)
        me = f'pid:{os.getpid()}'
        for name, subject, allowed in (('closed', me, False), ('closed', 'user:nobody', True), ('mine', me, True),
                                       ('open', me, True), ('mine', 'user:nobody', False),
                                       ('mine', f'sender:{self.world.bus.name}', True),
                                       ('closed', 'unit:crm.service', False)):
            with self.subTest(name=name, subject=subject):
                answer, rule, evidence, strength = explain(name, subject)
                self.assertEqual(answer, allowed, (rule, evidence))
                self.assertIn(strength, ('strong', 'advisory'))
                self.assertNotEqual((rule, evidence), ('', ''))
        self.assertIn('user:nobody', explain('closed', 'user:nobody')[1])
        done = self.world.keyturn('explain', 'closed', me)
        self.assertIn('may not fetch the key of closed', done.stdout)

    def test_a_changed_rule_counts_at_once(self):
        file = self.world.config / 'integrations' / 'closed.conf'
        file.write_text(file.read_text().replace('user:nobody', 'any'))
        self.world.keyturn('reload')
        self.assertEqual(self.world.probe(self.world.fetch('closed')), 200)


class Healing(unittest.TestCase):
    def setUp(self):
        self.world = self.enterContext(Running())
        self.world.add('crm')
        self.world.wait_state('crm', 'idle')
        self.key = self.world.fetch('crm')

    def test_a_key_that_was_deleted_is_replaced(self):
        self.world.sandbox.delete_key(self.world.integration('crm')['KeyId'])
        self.assertEqual(self.world.probe(self.key), 401)
        self.world.manager('ReportRejected', 'st', 'crm', 1)
        wait_for(lambda: self.world.integration('crm')['Generation'] == 2, 100, 'a new key')
        new = self.world.fetch('crm')
        self.assertEqual(self.world.probe(new), 200)
        self.world.wait_key('crm', 60)
        self.assertEqual(self.world.last4s(), [new[-4:]])
        self.assertEqual(self.world.sandbox.requests('DELETE'), [], 'there was nothing to delete')
        error = self.world.error_of('ReportRejected', 'st', 'crm', 2)
        self.assertEqual(error.name, ERROR + 'Busy', 'at most one an hour')

    def test_a_key_that_works_is_left_alone(self):
        self.world.manager('ReportRejected', 'st', 'crm', 1)
        wait_for(lambda: self.world.sandbox.requests('GET', '/v2/contacts')[1:], 30, 'a probe')
        time.sleep(0.5)
        self.assertEqual(self.world.fetch('crm'), self.key)
        self.assertEqual(self.world.rotation_state('crm'), 'idle')
        self.assertEqual(len(self.world.last4s()), 1)

    def test_a_key_that_a_person_manages_calls_for_attention(self):
        self.world.keyturn('add', 'hand', '--env', 'test', '--scope', 'contacts:read', '--dashboard')
        made = self.world.import_made('hand')
        self.world.sandbox.delete_key(made['id'])
        with self.world.watching(MANAGER) as bus:
            self.world.manager('ReportRejected', 'st', 'hand', 1)
            signal = bus.next_signal()
        self.assertEqual((signal.fields[MEMBER], signal.body[0]), ('AttentionNeeded', 'hand'))
        self.assertIn('keyturn rotate hand', self.world.integration('hand')['Attention'])


if __name__ == '__main__':
    unittest.main()
