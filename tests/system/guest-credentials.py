# SPDX-License-Identifier: LGPL-2.1-or-later
"""LoadCredential= for services without a line of code, and that nothing starts without its key."""
import pathlib
import socket
import subprocess
import unittest

import guest
from guest import keyturn, manager, run, show, systemctl, wait_for, write_unit

SOCKET = '/run/keyturn/credentials.sock'
USER_UNITS = pathlib.Path('/home/alice/.config/systemd/user')


def service(name, credential, *, path=SOCKET, **settings):
    lines = '\n'.join(f'{key}={value}' for key, value in settings.items())
    return (f'[Service]\nType=oneshot\nRemainAfterExit=yes\n{lines}\nLoadCredential={credential}:{path}\n'
            f'ExecStart=/bin/sh -c \'cat "$CREDENTIALS_DIRECTORY/{credential}" >/run/got/{name}; '
            f'id -un >/run/got/{name}.user\'\n')


def got(name):
    return (pathlib.Path('/run/got') / name).read_text()


def refusals(name):
    return [e['Message'] for e in manager('GetHistory', 'st', name, 0) if e['Event'] == 'refused']


class System(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        guest.add_user('alice')
        pathlib.Path('/run/got').mkdir()
        pathlib.Path('/run/got').chmod(0o777)
        guest.enable()
        cls.sandbox = guest.start_sandbox()
        guest.use_sandbox(cls.sandbox)
        guest.log_in(cls.sandbox)
        guest.add('crm', '--allow', 'unit:crm.service', '--allow', 'unit:dynamic.service')

    def refused(self, name):
        """The unit that may not have the key, and is to fail for want of it."""
        self.assertNotEqual(systemctl('start', name, check=False).returncode, 0)
        self.assertEqual(show(name, 'ExecMainStatus'), '243')
        self.assertFalse(pathlib.Path(f'/run/got/{name}').exists())

    def test_service_gets_its_key(self):
        write_unit('crm.service', service('crm', 'crm', User='alice'))
        systemctl('start', 'crm.service')
        key = got('crm')
        self.assertEqual(self.sandbox.call('GET', '/v2/contacts', key=key).status, 200)
        self.assertEqual(got('crm.user'), 'alice\n')
        holders = [h['Unit'] for h in manager('GetHolders', 's', 'crm')]
        self.assertIn('crm.service', holders)

    def test_dynamic_user(self):
        write_unit('dynamic.service', service('dynamic', 'crm', DynamicUser='yes', ReadWritePaths='/run/got'))
        systemctl('start', 'dynamic.service')
        self.assertTrue(got('dynamic').startswith('sk_test_'))
        self.assertEqual(got('dynamic.user'), 'dynamic\n')

    def test_other_unit_does_not_start(self):
        write_unit('other.service', service('other', 'crm', User='alice'))
        self.refused('other.service')
        self.assertIn('other.service', guest.journal('keyturnd'))
        self.assertTrue(refusals('crm'))

    def test_unknown_integration_does_not_start(self):
        write_unit('lost.service', service('lost', 'nothing', User='alice'))
        self.refused('lost.service')

    def start_without_keyring(self):
        """The start of a service that has to wait for its key: keyturnd's memory of it is gone, too."""
        write_unit('crm.service', service('crm', 'crm', User='alice'))
        systemctl('mask', '--runtime', 'keyturn-keyring')
        systemctl('stop', 'crm.service', 'keyturn-keyring')
        guest.wait_for_keyring('absent')
        systemctl('restart', 'keyturnd')
        start = subprocess.Popen(['systemctl', 'start', 'crm.service'])
        with self.assertRaises(subprocess.TimeoutExpired):
            start.wait(1)
        return start

    def bring_keyring_back(self, start):
        systemctl('unmask', '--runtime', 'keyturn-keyring')
        systemctl('start', 'keyturn-keyring')
        self.assertEqual(start.wait(30), 0)
        self.assertTrue(got('crm').startswith('sk_test_'))

    def test_waits_for_the_keyring(self):
        """A service that is started while the keyring is away gets its key when that is back."""
        self.bring_keyring_back(self.start_without_keyring())

    def test_waits_while_keyturnd_crashes(self):
        start = self.start_without_keyring()
        systemctl('kill', '--kill-whom=main', '--signal=KILL', 'keyturnd')
        wait_for(lambda: show('keyturnd', 'ActiveState') == 'active' and show('keyturnd', 'NRestarts') != '0',
                 what='keyturnd to be started again')
        self.bring_keyring_back(start)

    def test_ordinary_user_can_not_pretend(self):
        """Whoever binds the address of an allowed unit; the socket is root's."""
        script = ('import socket\ns = socket.socket(socket.AF_UNIX)\n'
                  's.bind("\\0abcdef/unit/crm.service/crm")\n'
                  f's.connect("{SOCKET}")\nprint(len(s.recv(100)))\n')
        done = run('python3', '-c', script, user='alice', check=False)
        self.assertIn('PermissionError', done.stderr)
        self.assertEqual(done.stdout, '')

    def test_socket_outlasts_keyturnd(self):
        before = pathlib.Path(SOCKET).stat()
        self.assertEqual((before.st_uid, before.st_mode & 0o777), (0, 0o600))
        systemctl('stop', 'keyturnd')
        write_unit('crm.service', service('crm', 'crm', User='alice'))
        systemctl('restart', 'crm.service')  # starts keyturnd
        self.assertEqual(pathlib.Path(SOCKET).stat().st_ino, before.st_ino)
        self.assertTrue(got('crm').startswith('sk_test_'))


if __name__ == '__main__':
    guest.main(System)
