# SPDX-License-Identifier: LGPL-2.1-or-later
"""What keyturn doctor finds where systemd runs, and the reminder's timer, for the system and for a user."""
import json
import pathlib
import pwd
import time
import unittest

import guest
from guest import keyturn, run, show, systemctl, wait_for
from world import landlock_version

OLD = time.strftime('%Y-%m-%d', time.gmtime(time.time() - 200 * 86400))


def doctor(done):
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return {line['subject']: (line['level'], line['message']) for line in lines}


class System(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        guest.enable()
        cls.sandbox = guest.start_sandbox()
        guest.use_sandbox(cls.sandbox)
        guest.log_in(cls.sandbox)
        guest.add_user('bob')
        guest.add('seen', '--allow', 'user:bob')

    def test_the_timer_comes_and_goes_with_keyturnd(self):
        self.assertEqual(show('keyturn-remind.timer', 'ActiveState'), 'active')
        self.assertEqual(show('keyturn-remind.timer', 'UnitFileState'), 'enabled')
        self.assertNotEqual(show('keyturn-remind.timer', 'NextElapseUSecRealtime'), '')
        systemctl('stop', 'keyturnd')
        self.assertEqual(show('keyturn-remind.timer', 'ActiveState'), 'inactive')
        systemctl('start', 'keyturnd')
        self.assertEqual(show('keyturn-remind.timer', 'ActiveState'), 'active')
        guest.wait_for_keyring()

    def test_the_reminder(self):
        keyturn('add', 'hand', '--env', 'test', '--scope', 'contacts:read', '--dashboard')
        made = self.sandbox.create_key('hand', permissions=['contacts:read'])
        keyturn('import', 'hand', '--created', OLD, stdin=made['key'])
        for _ in range(2):
            systemctl('start', 'keyturn-remind.service')
        told = run('journalctl', '--no-pager', '-b', '-o', 'cat', 'KEYTURN_INTEGRATION=hand', '_COMM=keyturn').stdout
        self.assertEqual(told.count('see keyturn status hand'), 1, told)
        reminded = pathlib.Path('/var/lib/keyturn-remind/reminded')
        self.assertEqual((reminded.owner(), reminded.stat().st_mode & 0o777), ('keyturn', 0o600))

    def test_doctor(self):
        found = doctor(keyturn('--json', 'doctor', check=False))
        for subject in ('bus', 'keyturnd', 'keyring', 'memory', 'keyturnd.service', 'keyturn-remind.timer', 'files'):
            self.assertEqual(found[subject][0], 'ok', found)
        self.assertNotIn('linger', found)

    def test_a_kernel_without_landlock(self):
        """A filter stands for one."""
        done = run('systemd-run', '--pipe', '--quiet', '-p', 'SystemCallFilter=~landlock_create_ruleset:ENOSYS',
                   'keyturn', '--system', '--json', 'doctor')
        level, message = doctor(done)['landlock']
        self.assertEqual(level, 'warn')
        self.assertIn('(Function not implemented)', message)

    def test_what_others_may_not_see(self):
        # It takes the key from keyturnd's process alone, which is another user's.
        self.assertTrue(keyturn('get', 'seen', user='bob').stdout.startswith('sk_test_'))
        found = doctor(keyturn('--json', 'doctor', user='bob', check=False))
        self.assertEqual((found['management keys'][0], found['keyring'][0]), ('warn', 'ok'), found)
        audit = doctor(keyturn('--json', 'audit', user='bob', check=False))
        self.assertEqual(audit['seen'][0], 'warn')
        self.assertTrue(audit['seen'][1].startswith('who fetches its key is not known: '), audit)


class User(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        guest.add_user('alice')
        cls.uid = pwd.getpwnam('alice').pw_uid
        run('loginctl', 'enable-linger', 'alice')
        wait_for(lambda: pathlib.Path(f'/run/user/{cls.uid}/bus').exists(), what="alice's manager")
        cls.as_alice('systemctl', '--user', 'enable', '--now', 'keyturnd')

    @classmethod
    def as_alice(cls, *argv, **options):
        runtime = f'/run/user/{cls.uid}'
        return run(*argv, user='alice', env={
            'XDG_RUNTIME_DIR': runtime, 'DBUS_SESSION_BUS_ADDRESS': f'unix:path={runtime}/bus',
            'HOME': '/home/alice'}, **options)

    def look(self):
        return doctor(self.as_alice('keyturn', '--json', 'doctor', check=False))

    def test_the_timer_and_the_reminder(self):
        active = ('systemctl', '--user', 'show', '--value', '-p', 'ActiveState', 'keyturn-remind.timer')
        self.assertEqual(self.as_alice(*active).stdout, 'active\n')
        self.as_alice('systemctl', '--user', 'start', 'keyturn-remind.service')
        self.assertTrue(pathlib.Path('/home/alice/.local/state/keyturn/reminded').exists())

    def test_doctor(self):
        # Just started, it does not know its keyring yet.
        found = wait_for(lambda: (found := self.look())['keyring'][0] != 'fail' and found, what='a keyring')
        for subject in ('bus', 'keyturnd', 'memory', 'keyturnd.service', 'keyturn-remind.timer', 'files', 'linger'):
            self.assertEqual(found[subject][0], 'ok', found)
        self.assertEqual(found['landlock'][0], 'ok' if landlock_version() else 'warn')
        calls = self.as_alice('systemctl', '--user', 'show', '--value', '-p', 'SystemCallFilter', 'keyturnd').stdout
        for call in 'landlock_create_ruleset', 'landlock_add_rule', 'landlock_restrict_self':
            self.assertIn(call, calls.split())
        self.assertIn('on, ', found['linger'][1])
        # Nobody has used hers yet.
        self.assertEqual(found['keyring'][0], 'warn', found)
        self.assertIn('has not been started yet', found['keyring'][1])


if __name__ == '__main__':
    guest.main(System, User)
