# SPDX-License-Identifier: LGPL-2.1-or-later
"""HueChat's documents, and what every test of keyturn-huechat starts with."""
import unittest

from webserver import Server
from world import World

KEY = 'sk_test_Gm4kXw7RzQv2TbYn9LcHs3PdJf6aMGMT'
SECRET = 'sk_test_Vq8ZtN5rKx1WuBy6HjEo4CgSm7Dp9xyz'
INVALID_ARGS = 'org.freedesktop.DBus.Error.InvalidArgs'
ANSWER = {'Status', 'Sent', 'Complete', 'Error', 'Message', 'RequestId', 'Date', 'RetryAfter', 'RateLimit',
          'RateRemaining', 'RateReset'}


def key_document(**fields):
    return {'id': 'key_1', 'name': 'crm [kt 7f3a9c21.1]', 'type': 'test', 'access': 'custom',
            'permissions': ['contacts:read'], 'last4': '9xyz', 'created_at': '2026-11-23T10:00:00Z',
            'last_used_at': None} | fields


def page_document(keys, offset=0, **fields):
    return {'data': keys, 'pagination': {'limit': 100, 'offset': offset, 'total': len(keys),
                                         'has_more': False} | fields}


def error_document(status, error, **fields):
    return {'error': error, 'message': f'About {error}', 'code': status, 'details': {}, 'request_id': 'req_body',
            'timestamp': '2026-11-23T10:00:00Z'} | fields


class Case(unittest.TestCase):
    options = ()  # of the helper

    @classmethod
    def setUpClass(cls):
        cls.world = cls.enterClassContext(World())

    def setUp(self):
        self.helper = self.world.huechat_helper(20, self.options)
        self.addCleanup(self.helper.close)

    def server(self, script=b'', **options):
        server = Server(script, **options)
        self.addCleanup(server.close)
        return server

    def api(self, server=None, **settings):
        values = {'BaseURL': f'http://127.0.0.1:{server.port}/v2' if server else '', 'Header': 'X-API-Key',
                  'KeysPath': '/api-keys', 'ProbePath': '/contacts?limit=1', 'CAFile': '', 'Proxy': ''} | settings
        timeout = values.pop('Timeout', 5 * 10**6)
        return {k: ('s', v) for k, v in values.items()} | {'Timeout': ('t', timeout)}

    def probe(self, server=None, key=KEY, **settings):
        answer = self.helper.call('Probe', 'a{sv}s', self.api(server, **settings), key)
        self.look_at(answer)
        return answer

    def list(self, server, offset=0, **settings):
        answer, keys, total, has_more = self.helper.call('List', 'a{sv}suu', self.api(server, **settings), KEY, 100,
                                                         offset)
        self.look_at(answer)
        return answer, keys, total, has_more

    def get(self, server, id='key_1'):
        answer, key = self.helper.call('Get', 'a{sv}ss', self.api(server), KEY, id)
        self.look_at(answer)
        return answer, key

    def delete(self, server, id='key_1', **settings):
        answer = self.helper.call('Delete', 'a{sv}ss', self.api(server, **settings), KEY, id)
        self.look_at(answer)
        return answer

    def create(self, server=None, name='crm [kt 7f3a9c21.1]', type='test', access='custom',
               permissions=('contacts:read',), idempotency='7f3a9c21.1', **settings):
        answer, key, secret = self.helper.call('Create', 'a{sv}ssssass', self.api(server, **settings), KEY, name, type,
                                               access, list(permissions), idempotency)
        self.look_at(answer)
        return answer, key, secret

    def look_at(self, answer):
        """What holds for every answer."""
        self.assertEqual(set(answer), ANSWER)
        message = answer['Message']
        self.assertTrue(message.isprintable() and len(message) <= 300, message)
        self.assertNotRegex(message, r'(?i)sk_(live|test)_')
        if answer['Status']:
            self.assertTrue(answer['Sent'])
        if answer['Complete']:
            self.assertTrue((200 <= answer['Status'] < 300) == (answer['Error'] == ''))

    def assertUnsent(self, answer, words):
        self.assertEqual((answer['Status'], answer['Sent'], answer['Complete']), (0, False, False), answer)
        self.assertRegex(answer['Message'], words)

    def assertSentInVain(self, answer, status, words='.'):
        self.assertEqual((answer['Status'], answer['Sent'], answer['Complete']), (status, True, False), answer)
        self.assertRegex(answer['Message'], words)
