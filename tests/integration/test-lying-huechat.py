#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A HueChat whose answers are lies, each well-formed: keyturnd believes none that would cost it a key."""
import http.server
import json
import random
import re
import string
import threading
import time
import unittest

from world import World, is_sanitized, wait_for


class Liar(http.server.ThreadingHTTPServer):
    """An account with a management key. change, if set, is called with each key and may change what is told of it."""

    def __init__(self):
        super().__init__(('127.0.0.1', 0), Handler)
        self.keys, self.made, self.change, self.more = {}, {}, None, None
        self.management = self.make('management', [])['key']
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def make(self, name, permissions):
        secret = 'sk_test_' + ''.join(random.choices(string.ascii_letters + string.digits, k=32))
        key = {'id': f'key_{len(self.keys) + 1}', 'name': name, 'type': 'test',
               'access': 'custom' if permissions else 'full', 'permissions': permissions, 'last4': secret[-4:],
               'created_at': time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime()), 'last_used_at': None, 'key': secret}
        if self.change:
            self.change(key)
        self.keys[key['id']] = key
        self.made[name.split()[0]] = key['key']
        return key


def public(key):
    return {name: value for name, value in key.items() if name != 'key'}


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def answer(self, status, document):
        if self.server.more:
            document = document | {'more': self.server.more}
        body = json.dumps(document, separators=(',', ':')).encode()
        self.send_response(status)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        keys = [public(key) for key in self.server.keys.values()]
        offset = re.search(r'api-keys\?.*offset=(\d+)', self.path)
        name = re.search(r'api-keys/(.+)', self.path)
        if offset:
            page = [] if int(offset[1]) else keys
            self.answer(200, {'data': page, 'pagination': {'limit': 100, 'offset': int(offset[1]), 'total': len(keys),
                                                           'has_more': False}})
        elif name:
            self.answer(200, next(key for key in keys if key['id'] == name[1]))
        else:
            self.answer(200, {'data': []})

    def do_POST(self):
        order = json.loads(self.rfile.read(int(self.headers['Content-Length'])))
        self.answer(201, self.server.make(order['name'], order['permissions']))

    def do_DELETE(self):
        self.server.keys.pop(self.path.rsplit('/', 1)[1], None)
        self.answer(200, {})


class Lies(unittest.TestCase):
    def setUp(self):
        self.world = self.enterContext(World())
        self.liar = Liar()
        self.addCleanup(self.liar.shutdown)
        self.addCleanup(self.liar.server_close)
        self.world.start_keyring()
        self.world.config.mkdir(mode=0o700)
        (self.world.config / 'keyturn.conf').write_text(
            f'[API test]\nBaseURL=http://127.0.0.1:{self.liar.server_port}/v2\n')
        self.world.start_daemon()

    def login(self, check=True):
        return self.world.keyturn('login', 'test', stdin=self.liar.management, check=check)

    def add(self, name, check=True):
        return self.world.keyturn('add', name, '--env', 'test', '--scope', 'contacts:read', '--overlap', '2s',
                                  check=check)

    def get(self, name):
        return self.world.keyturn('get', name, check=False).stdout

    def test_the_truth(self):
        """What follows fails for the lie alone."""
        self.login()
        self.add('crm')
        self.assertEqual(self.get('crm'), self.liar.made['crm'])

    def test_a_key_that_another_has(self):
        self.login()
        self.add('high')
        for theirs in self.liar.made['high'], self.liar.management:
            with self.subTest(theirs=theirs == self.liar.management):
                self.liar.change = lambda key, theirs=theirs: key.update(key=theirs, last4=theirs[-4:])
                name = f'low{theirs == self.liar.management}'.lower()
                done = self.add(name, check=False)
                self.assertEqual(done.returncode, 1, done)
                self.assertEqual(self.get(name), '')
        self.assertEqual(self.get('high'), self.liar.made['high'])

    def test_an_id_that_is_the_key(self):
        """It would stand in the ledger, and in a property that everybody may read."""
        self.login()
        self.liar.change = lambda key: key.update(id=key['key'])
        self.assertEqual(self.add('crm', check=False).returncode, 1)
        secret = self.liar.made['crm']
        self.world.stop_daemon()
        told = self.world.log('keyturnd').encode() + b''.join(
            path.read_bytes() for path in self.world.state.iterdir() if path.is_file())
        self.assertNotIn(secret.encode(), told)

    def test_a_management_key_whose_id_is_the_key(self):
        key = self.liar.keys.pop('key_1')
        self.liar.keys[key['key']] = key | {'id': key['key'], 'name': f'management {key["key"]}'}
        done = self.login(check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn('"id" is missing or of a wrong kind', done.stderr)
        self.assertNotIn(key['key'], done.stderr + self.world.log('keyturnd'))

    def test_a_page_of_more_than_was_asked_for(self):
        for number in range(101):
            self.liar.keys[f'x{number}'] = {'id': f'x{number}'}
        done = self.login(check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn('"data" is missing or of a wrong kind', done.stderr)

    def test_a_last_use_in_another_age(self):
        """Once HueChat tells the truth again, the lie is gone."""
        self.login()
        self.add('crm')
        for key in self.liar.keys.values():
            key['last_used_at'] = '9999-01-01T00:00:00Z'
        self.world.manager('Rotate', 'sa{sv}', 'crm', {})
        wait_for(lambda: len(self.liar.keys) == 3, 20, 'the new key')
        for key in self.liar.keys.values():
            key['last_used_at'] = '9999-01-01T00:00:00Z'
        time.sleep(4)
        self.assertLess(self.world.integration('crm')['LastUsedAt'], (time.time() + 2 * 86400) * 10**6)

    @unittest.skipIf(is_sanitized(), 'a sanitizer\'s own memory is no measure, so there is no limit')
    def test_a_document_that_takes_much_memory(self):
        """1 MiB of JSON, of which a parser makes hundreds."""
        self.login()
        self.liar.more = [{}] * 330_000
        done = self.add('crm', check=False)
        self.assertEqual(done.returncode, 1)
        self.liar.more = None
        wait_for(lambda: self.get('crm') or self.add('crm', check=False).returncode == 0, 60, 'a key after all')


if __name__ == '__main__':
    unittest.main()
