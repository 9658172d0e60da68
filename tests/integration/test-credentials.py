# SPDX-License-Identifier: LGPL-2.1-or-later
"""The credentials socket, with this test in systemd's place: a key, or far more than systemd takes; never nothing."""
import secrets
import socket
import threading
import time
import unittest

from world import World, wait_for

SYSTEMD_TAKES = 1024 * 1024


class CredentialsTest(unittest.TestCase):
    def setUp(self):
        self.world = World()
        self.world.__enter__()
        self.addCleanup(self.world.close)
        self.world.start_keyring()
        self.sandbox = self.world.start_sandbox()
        self.world.start_daemon()

    def define(self, name='crm', *options):
        key = self.sandbox.create_key('made elsewhere', 'test', ['contacts:read'])['key']
        self.world.keyturn('add', name, '--env', 'test', '--scope', 'contacts:read', '--no-issue', *options)
        self.world.keyturn('import', name, stdin=key)
        return key.encode()

    def connect(self, name='crm', unit='crm.service', address=None):
        """As systemd does for LoadCredential=NAME:SOCKET in UNIT."""
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(30)
        if address is None:
            address = f'\0{secrets.token_hex(8)}/unit/{unit}/{name}'
        if address:
            client.bind(address)
        client.connect(str(self.world.runtime / 'credentials.sock'))
        return client

    def read(self, client):
        answer = b''
        with client:
            while len(answer) <= SYSTEMD_TAKES:
                piece = client.recv(65536)
                if not piece:
                    break
                answer += piece
        return answer

    def ask(self, **arguments):
        return self.read(self.connect(**arguments))

    def assert_refused(self, answer):
        self.assertGreater(len(answer), SYSTEMD_TAKES)

    def test_key(self):
        key = self.define()
        self.assertEqual(self.ask(), key)
        self.assertEqual((self.world.runtime / 'credentials.sock').stat().st_mode & 0o777, 0o600)

    def test_is_accounted_for(self):
        self.define()
        self.ask()
        wait_for(lambda: 'crm.service' in self.world.integration('crm')['LastFetchedBy'], what='the fetch')
        wait_for(lambda: self.world.manager('GetHolders', 's', 'crm'), what='the holder')

    def test_refusals(self):
        self.define('crm', '--allow', 'unit:crm.service')
        for arguments in ({'unit': 'other.service'}, {'name': 'unknown'}, {'address': '\0elsewhere'}, {'address': ''},
                          {'name': '@test'}, {'name': ''}, {'address': '\0a/unit/crm.service/crm/more'},
                          {'name': 'crm\0more'}, {'unit': 'crm'}, {'name': 'c\x1b[2Jm'}, {'unit': 'two\nlines.service'}):
            with self.subTest(**arguments):
                self.assert_refused(self.ask(**arguments))
        events = self.world.manager('GetHistory', 'st', '', 0)
        self.assertIn('refused', [event['Event'] for event in events])
        self.assertTrue(all(text.isprintable() for event in events for text in event.values() if isinstance(text, str)))

    def test_unit_that_is_only_reloaded(self):
        self.define('crm', '--reload', 'crm.service')
        self.assert_refused(self.ask())
        self.assertIn('RestartUnits', self.world.log('keyturnd'))

    def test_no_key(self):
        self.world.keyturn('add', 'crm', '--env', 'test', '--scope', 'contacts:read', '--no-issue')
        self.assert_refused(self.ask())

    def test_held_until_the_keyring_is_unlocked(self):
        key = self.define()
        self.world.lock_keyring()
        wait_for(lambda: self.world.bus.get('org.keyturn1', '/org/keyturn1', 'org.keyturn1.Manager',
                                            'KeyringState') == 'locked', what='keyturnd to see the lock')
        client = self.connect()
        client.settimeout(1)
        with self.assertRaises(TimeoutError):
            client.recv(1)
        client.settimeout(30)
        self.world.unlock_keyring()
        self.assertEqual(self.read(client), key)

    def test_refused_when_keyturnd_stops(self):
        self.define()
        self.world.lock_keyring()
        time.sleep(0.5)
        client = self.connect()
        answers = []
        reader = threading.Thread(target=lambda: answers.append(self.read(client)))
        reader.start()
        time.sleep(0.5)
        self.assertEqual(self.world.stop_daemon(), 0)
        reader.join(30)
        self.assert_refused(answers[0])

    def test_many_at_once(self):
        key = self.define()
        clients = [self.connect(unit=f'unit-{i}.service') for i in range(300)]
        for client in clients:
            self.assertEqual(self.read(client), key)

    def test_service_that_gives_up(self):
        key = self.define('crm', '--allow', 'unit:crm.service')
        for _ in range(20):
            self.connect(unit='other.service').close()
        self.assertEqual(self.ask(), key)


if __name__ == '__main__':
    unittest.main()
