# SPDX-License-Identifier: LGPL-2.1-or-later
"""Enabling keyturnd is all the set-up; keys outlast reboots and crashes of the keyring, of keyturnd and of its bus."""
import os
import pathlib
import pwd
import shutil
import struct
import unittest

import guest
from guest import PLACE, journal, keyturn, run, show, systemctl, wait_for

PASSWORD = pathlib.Path('/etc/credstore.encrypted/keyturn-keyring')


class FirstBoot(unittest.TestCase):
    def test_0_install_on_a_running_system(self):
        """As `meson install` does it; what booting has made is taken away before."""
        run('userdel', 'keyturn')
        shutil.rmtree('/etc/keyturn')
        run(PLACE / 'after-install', '/usr')
        self.assertEqual(pathlib.Path('/etc/keyturn/integrations').owner(), 'root')

    def test_1_enabling_is_all(self):
        self.assertFalse(PASSWORD.exists())
        systemctl('enable', '--now', 'keyturnd')
        self.assertEqual(show('keyturnd', 'ActiveState'), 'active')
        guest.wait_for_keyring()
        self.assertEqual(PASSWORD.stat().st_mode & 0o777, 0o600)
        self.assertEqual(PASSWORD.stat().st_uid, 0)
        # Files there that begin with a dot would be instructions to other services.
        self.assertEqual(pwd.getpwnam('keyturn').pw_dir, '/')

    def test_2_first_key(self):
        sandbox = guest.start_sandbox()
        guest.use_sandbox(sandbox)
        guest.log_in(sandbox)
        guest.add('crm', '--allow', 'unit:crm.service')
        guest.fetcher('crm.service', 'crm', User='daemon')
        key = guest.fetched_by('crm.service')['key']
        self.assertEqual(sandbox.call('GET', '/v2/contacts', key=key).status, 200)
        (PLACE / 'crm-key').write_text(key)
        (PLACE / 'password').write_bytes(PASSWORD.read_bytes())


    def test_3_it_can_not_be_told_that_a_password_is_lost(self):
        """A keyring without its password: nothing is made anew over it."""
        systemctl('stop', 'keyturnd', 'keyturn-keyring')
        PASSWORD.rename(PLACE / 'aside')
        try:
            self.assertNotEqual(systemctl('start', 'keyturn-keyring', check=False).returncode, 0)
            self.assertFalse(PASSWORD.exists())
            self.assertIn('restore it from a backup', journal('keyturn-keyring-setup'))
        finally:
            (PLACE / 'aside').rename(PASSWORD)

    def test_4_wrong_password(self):
        """gnome-keyring-daemon says nothing of one; the unit does, and keyturnd tells that it has no keyring."""
        PASSWORD.rename(PLACE / 'aside')
        try:
            run('systemd-creds', 'encrypt', '--name=password', '-', PASSWORD, stdin='another')
            self.assertNotEqual(systemctl('start', 'keyturn-keyring', check=False).returncode, 0)
            self.assertIn('does not open with its password', journal('keyturn-keyring'))
            systemctl('start', 'keyturnd')
            self.assertNotEqual(guest.keyring_state(), 'unlocked')
            got = guest.fetched_by('crm.service')
            self.assertIn(got['error'], ('org.keyturn1.Error.KeyringAbsent', 'org.keyturn1.Error.KeyringLocked'))
        finally:
            (PLACE / 'aside').replace(PASSWORD)
            systemctl('stop', 'keyturn-keyring')
            systemctl('reset-failed', 'keyturn-keyring')
        systemctl('start', 'keyturn-keyring')
        guest.wait_for_keyring(timeout=40)

    def test_5_keyring_is_for_keyturn_alone(self):
        for path in ('/run/keyturn-keyring', '/var/lib/keyturn'):
            status = pathlib.Path(path).stat()
            self.assertEqual((status.st_uid, status.st_mode & 0o777), (pwd.getpwnam('keyturn').pw_uid, 0o700))
        done = run('busctl', f'--address={guest.KEYRING_BUS}', 'list', user='daemon', check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertEqual(len([label for label in guest.keyring_items() if label.startswith('keyturn: crm ')]), 1)


class HostWithoutCredentials(unittest.TestCase):
    """Runs first, where systemd-creds finds no place for a key of the host's."""

    def test_it_is_said(self):
        folder = pathlib.Path('/var/lib/systemd')
        run('mount', '-t', 'tmpfs', 'tmpfs', folder)
        try:
            systemctl('enable', '--now', 'keyturnd')
            self.assertEqual(show('keyturnd', 'ActiveState'), 'active')
            self.assertEqual(show('keyturn-keyring', 'ActiveState'), 'inactive')
            self.assertIn("can't encrypt credentials", journal('keyturn-keyring-setup'))
            self.assertEqual(guest.keyring_state(), 'absent')
            sandbox = guest.start_sandbox()
            guest.use_sandbox(sandbox)
            done = keyturn('login', 'test', stdin=sandbox.management_key('test'), check=False)
            self.assertIn('keyturn-keyring', done.stderr)
        finally:
            run('umount', folder)
            systemctl('disable', '--now', 'keyturnd')
            systemctl('stop', 'sandbox')
            systemctl('reset-failed')


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

    def test_4_activation(self):
        systemctl('stop', 'keyturnd')
        self.assertTrue(keyturn('list').stdout)
        self.assertEqual(show('keyturnd', 'ActiveState'), 'active')
        systemctl('disable', '--now', 'keyturnd')
        try:
            self.assertEqual(keyturn('list', check=False).returncode, 1)
            self.assertEqual(show('keyturnd', 'ActiveState'), 'inactive')
        finally:
            guest.enable()

    def test_5_file_capability_of_the_keyring(self):
        """Debian gives gnome-keyring-daemon CAP_IPC_LOCK where it can; it has to start within the unit's limits."""
        program = shutil.which('gnome-keyring-daemon')
        capability = struct.pack('<5I', 0x02000001, 1 << 14, 0, 0, 0)  # cap_ipc_lock=ep
        os.setxattr(program, 'security.capability', capability)
        try:
            systemctl('restart', 'keyturn-keyring')
            guest.wait_for_keyring()
            self.assertEqual(self.fetch(), self.key)
        finally:
            os.removexattr(program, 'security.capability')


if __name__ == '__main__':
    guest.main(HostWithoutCredentials, FirstBoot, SecondBoot)
