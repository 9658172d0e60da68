# SPDX-License-Identifier: LGPL-2.1-or-later
"""keyturnd for one user, under that user's manager: D-Bus, D-Bus activation and LoadCredential=."""
import pathlib
import pwd
import unittest

import guest
from guest import run, wait_for

UNITS = pathlib.Path('/home/alice/.config/systemd/user')
KEYRING = '''[Service]
Type=dbus
BusName=org.freedesktop.secrets
ExecStart=/bin/sh -c 'printf password | exec gnome-keyring-daemon --foreground --unlock --components=secrets'
'''
READER = '''[Service]
Type=oneshot
RemainAfterExit=yes
LoadCredential=crm:%t/keyturn/credentials.sock
ExecStart=/bin/sh -c 'cat "$CREDENTIALS_DIRECTORY/crm" >%h/{name}'
'''


class User(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        guest.add_user('alice')
        guest.add_user('bob')
        cls.uid = pwd.getpwnam('alice').pw_uid
        run('loginctl', 'enable-linger', 'alice')
        wait_for(lambda: pathlib.Path(f'/run/user/{cls.uid}/bus').exists(), what="alice's manager")
        cls.sandbox = guest.start_sandbox()
        cls.as_alice('mkdir', '-p', UNITS, '/home/alice/.config/keyturn')
        base = f'BaseURL={cls.sandbox.url}/v2\n'
        pathlib.Path('/home/alice/.config/keyturn/keyturn.conf').write_text(f'[API live]\n{base}[API test]\n{base}')
        for name, text in (('test-keyring.service', KEYRING), ('reader.service', READER.format(name='reader')),
                           ('other.service', READER.format(name='other'))):
            (UNITS / name).write_text(text)
        cls.as_alice('systemctl', '--user', 'daemon-reload')
        cls.as_alice('systemctl', '--user', 'start', 'test-keyring')
        cls.as_alice('systemctl', '--user', 'enable', '--now', 'keyturnd')
        wait_for(lambda: 'unlocked' in cls.keyring_state(), what='the keyring')
        cls.as_alice('keyturn', 'login', 'test', stdin=cls.sandbox.management_key('test'))
        cls.as_alice('keyturn', 'add', 'crm', '--env', 'test', '--scope', 'contacts:read', '--allow',
                     'unit:reader.service', '--allow', 'user:alice+unit:shell.service')
        cls.as_alice('keyturn', 'add', 'open', '--env', 'test', '--scope', 'contacts:read')

    @classmethod
    def as_alice(cls, *argv, **options):
        runtime = f'/run/user/{cls.uid}'
        return run(*argv, user='alice', env={
            'XDG_RUNTIME_DIR': runtime, 'DBUS_SESSION_BUS_ADDRESS': f'unix:path={runtime}/bus',
            'HOME': '/home/alice'}, **options)

    @classmethod
    def keyring_state(cls):
        return cls.as_alice('busctl', '--user', 'get-property', 'org.keyturn1', '/org/keyturn1',
                            'org.keyturn1.Manager', 'KeyringState', check=False).stdout

    def key(self, name):
        return self.as_alice('keyturn', 'get', name).stdout

    def test_own_programs(self):
        self.assertTrue(self.key('open').startswith('sk_test_'))

    def test_rules_of_units(self):
        done = self.as_alice('systemd-run', '--user', '--wait', '--pipe', '--unit=shell', 'keyturn', 'get', 'crm')
        self.assertTrue(done.stdout.startswith('sk_test_'))
        done = self.as_alice('systemd-run', '--user', '--wait', '--pipe', '--unit=strange', 'keyturn', 'get', 'crm',
                             check=False)
        self.assertNotIn('sk_test_', done.stdout)
        self.assertIn('not allowed', done.stderr)

    def test_load_credential(self):
        self.as_alice('systemctl', '--user', 'start', 'reader')
        self.assertTrue(pathlib.Path('/home/alice/reader').read_text().startswith('sk_test_'))
        done = self.as_alice('systemctl', '--user', 'start', 'other', check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertFalse(pathlib.Path('/home/alice/other').exists())

    def test_activation(self):
        before = self.key('open')
        self.as_alice('systemctl', '--user', 'stop', 'keyturnd.service')
        self.assertEqual(self.key('open'), before)
        self.as_alice('systemctl', '--user', 'disable', '--now', 'keyturnd.service')
        try:
            done = self.as_alice('keyturn', 'get', 'open', check=False)
            self.assertEqual(done.returncode, 1)
        finally:
            self.as_alice('systemctl', '--user', 'enable', '--now', 'keyturnd')
            wait_for(lambda: 'unlocked' in self.keyring_state(), what='the keyring')

    def test_nobody_else_gets_near(self):
        socket = f'/run/user/{self.uid}/keyturn/credentials.sock'
        script = f'import socket\nsocket.socket(socket.AF_UNIX).connect("{socket}")\n'
        self.assertIn('PermissionError', run('python3', '-c', script, user='bob', check=False).stderr)
        done = run('busctl', f'--address=unix:path=/run/user/{self.uid}/bus', 'list', user='bob', check=False)
        self.assertNotEqual(done.returncode, 0)


if __name__ == '__main__':
    guest.main(User)
