#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Files say what an integration is: written by add, edited by hand, taken in anew, wrong, and gone."""
import os
import signal
import unittest

from running import NAME, Running
from wire import MEMBER
from world import MANAGER, wait_for

INVALID = 'org.freedesktop.DBus.Error.InvalidArgs'


class Files(unittest.TestCase):
    def setUp(self):
        self.world = self.enterContext(Running())
        self.world.add('crm', '--allow', 'user:root', '--allow', f'user:{os.getuid()}')
        self.world.wait_state('crm', 'idle')
        self.file = self.world.config / 'integrations' / 'crm.conf'

    def edit(self, old, new, file=None):
        text = (file or self.file).read_text()
        self.assertIn(old, text)
        (file or self.file).write_text(text.replace(old, new))

    def line_of(self, text):
        return 1 + [text in line for line in self.file.read_text().splitlines()].index(True)

    def reload(self):
        """By SIGHUP; returns what was logged then."""
        before = len(self.world.log('keyturnd'))
        self.world.daemon.send_signal(signal.SIGHUP)
        wait_for(lambda: len(self.world.log('keyturnd')) > before, what='a line in the log')
        self.world.bus.ask_bus('GetId')
        self.world.integration('crm')
        return self.world.log('keyturnd')[before:]

    def test_what_add_writes(self):
        text = self.file.read_text()
        lines = [line for line in text.splitlines() if not line.startswith('#')]
        self.assertEqual(lines[:4], ['[Integration]', 'Environment=test', 'Access=custom', 'Permissions=contacts:read'])
        self.assertIn('Overlap=2s', lines)
        self.assertIn(f'Allow=user:root;user:{os.getuid()}', lines)
        self.assertEqual(self.file.stat().st_mode & 0o777, 0o644)  # polkit's rule reads it
        self.assertEqual(os.listdir(self.file.parent), ['crm.conf'], 'no temporary file is left')
        before = self.world.integration('crm')
        self.world.keyturn('reload')
        self.assertEqual(self.world.integration('crm'), before)

    def test_changes_are_taken_in(self):
        self.edit('Overlap=2s', 'Overlap=3s')
        self.assertIn('taken in anew', self.reload())
        self.assertEqual(self.world.integration('crm')['Overlap'], 3 * 10**6)
        self.edit('RotateAfter=90d', 'RotateAfter=infinity')
        with self.world.watching('org.freedesktop.DBus.Properties') as bus:
            self.world.manager('Reload')
            change = bus.next_signal().body[1]
        self.assertEqual((change['RotateAfter'], change['DueAt']), (2**64 - 1, 0))

    def test_a_shorter_age_rotates_at_once(self):
        old = self.world.integration('crm')['Last4']
        self.edit('RotateAfter=90d', 'RotateAfter=5s')
        self.world.keyturn('reload')
        wait_for(lambda: old not in self.world.last4s(), 30, 'the old key to go')
        self.edit('RotateAfter=5s', 'RotateAfter=90d')
        self.world.keyturn('reload')

    def wrong(self, change, says):
        """A change that can't be taken; file and line are told, and the last good definition stays."""
        good, before = self.file.read_text(), self.world.integration('crm')
        self.edit(*change)
        line = self.line_of(change[1].split('\n')[-1])
        error = self.world.error_of('Reload')
        self.assertIn(f'{self.file}:{line}: ', error.text)
        self.assertIn(says, error.text)
        self.assertIn(f'{self.file}:{line}: ', self.reload())
        after = self.world.integration('crm')
        self.assertIn(f'{self.file}:{line}: ', after.pop('Attention'))
        self.assertEqual(after | {'Attention': ''}, before)
        self.assertEqual(self.world.probe(self.world.fetch('crm')), 200)
        self.file.write_text(good)
        self.world.keyturn('reload')
        self.assertEqual(self.world.integration('crm')['Attention'], '')

    def test_what_is_wrong_is_told_with_its_line(self):
        self.wrong(('Permissions=contacts:read', 'Permissions=contacts:red'), 'contacts:red')
        self.wrong(('Overlap=2s', 'Overlap=2 parsecs'), '2 parsecs')
        self.wrong(('Access=custom', 'Access=custom\nAcces=full'), 'Acces')
        self.wrong(('Overlap=2s', 'Overlap=2s\nOverlap=3s'), 'Overlap')
        self.wrong(('Delivery=any', 'Delivery=email'), 'email')
        self.wrong(('Management=api', 'Management=api # by itself'), 'api # by itself')
        self.wrong(('Overlap=2s', 'Overlap=2s\nnonsense'), 'neither Setting=value')

    def test_the_environment_stays(self):
        self.edit('Environment=test', 'Environment=live')
        error = self.world.error_of('Reload')
        self.assertIn("can't be changed", error.text)
        self.assertIn(str(self.file), error.text)
        self.assertEqual(self.world.integration('crm')['Environment'], 'test')
        self.world.stop_daemon()
        self.world.start_daemon()
        self.assertEqual(self.world.integration('crm')['Environment'], 'test', 'nor by a restart')

    def test_one_wrong_file_stops_no_other(self):
        self.world.write_definition('bad', NAME.replace('custom', 'most'))
        self.world.write_definition('New App', NAME)
        self.world.write_definition('good', NAME)
        error = self.world.error_of('Reload')
        self.assertIn('1 more', error.text)
        self.assertEqual(self.world.integration('good')['Name'], 'good')
        self.assertEqual(self.world.error_of('GetIntegration', 's', 'bad').name,
                         'org.keyturn1.Error.NoSuchIntegration')
        log = self.world.log('keyturnd')
        self.assertIn('bad.conf:3: ', log)
        self.assertIn('New App.conf', log)

    def test_a_new_file_makes_an_integration(self):
        self.world.write_definition('fresh')
        with self.world.watching('org.freedesktop.DBus.ObjectManager') as bus:
            self.reload()
            self.assertEqual(bus.next_signal().fields[MEMBER], 'InterfacesAdded')
        fresh = self.world.integration('fresh')
        self.assertEqual((fresh['Permissions'], fresh['KeyId'], fresh['DueAt']), (['contacts:read'], '', 0))
        self.world.keyturn('rotate', 'fresh', '--wait')
        self.assertEqual(self.world.probe(self.world.fetch('fresh')), 200)

    def test_a_vanished_file_is_attention(self):
        self.file.rename(self.file.with_suffix('.away'))
        with self.world.watching(MANAGER) as bus:
            self.world.keyturn('reload')
            signal_ = bus.next_signal()
        self.assertEqual((signal_.fields[MEMBER], signal_.body[0]), ('AttentionNeeded', 'crm'))
        self.assertIn('crm.conf is gone', self.world.integration('crm')['Attention'])
        self.assertEqual(self.world.probe(self.world.fetch('crm')), 200, 'the key stays')
        self.world.stop_daemon()
        self.world.start_daemon()
        self.assertIn('crm.conf is gone', self.world.integration('crm')['Attention'])
        self.assertEqual(len(self.world.last4s()), 1)
        self.file.with_suffix('.away').rename(self.file)
        self.world.keyturn('reload')
        self.assertEqual(self.world.integration('crm')['Attention'], '')
        self.assertEqual(self.world.integration('crm')['Permissions'], ['contacts:read'])

    def test_a_key_without_a_definition(self):
        """After a restart nobody knows any more what it may do, who may fetch it, and how."""
        before = self.world.last4s()
        self.file.unlink()
        self.world.stop_daemon()
        self.world.start_daemon()
        self.assertIn('file of crm is gone', self.world.error_of('Rotate', 'sa{sv}', 'crm', {}).text)
        self.assertEqual(self.world.error_of('GetKey', 's', 'crm').name, 'org.freedesktop.DBus.Error.AccessDenied')
        self.assertEqual(self.world.keyturn('get', 'crm', check=False).returncode, 1)
        self.assertEqual(self.world.last4s(), before)
        self.world.keyturn('remove', 'crm')
        self.assertEqual(self.world.error_of('GetKey', 's', 'crm').name, 'org.keyturn1.Error.NoSuchIntegration')

    def test_a_file_that_is_wrong_at_the_start(self):
        good = self.file.read_text()
        self.edit('Delivery=any', 'Delivery=email')
        self.world.stop_daemon()
        self.world.start_daemon()
        self.assertIn('crm.conf', self.world.integration('crm')['Attention'])
        self.assertEqual(self.world.error_of('GetKey', 's', 'crm').name, 'org.freedesktop.DBus.Error.AccessDenied')
        self.file.write_text(good)
        self.world.keyturn('reload')
        wait_for(lambda: self.world.keyturn('get', 'crm', check=False).returncode == 0, what='the key')

    def test_changed_permissions_apply_at_the_next_rotation(self):
        self.edit('Permissions=contacts:read', 'Permissions=contacts:read;channels:read')
        self.world.keyturn('reload')
        drifting = self.world.integration('crm')
        self.assertEqual(drifting['Permissions'], ['contacts:read'], 'what the key may do')
        self.assertIn('contacts:read channels:read', drifting['Attention'])
        self.assertEqual(self.world.sandbox.keys(valid=True)[-1]['permissions'], ['contacts:read'])
        self.world.keyturn('rotate', 'crm', '--wait')
        self.assertEqual(self.world.sandbox.keys(valid=True)[-1]['permissions'], ['contacts:read', 'channels:read'])
        after = self.world.integration('crm')
        self.assertEqual((after['Permissions'], after['Attention']), (['contacts:read', 'channels:read'], ''))

    def test_delivery_by_pipe_alone(self):
        self.edit('Delivery=any', 'Delivery=pipe')
        self.world.keyturn('reload')
        self.assertEqual(self.world.error_of('GetKey', 's', 'crm').name, 'org.freedesktop.DBus.Error.AccessDenied')
        self.assertEqual(self.world.probe(self.world.fetch_by_socket('crm')[0]), 200)

    def test_settings(self):
        config = self.world.config / 'keyturn.conf'
        good = config.read_text()
        config.write_text(good.replace('[API]\n', '[API]\nTimeout=tomorrow\n'))
        self.assertIn(f'{config}:2: ', self.world.error_of('Reload').text)
        self.assertIn(f'{config}:2: ', self.reload())
        self.world.keyturn('rotate', 'crm', '--wait')  # by the settings that were good
        config.write_text(good.replace('[API test]\n', '[API test]\nHeader=Authorization\n'))
        self.world.keyturn('reload')
        self.assertEqual(self.world.integration('crm')['HeaderName'], 'Authorization')
        self.world.keyturn('rotate', 'crm', '--wait')


if __name__ == '__main__':
    unittest.main()
