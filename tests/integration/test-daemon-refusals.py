#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What can't be done is refused in one line, with its error's name and exit code, and nothing has changed."""
import os
import unittest

from running import Running
from world import KEYTURN, wait_for

ADD = ('add', 'new', '--env', 'test', '--scope', 'contacts:read')
ERROR = 'org.keyturn1.Error.'
INVALID = 'org.freedesktop.DBus.Error.InvalidArgs'
WELL_FORMED = 'sk_test_0123456789abcdefghijABCD'


def traces(world):
    """What must not change: files, what keyturnd lists and knows of history, the keyring, HueChat's keys."""
    files = {str(p): p.read_bytes() for p in world.config.rglob('*') if p.is_file()}
    keys = [(k['id'], k['valid']) for k in world.sandbox.keys()]
    # That HueChat refuses the management key is news, whoever asked.
    listing = [world.integration(n) | {'Attention': ''} for n in sorted(names(world))]
    history = [e for e in world.history() if e['Event'] not in ('refused', 'failed', 'rotation', 'attention')]
    return files, keys, listing, history


def names(world):
    objects = world.bus.call(KEYTURN, '/org/keyturn1', 'org.freedesktop.DBus.ObjectManager', 'GetManagedObjects')
    return [o['org.keyturn1.Integration']['Name'] for o in objects.values()]


class Refusals(unittest.TestCase):
    """Each has keyring, sandbox, a management key for test, one integration with a key and one without."""

    maxDiff = None

    def setUp(self):
        self.world = self.enterContext(Running())
        self.world.add('crm')
        self.world.add('empty', '--no-issue')
        self.world.wait_state('crm', 'idle')

    def refused(self, *arguments, stdin='', code=1, says='', unlocked=True):
        """The command ends with this code, says one line, and leaves no trace; the line is returned."""
        before, items = traces(self.world), sorted(self.world.items()) if unlocked else None
        done = self.world.keyturn(*arguments, stdin=stdin, check=False)
        self.assertEqual((done.returncode, done.stdout), (code, ''), done.stderr)
        self.assertRegex(done.stderr, r'\Akeyturn: [^\n]+: [^\n]+\n\Z')
        self.assertIn(says, done.stderr)
        self.assertEqual(traces(self.world), before)
        if unlocked:
            self.assertEqual(sorted(self.world.items()), items)
        return done.stderr

    def is_named(self, name, member, signature='', *args, bus=None):
        before = traces(self.world)
        error = self.world.error_of(member, signature, *args, bus=bus)
        self.assertEqual(error.name, name if '.' in name else ERROR + name, error.text)
        self.assertRegex(error.text, r'\A[^\n]+: [^\n]+\Z')
        self.assertEqual(traces(self.world), before)

    def upload(self, text, bus):
        """As the command does before ImportKey and SetManagementKey."""
        write_end = bus.call(KEYTURN, '/org/keyturn1', 'org.keyturn1.Manager', 'OpenUpload')
        os.write(write_end, text.encode())
        os.close(write_end)

    def import_is_named(self, name, integration, text):
        with self.world.connect() as bus:
            if text:
                self.upload(text, bus)
            self.is_named(name, 'ImportKey', 'sa{sv}', integration, {}, bus=bus)

    def settings(self, **more):
        return {'Environment': ('s', 'test'), 'Access': ('s', 'custom'),
                'Permissions': ('as', ['contacts:read'])} | more

    def add_is_named(self, error, name, settings):
        self.is_named(error, 'AddIntegration', 'sa{sv}', name, settings)

    def test_definitions(self):
        self.refused('add', 'new', '--env', 'test', '--scope', 'contacts:all', says='contacts:all')
        self.refused('add', 'new', '--env', 'prod', '--scope', 'contacts:read', says='prod', code=2)
        self.refused('add', 'New!', '--env', 'test', '--scope', 'contacts:read', says='New!')
        self.refused('add', 'x' * 65, '--env', 'test', '--full')
        self.refused('add', 'crm', '--env', 'test', '--full', says='crm')
        self.refused(*ADD, '--rotate-after', 'soon', says='soon')
        self.refused(*ADD, '--rotate-after', '2d', '--overlap', '1d')
        self.refused(*ADD, '--allow', 'exe:/bin/sh', says='exe:/bin/sh')
        self.refused('add', 'new', '--env', 'test', code=2)
        self.refused('add', code=2)
        self.refused('frobnicate', code=2)

    def test_definitions_over_the_bus(self):
        self.add_is_named(INVALID, 'new', self.settings(Permissions=('as', ['contacts:all'])))
        self.add_is_named(INVALID, 'new', self.settings(Environment=('s', 'prod')))
        self.add_is_named(INVALID, 'new', self.settings(Access=('s', 'all')))
        self.add_is_named(INVALID, 'new', self.settings(Permissions=('as', [])))
        self.add_is_named(INVALID, 'new', self.settings(Overlap=('t', 5)))
        self.add_is_named(INVALID, 'new', self.settings(Wrong=('s', 'x')))
        self.add_is_named(INVALID, 'new', self.settings(Permissions=('as', ['contacts:read;admin:write'])))
        self.add_is_named(INVALID, 'new', self.settings(OnStillUsed=('s', 'hold\nAllow=any')))
        self.add_is_named(INVALID, '@test', self.settings())
        self.add_is_named(INVALID, '../new', self.settings())
        self.add_is_named('Exists', 'crm', self.settings())

    def test_unknown_integrations(self):
        for verb in ('get', 'rotate', 'remove', 'revoke', 'resume', 'rollback', 'confirm-deleted', 'status'):
            self.refused(verb, 'nobody', says='nobody')
        self.refused('exec', 'nobody', '--', 'true', says='nobody')
        for member, signature, *args in (
                ('GetKey', 's'), ('GetIntegration', 's'), ('RemoveIntegration', 'sb', False),
                ('Rotate', 'sa{sv}', {}), ('Resume', 's'), ('Rollback', 's'), ('ConfirmDeleted', 's'),
                ('Revoke', 'sb', False), ('Acknowledge', 'st', 1), ('ReportRejected', 'st', 1),
                ('Explain', 'ss', 'user:root'), ('GetHolders', 's')):
            self.is_named('NoSuchIntegration', member, signature, 'nobody', *args)
            self.is_named('NoSuchIntegration', member, signature, '@test', *args)

    def test_keys(self):
        live = self.world.sandbox.create_key('live', env='live')['key']
        self.refused('import', 'empty', stdin='hello', says='sk_test_')
        self.refused('import', 'empty', stdin='', code=1)
        self.refused('import', 'empty', stdin=live, says='live')
        self.refused('import', 'empty', stdin=WELL_FORMED)
        self.refused('import', 'crm', stdin=WELL_FORMED, says='crm')
        self.refused('import', 'nobody', stdin=WELL_FORMED, says='nobody')
        self.refused('import', 'empty', '--created', 'yesteryear', stdin=WELL_FORMED, code=2)
        self.refused('get', 'empty', says='empty')
        for text in ('', 'sk_test_', 'sk_test_with space', 'sk_test_a\nsk_test_b', 'sk_test_' + 'x' * 4000):
            self.import_is_named('InvalidKey', 'empty', text)
        self.import_is_named('WrongEnvironment', 'empty', live)
        self.import_is_named('InvalidKey', 'empty', WELL_FORMED)
        self.import_is_named('Exists', 'crm', WELL_FORMED)
        self.is_named('NoKey', 'GetKey', 's', 'empty')
        self.is_named('NoKey', 'Revoke', 'sb', 'empty', False)

    def test_management_keys(self):
        read = self.world.sandbox.create_key('reader', permissions=['contacts:read'])['key']
        self.refused('login', 'live', stdin=self.world.sandbox.management_key('test'), says='test')
        self.refused('login', 'test', stdin=read, says='admin:write')
        self.refused('login', 'test', stdin=WELL_FORMED)
        self.refused('login', 'prod', stdin=WELL_FORMED, code=2)
        self.refused('logout', 'live')
        self.refused('add', 'new', '--env', 'live', '--full', says='keyturn login live')
        self.add_is_named('NoManagementKey', 'new', self.settings(Environment=('s', 'live')))
        self.is_named('NoManagementKey', 'ForgetManagementKey', 's', 'live')
        with self.world.connect() as bus:
            self.upload(read, bus)
            self.is_named('Refused', 'SetManagementKey', 'sa{sv}', 'test', {}, bus=bus)

    def test_states(self):
        self.refused('resume', 'crm', says='crm')
        self.refused('rollback', 'crm', says='crm')
        self.refused('confirm-deleted', 'crm', says='crm')
        self.is_named(INVALID, 'ReportRejected', 'st', 'crm', 7)
        self.is_named(INVALID, 'Acknowledge', 'st', 'crm', 1)
        self.is_named(INVALID, 'Explain', 'ss', 'crm', 'exe:/bin/sh')
        self.is_named(INVALID, 'Rotate', 'sa{sv}', 'crm', {'Force': ('b', True)})

    def test_an_api_that_does_not_answer(self):
        api = self.world.sandbox
        for fault in ('html-200', 'html-503', 'redirect', 'error-500'):
            with self.subTest(fault=fault):
                api.set_faults({'call': 'any', 'fault': fault, 'count': 0})
                self.refused('login', 'test', stdin=api.management_key())
                self.refused('import', 'empty', stdin=WELL_FORMED)
        api.set_faults({'call': 'any', 'fault': 'html-200', 'count': 0})
        self.import_is_named('Unreachable', 'empty', WELL_FORMED)
        api.set_faults({'call': 'any', 'fault': 'rate-limit-header', 'count': 0, 'seconds': 60})
        self.import_is_named('Busy', 'empty', WELL_FORMED)

    def test_adding_what_huechat_does_not_want(self):
        self.world.sandbox.set_faults({'call': 'create', 'fault': 'error-422', 'count': 0})
        self.refused(*ADD, says='nothing was added')
        self.add_is_named('Refused', 'new', self.settings())
        self.world.sandbox.set_faults({'call': 'list', 'fault': 'html-200', 'count': 0})
        self.refused(*ADD, says='nothing was added')
        self.add_is_named('Unreachable', 'new', self.settings())

    def test_a_management_key_that_huechat_refuses(self):
        self.world.sandbox.set_faults({'call': 'create', 'fault': 'error-403'})
        self.refused(*ADD, says='keyturn login test: nothing was added')
        for _ in range(2):  # nothing is asked of HueChat until then, and nobody waits for it
            self.refused(*ADD, says='keyturn login test')
            self.refused('revoke', 'crm', says='keyturn login test')
            self.refused('remove', 'crm', '--revoke', says='keyturn login test')
        self.add_is_named('Refused', 'new', self.settings())
        self.world.login()
        self.world.add('new')

    def test_adding_with_an_outcome_that_nobody_knows(self):
        self.world.sandbox.set_faults({'call': 'create', 'fault': 'lose-reply'})
        error = self.world.error_of('AddIntegration', 'sa{sv}', 'new', self.settings())
        self.assertEqual(error.name, ERROR + 'Unreachable')
        self.assertIn('new stays', error.text)
        self.assertEqual(self.world.rotation_state('new'), 'reconciling')
        new = self.world.wait_key('new')
        self.assertEqual(sorted(l for n, l in self.world.alive() if n.startswith('new ')), [new['Last4']])
        self.assertEqual(self.world.probe(self.world.fetch('new')), 200)

    def test_a_port_that_is_closed(self):
        config = self.world.config / 'keyturn.conf'
        config.write_text('[API]\nBaseURL=http://127.0.0.1:1/v2\n')
        self.world.keyturn('reload')
        self.refused('import', 'empty', stdin=WELL_FORMED, says='BaseURL')
        self.refused('login', 'test', stdin=self.world.sandbox.management_key(), says='BaseURL')
        self.refused(*ADD, says='nothing was added')
        self.add_is_named('Unreachable', 'new', self.settings())
        self.import_is_named('Unreachable', 'empty', WELL_FORMED)
        self.assertEqual(self.world.probe(self.world.fetch('crm')), 200, 'what is there is handed out')


class NoKeyring(unittest.TestCase):
    refused, is_named, import_is_named = Refusals.refused, Refusals.is_named, Refusals.import_is_named
    upload, settings = Refusals.upload, Refusals.settings

    def check_all(self, error, says):
        key = self.made['key']
        self.refused('get', 'crm', says=says, unlocked=False)
        self.refused('exec', 'crm', '--', 'true', says=says, unlocked=False)
        self.refused(*ADD, says=says, unlocked=False)
        self.refused('import', 'empty', stdin=key, says=says, unlocked=False)
        self.refused('login', 'test', stdin=self.world.sandbox.management_key(), says=says, unlocked=False)
        self.refused('remove', 'crm', says=says, unlocked=False)
        self.is_named(error, 'GetKey', 's', 'crm')
        self.is_named(error, 'AddIntegration', 'sa{sv}', 'new', self.settings())
        self.import_is_named(error, 'empty', key)

    def setUp(self):
        self.world = self.enterContext(Running())
        self.world.add('crm')
        self.world.add('empty', '--no-issue')
        self.made = self.world.sandbox.create_key('by hand', permissions=['contacts:read'])
        self.world.wait_state('crm', 'idle')

    def wait_keyring(self, state):
        wait_for(lambda: self.world.bus.get(KEYTURN, '/org/keyturn1', 'org.keyturn1.Manager', 'KeyringState') == state,
                 30, f'a keyring that is {state}')

    def test_a_locked_keyring(self):
        items = sorted(self.world.items())
        self.world.lock_keyring()
        self.wait_keyring('locked')
        self.check_all('KeyringLocked', 'locked')
        self.world.unlock_keyring()
        self.assertEqual(sorted(self.world.items()), items)

    def test_an_absent_keyring(self):
        self.world.kill_keyring()
        self.wait_keyring('absent')
        self.check_all('KeyringAbsent', 'no keyring')


if __name__ == '__main__':
    unittest.main()
