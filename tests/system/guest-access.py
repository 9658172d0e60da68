# SPDX-License-Identifier: LGPL-2.1-or-later
"""Each service gets its own key and no other; who gets none, why, and where that is written."""
import json
import os
import pathlib
import pwd
import subprocess
import unittest

import guest
from guest import PLACE, fetched_by, fetcher, journal, keyturn, manager, run, show, systemctl

# Where control groups may be mounted: version 2, version 1, or both.
GROUPS = '/sys/fs/cgroup', '/sys/fs/cgroup/systemd', '/sys/fs/cgroup/unified'
DENIED = 'org.freedesktop.DBus.Error.AccessDenied'


def add(name, *rules):
    allow = [word for rule in rules for word in ('--allow', rule)]
    keyturn('add', name, '--env', 'test', '--scope', 'contacts:read', *allow)


def refusals(name):
    return [e['Message'] for e in manager('GetHistory', 'st', name, 0) if e['Event'] == 'refused']


class Access(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        for name, *groups in (('alice',), ('bob', 'billing'), ('carol',)):
            for group in groups:
                run('groupadd', '--force', group)
            guest.add_user(name, *groups)
        guest.enable()
        cls.sandbox = guest.start_sandbox()
        guest.use_sandbox(cls.sandbox)
        guest.log_in(cls.sandbox)
        add('by-unit', 'unit:crm.service')
        add('by-user', 'user:bob')
        add('by-group', 'group:billing+unit:bills.service')
        add('nobodys')

    def get(self, unit, name, **settings):
        fetcher(unit, name, **settings)
        got = fetched_by(unit)
        systemctl('stop', unit)
        return got

    def assertRefused(self, got):
        self.assertEqual(got.get('error'), DENIED, got)

    def test_each_its_own(self):
        keys = {}
        for unit, user, mine in (('crm.service', 'alice', 'by-unit'), ('bob.service', 'bob', 'by-user'),
                                 ('bills.service', 'bob', 'by-group')):
            for name in ('by-unit', 'by-user', 'by-group', 'nobodys'):
                got = self.get(unit, name, User=user)
                if name == mine or (user == 'bob' and name == 'by-user'):
                    keys[name] = got['key']
                    self.assertEqual(self.sandbox.call('GET', '/v2/contacts', key=got['key']).status, 200)
                else:
                    self.assertRefused(got)
        self.assertEqual(len(set(keys.values())), 3)

    def test_other_uid_and_unit(self):
        before = len(refusals('by-unit'))
        self.assertRefused(self.get('other.service', 'by-unit', User='alice'))
        self.assertRefused(self.get('other.service', 'by-unit', User='root'))
        self.assertEqual(len(refusals('by-unit')), before + 2)
        self.assertIn('(alice), unit other.service', refusals('by-unit')[-2])
        self.assertIn('by-unit: refused', journal('keyturnd'))

    def test_login_shell(self):
        done = run('keyturn', '--system', 'get', 'by-user', user='bob')
        self.assertTrue(done.stdout.startswith('sk_test_'))
        done = run('keyturn', '--system', 'get', 'by-unit', user='alice', check=False)
        self.assertEqual((done.returncode, done.stdout), (1, ''))

    def test_process_moved_into_allowed_cgroup(self):
        """Which takes root; the uid is the intruder's still."""
        fetcher('crm.service', 'by-unit', User='alice')
        fetched_by('crm.service')
        group = show('crm.service', 'ControlGroup')
        moves = ' && '.join(f'echo $$ >{f}{group}/cgroup.procs' for f in GROUPS if pathlib.Path(f + group).is_dir())
        out = PLACE / 'fetched' / 'moved'
        script = f'{moves} && exec runuser -u carol -- python3 -B {PLACE}/fetch.py by-unit {out}'
        intruder = subprocess.Popen(['sh', '-c', script], env={'PATH': os.environ['PATH']})
        try:
            guest.wait_for(lambda: out.exists() and out.read_text(), what='the intruder')
            self.assertRefused(json.loads(out.read_text()))
            self.assertIn('not believed to be of unit crm.service', refusals('by-unit')[-1])
        finally:
            intruder.kill()
            intruder.wait()
            systemctl('stop', 'crm.service')

    def test_explain(self):
        fetcher('crm.service', 'by-unit', User='alice')
        fetched_by('crm.service')
        pid = show('crm.service', 'MainPID')
        self.assertEqual(manager('Explain', 'ss', 'by-unit', f'pid:{pid}'),
                         (True, 'unit:crm.service', f'uid {pwd.getpwnam("alice").pw_uid} (alice), unit crm.service',
                          'strong'))
        allowed, _, _, strength = manager('Explain', 'ss', 'by-unit', 'user:carol')
        self.assertFalse(allowed)
        systemctl('stop', 'crm.service')

    def test_managing_takes_an_administrator(self):
        for arguments in (('rotate', 'by-unit'), ('remove', 'by-unit'), ('log',), ('reload',)):
            done = run('keyturn', '--system', *arguments, user='carol', check=False)
            self.assertEqual(done.returncode, 1, done.stdout)
            self.assertIn('org.keyturn1.manage', done.stderr)
        run('keyturn', '--system', 'list', user='carol')

    def test_nobody_takes_the_name(self):
        systemctl('stop', 'keyturnd')
        try:
            script = ('from guest import *\nwith system_bus() as bus:\n'
                      '    print(bus.ask_bus("RequestName", "su", KEYTURN, 0))\n')
            done = run('python3', '-Bc', script, user='carol', check=False, env={'PYTHONPATH': str(PLACE)})
            self.assertIn('AccessDenied', done.stderr)
        finally:
            systemctl('start', 'keyturnd')
            guest.wait_for_keyring()


if __name__ == '__main__':
    guest.main(Access)
