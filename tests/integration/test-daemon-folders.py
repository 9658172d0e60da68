#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""System mode's two folders of definitions: root's, which keyturnd only reads and which wins, and its own. Root manages
there without polkit, so this takes root."""
import os
import pathlib
import unittest

from bus_service import BusService
from running import NAME, Running
from world import wait_for

DENIED = 'org.freedesktop.DBus.Error.AccessDenied'
EXISTS = 'org.keyturn1.Error.Exists'
SYSTEMD = 'org.freedesktop.systemd1'
UNITS = 'StartUnits=hook.service\n'
SETTINGS = {'Environment': ('s', 'test'), 'Permissions': ('as', ['contacts:read']), 'Overlap': ('s', '2s')}


class Systemd(BusService):
    """The system's manager, as far as it is needed: nobody is a unit of it, and no unit is known."""

    def meet(self, call):
        self.bus.refuse(call, f'{SYSTEMD}.NoUnitForPID', 'no unit')


class SystemMode(Running):
    systemd = None

    def start_daemon(self, *options, **more):
        self.env['DBUS_SYSTEM_BUS_ADDRESS'] = self.address
        self.systemd = self.systemd or Systemd(self.connect(timeout=None), SYSTEMD)
        return super().start_daemon('--system', *options, **more)


@unittest.skipIf(os.geteuid() != 0, 'root manages, and polkit is not here')
class Folders(unittest.TestCase):
    def setUp(self):
        self.world = self.enterContext(SystemMode())
        self.roots, self.own = (pathlib.Path(p) / 'integrations' for p in (self.world.config, self.world.state))
        self.roots.mkdir()

    def add(self, name, **settings):
        return self.world.manager('AddIntegration', 'sa{sv}', name, SETTINGS | settings)

    def add_error(self, name, **settings):
        return self.world.error_of('AddIntegration', 'sa{sv}', name, SETTINGS | settings)

    def reload(self):
        self.world.manager('Reload')

    def restart(self):
        self.world.stop_daemon()
        self.world.start_daemon()

    def settings(self, name):
        return self.world.manager('GetSettings', 's', name)

    def files(self, folder):
        return sorted(p.name for p in folder.iterdir()) if folder.exists() else []

    def test_add_writes_its_own(self):
        self.add('crm')
        self.assertEqual((self.files(self.roots), self.files(self.own)), ([], ['crm.conf']))
        self.world.wait_state('crm', 'idle')
        self.restart()
        self.assertEqual(self.world.integration('crm')['Attention'], '')
        wait_for(lambda: self.world.keyring_is_unlocked(), what='the keyring')
        self.world.manager('RemoveIntegration', 'sb', 'crm', False)
        self.assertEqual(self.files(self.own), [])

    def test_user_mode_has_one(self):
        self.world.stop_daemon()
        Running.start_daemon(self.world)
        self.world.add('crm')
        self.assertEqual((self.files(self.roots), self.files(self.own)), (['crm.conf'], []))
        self.own.mkdir()
        (self.own / 'shop.conf').write_text(NAME)
        self.reload()
        self.assertEqual(self.world.error_of('GetIntegration', 's', 'shop').name,
                         'org.keyturn1.Error.NoSuchIntegration')

    def test_settings_are_told(self):
        self.add('crm', Allow=('as', ['user:root', 'unit:crm.service']), Delivery=('s', 'pipe'))
        self.assertEqual(self.settings('crm'),
                         {'Environment': 'test', 'Access': 'custom', 'Permissions': ['contacts:read'],
                          'Management': 'api', 'RotateAfter': '90d', 'Overlap': '2s', 'MaxOverlap': '7d',
                          'OnStillUsed': 'hold', 'Allow': ['user:root', 'unit:crm.service'], 'Delivery': 'pipe'})
        (self.own / 'crm.conf').unlink()
        self.restart()
        self.assertIn('file of crm is gone', self.world.error_of('GetSettings', 's', 'crm').text)

    def test_roots_wins(self):
        self.add('crm', Allow=('as', ['user:daemon']))
        (self.roots / 'crm.conf').write_text(NAME + 'Allow=user:root\n')
        self.reload()
        self.assertEqual(self.settings('crm')['Allow'], ['user:root'])
        self.assertIn(f'{self.own}/crm.conf is set aside', self.world.log('keyturnd'))
        self.assertEqual(self.files(self.own), ['crm.conf.old'])
        (self.roots / 'crm.conf').unlink()
        for again in (self.reload, self.restart):
            again()
            self.assertIn('crm.conf is gone', self.world.integration('crm')['Attention'])

    def test_roots_wins_even_if_it_is_wrong(self):
        self.add('crm', Allow=('as', ['user:daemon']))
        (self.roots / 'crm.conf').write_text('nonsense\n')
        self.assertIn(f'{self.roots}/crm.conf:1: ', self.world.error_of('Reload').text)
        self.assertIn(f'{self.roots}/crm.conf:1: ', self.world.integration('crm')['Attention'])
        self.assertEqual(self.settings('crm')['Allow'], ['user:daemon'], 'the last good definition')
        self.assertEqual(self.files(self.own), ['crm.conf'])
        (self.roots / 'crm.conf').unlink()
        self.reload()
        self.assertEqual(self.world.integration('crm')['Attention'], '')

    def test_own_files_name_no_units(self):
        self.add('crm')
        self.world.wait_state('crm', 'idle')
        (self.own / 'crm.conf').write_text(NAME + UNITS)
        (self.own / 'shop.conf').write_text(NAME)
        (self.own / 'shop.units').write_text(' ReloadUnits = a.service;b.service\nnonsense\nRestartUnits=\x1b[2J\n')
        self.reload()
        for again in (lambda: None, self.restart, self.reload):
            again()
            self.assertNotIn('StartUnits', self.settings('crm'))
            self.assertNotIn('ReloadUnits', self.settings('shop'))
            self.assertIn('StartUnits=hook.service is not obeyed', self.world.integration('crm')['Attention'])
            self.assertEqual(self.world.integration('shop')['Attention'].split(' is ')[0],
                             'ReloadUnits=a.service;b.service')
        wait_for(lambda: self.world.manager('Rotate', 'sa{sv}', 'crm', {}), what='a rotation')
        self.world.wait_state('crm', 'idle')
        self.assertIn('StartUnits=hook.service', self.world.integration('crm')['Attention'], 'also after a rotation')
        (self.roots / 'shop.conf').write_text(NAME + UNITS)
        self.reload()
        self.assertEqual(self.world.integration('shop')['Attention'], '')
        self.assertEqual(self.settings('shop')['StartUnits'], ['hook.service'])
        self.assertEqual(self.files(self.own), ['crm.conf', 'shop.conf.old'])

    def test_units_are_refused(self):
        error = self.add_error('crm', StartUnits=('as', ['hook.service']))
        self.assertEqual(error.name, DENIED)
        self.assertIn('keyturn --system add crm', error.text)
        self.assertEqual((self.files(self.roots), self.files(self.own)), ([], []))
        self.assertEqual(self.world.sandbox.requests('POST'), [])

    def test_first_key_of_roots_file(self):
        (self.roots / 'crm.conf').write_text(NAME + UNITS)
        self.assertEqual(self.add_error('crm').name, EXISTS, 'other settings')
        self.assertEqual(self.add_error('crm', StartUnits=('as', ['other.service'])).name, EXISTS)
        self.add('crm', StartUnits=('as', ['hook.service']))
        self.assertNotEqual(self.world.integration('crm')['Last4'], '')
        self.assertEqual(self.add_error('crm', StartUnits=('as', ['hook.service'])).name, EXISTS)
        self.assertEqual((self.files(self.roots), self.files(self.own)), (['crm.conf'], []))
        self.assertEqual(len(self.world.last4s()), 1)

    def test_first_key_of_roots_file_can_not_be_had(self):
        self.world.sandbox.set_faults({'call': 'create', 'fault': 'wrong-prefix'})
        (self.roots / 'crm.conf').write_text(NAME + UNITS)
        error = self.add_error('crm', StartUnits=('as', ['hook.service']))
        self.assertIn('no key was issued', error.text)
        self.assertEqual(self.files(self.roots), ['crm.conf'])
        self.assertEqual((self.world.integration('crm')['Last4'], self.world.rotation_state('crm')), ('', 'idle'))
        self.world.sandbox.set_faults()
        self.add('crm', StartUnits=('as', ['hook.service']))

    def test_roots_file_that_is_wrong(self):
        (self.roots / 'crm.conf').write_text(NAME + 'StartUnits=no unit\n')
        error = self.add_error('crm')
        self.assertIn(f'{self.roots}/crm.conf:7: ', error.text)
        self.assertEqual(self.world.error_of('GetIntegration', 's', 'crm').name,
                         'org.keyturn1.Error.NoSuchIntegration')

    def test_an_integration_with_a_key_is_not_redefined(self):
        self.add('crm', Allow=('as', ['user:daemon']))
        (self.roots / 'crm.conf').write_text(NAME + UNITS)
        self.assertEqual(self.add_error('crm', StartUnits=('as', ['hook.service'])).name, EXISTS)
        self.assertEqual(self.settings('crm')['Allow'], ['user:daemon'], 'until it is reloaded')
        self.assertEqual(self.files(self.own), ['crm.conf'])

    def test_removal_is_roots(self):
        (self.roots / 'crm.conf').write_text(NAME)
        self.reload()
        error = self.world.error_of('RemoveIntegration', 'sb', 'crm', False)
        self.assertEqual(error.name, DENIED)
        self.assertIn('keyturn --system remove crm', error.text)
        (self.roots / 'crm.conf').rename(self.roots / 'crm.conf.removed')
        self.world.manager('RemoveIntegration', 'sb', 'crm', False)
        self.reload()
        self.assertEqual(self.world.error_of('GetIntegration', 's', 'crm').name,
                         'org.keyturn1.Error.NoSuchIntegration')


if __name__ == '__main__':
    unittest.main()
