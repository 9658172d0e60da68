# SPDX-License-Identifier: LGPL-2.1-or-later
"""Enabling keyturnd is all the set-up; keys outlast reboots and crashes of the keyring, of keyturnd and of its bus."""
import pathlib
import unittest

import guest
from guest import PLACE, keyturn, run, show, systemctl, wait_for

PASSWORD = pathlib.Path('/etc/credstore.encrypted/keyturn-keyring')


class FirstBoot(unittest.TestCase):
    def test_1_enabling_is_all(self):
        self.assertFalse(PASSWORD.exists())
        systemctl('enable', '--now', 'keyturnd')
        self.assertEqual(show('keyturnd', 'ActiveState'), 'active')
        guest.wait_for_keyring()
        self.assertEqual(PASSWORD.stat().st_mode & 0o777, 0o600)
        self.assertEqual(PASSWORD.stat().st_uid, 0)

    def test_2_first_key(self):
        sandbox = guest.start_sandbox()
        guest.use_sandbox(sandbox)
        guest.log_in(sandbox)
        keyturn('add', 'crm', '--env', 'test', '--scope', 'contacts:read', '--allow', 'unit:crm.service')
        guest.fetcher('crm.service', 'crm', User='daemon')
        key = guest.fetched_by('crm.service')['key']
        self.assertEqual(sandbox.call('GET', '/v2/contacts', key=key).status, 200)
        (PLACE / 'crm-key').write_text(key)
        (PLACE / 'password').write_bytes(PASSWORD.read_bytes())


class SecondBoot(unittest.TestCase):
    def fetch(self):
        return guest.fetched_by('crm.service').get('key')

    def setUp(self):
        guest.fetcher('crm.service', 'crm', User='daemon')
        self.key = (PLACE / 'crm-key').read_text()

    def test_1_key_outlasts_reboot(self):
        guest.wait_for_keyring()
        self.assertEqual(PASSWORD.read_bytes(), (PLACE / 'password').read_bytes())
        self.assertEqual(self.fetch(), self.key)

    def test_2_keyring_crash(self):
        daemon = show('keyturnd', 'MainPID')
        systemctl('kill', '--kill-whom=all', '--signal=KILL', 'keyturn-keyring')
        wait_for(lambda: show('keyturn-keyring', 'NRestarts') == '1', what='the keyring to be started again')
        guest.wait_for_keyring()
        self.assertEqual(show('keyturnd', 'MainPID'), daemon)
        self.assertEqual(self.fetch(), self.key)

    def test_3_daemon_crash(self):
        systemctl('kill', '--kill-whom=main', '--signal=KILL', 'keyturnd')
        wait_for(lambda: show('keyturnd', 'NRestarts') == '1' and show('keyturnd', 'ActiveState') == 'active',
                 what='keyturnd to be started again')
        guest.wait_for_keyring()
        self.assertEqual(self.fetch(), self.key)


if __name__ == '__main__':
    guest.main(FirstBoot, SecondBoot)
