# SPDX-License-Identifier: LGPL-2.1-or-later
"""keyturn-huechat and servers that are slow, huge, cut off or not there, and calls that make no sense."""
import json
import time
import unittest

from huechat import Case, INVALID_ARGS, KEY, SECRET, error_document, key_document
from webserver import http, reset
from wire import BusError
from world import wait_for


class Limits(Case):
    def retry_after(self, *headers, status=429, **fields):
        server = self.server(http(status, error_document(status, 'rate_limited', **fields), *headers))
        return self.probe(server)['RetryAfter'] / 10**6

    def test_hints(self):
        self.assertEqual(self.retry_after(), 0)
        self.assertEqual(self.retry_after('Retry-After: 30'), 30)
        self.assertEqual(self.retry_after('Retry-After: Mon, 23 Nov 2026 10:00:45 GMT'), 45)
        self.assertEqual(self.retry_after('Retry-After: Monday, 23-Nov-26 10:00:45 GMT'), 45)
        self.assertEqual(self.retry_after('Retry-After: Mon, 23 Nov 2026 09:00:00 GMT'), 0)
        self.assertEqual(self.retry_after(retry_after=12), 12)
        self.assertEqual(self.retry_after('X-RateLimit-Reset: 1795428050'), 50)
        self.assertEqual(self.retry_after('X-RateLimit-Reset: 1795428050', status=503), 0)
        self.assertEqual(self.retry_after('Retry-After: 7', status=503), 7)
        self.assertEqual(self.retry_after('Retry-After: 30', 'X-RateLimit-Reset: 1795428050', retry_after=40), 50)

    def test_absurd_hints(self):
        day = 86400
        for value in '999999999', '9223372036854775807', 'Fri, 23 Nov 2029 10:00:00 GMT':
            self.assertEqual(self.retry_after(f'Retry-After: {value}'), day)
        self.assertEqual(self.retry_after(retry_after=2**62), day)
        for value in '-5', 'soon', '1e9', '99999999999999999999', '':
            self.assertEqual(self.retry_after(f'Retry-After: {value}'), 0)

    def test_plain_429(self):
        answer = self.probe(self.server(http(429, b'Slow down', 'Retry-After: 30')))
        self.assertEqual((answer['Status'], answer['Complete'], answer['RetryAfter']), (429, False, 30 * 10**6))

    def test_huge_body(self):
        sent = []

        def script(connection):
            connection.sendall(b'HTTP/1.1 200 OK\r\n\r\n')
            while sum(sent) < 64 * 2**20:
                sent.append(connection.send(b' ' * 65536))

        self.assertSentInVain(self.probe(self.server(script)), 200, '1 MiB')
        wait_for(lambda: sum(sent) < 64 * 2**20, what='the connection to be broken off')
        body = json.dumps({'data': ['x' * (2**20 - 14)]}).encode()
        self.assertEqual(len(body), 2**20)
        self.assertTrue(self.probe(self.server(http(200, body)))['Complete'])
        self.assertSentInVain(self.probe(self.server(http(200, body + b' '))), 200, '1 MiB')

    def test_many_headers(self):
        self.assertSentInVain(self.probe(self.server(http(200, {'data': []}, *['A: b'] * 200))), 200, 'headers')
        self.assertSentInVain(self.probe(self.server(http(200, {'data': []}, *['A: ' + 'b' * 9000] * 10))), 200,
                              'headers')

    def test_deep_json(self):
        for body in b'{"data":' + b'[' * 100000, b'{"data":' + b'[' * 50 + b']' * 50 + b'}':
            self.assertSentInVain(self.probe(self.server(http(200, body))), 200, 'JSON')

    def test_slow_bytes(self):
        def script(connection):
            for byte in http(200, {'data': []}):
                connection.sendall(bytes([byte]))
                time.sleep(0.1)

        start = time.monotonic()
        self.assertSentInVain(self.probe(self.server(script), Timeout=700000), 0, 'timed out')
        self.assertTrue(0.6 < time.monotonic() - start < 4)

    def test_silence(self):
        start = time.monotonic()
        self.assertSentInVain(self.probe(self.server(lambda c: time.sleep(5)), Timeout=300000), 0, 'timed out')
        self.assertLess(time.monotonic() - start, 4)

    def test_cut_body(self):
        whole = http(200, {'data': []})
        for cut in whole[:-3], http(200, {'data': []}, length=500):
            self.assertSentInVain(self.probe(self.server(cut)), 200)
        self.assertSentInVain(self.create(self.server(http(201, key_document(key=SECRET))[:-1]))[0], 201)
        self.assertSentInVain(self.probe(self.server(b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'
                                                     b'b\r\n{"data":[]}\r\n')), 200)

    def test_reset(self):
        def script(connection):
            connection.sendall(http(200, {'data': []}, length=500))
            time.sleep(0.1)
            reset(connection)

        self.assertSentInVain(self.probe(self.server(script)), 200)
        for script in reset, lambda connection: None, b'HTTP/1.1 200', b'SSH-2.0-OpenSSH\r\n', b'\0\0\0\0':
            server = self.server(script)
            answer, key, secret = self.create(server)
            self.assertSentInVain(answer, 0)
            self.assertSentInVain(self.delete(server), 0)
            self.assertEqual((len(server.requests), server.connections), (2, 2))

    def test_only_an_interim_answer(self):
        self.assertSentInVain(self.probe(self.server(b'HTTP/1.1 102 Processing\r\n\r\n')), 0)


class Refusals(Case):
    def test_no_server(self):
        closed = self.server(listen=False)
        self.assertUnsent(self.probe(closed), 'refused|connect')
        self.assertUnsent(self.create(closed)[0], 'refused|connect')

    def test_no_name(self):
        self.assertUnsent(self.probe(BaseURL='https://nowhere.invalid/v2'), 'resolve')

    def test_plain_http_elsewhere(self):
        for base in ('http://192.0.2.1/v2', 'http://api.huechat.ai/v2', 'http://localhost.example.com', 'http://[::2]',
                     'http://0.0.0.0', 'http://127.0.0.1.example.com', 'http://[::ffff:127.0.0.1]', 'http://128.0.0.1'):
            start = time.monotonic()
            self.assertUnsent(self.probe(BaseURL=base), 'loopback')
            self.assertLess(time.monotonic() - start, 4)

    def test_odd_paths(self):
        server = self.server(http(200, {'data': []}))
        base = f'http://127.0.0.1:{server.port}/a@b/../c'
        self.assertTrue(self.probe(BaseURL=base, ProbePath="/d;e='f'?g[]=h")['Complete'])
        self.assertEqual(server.requests[0].target, "/a@b/../c/d;e='f'?g[]=h")

    def test_odd_urls(self):
        for base in 'https://', 'https://a:99999999/', 'https://[', 'https://a b':
            try:
                answer = self.probe(BaseURL=base)
            except BusError as error:
                self.assertEqual(error.name, INVALID_ARGS)
            else:
                self.assertUnsent(answer, 'URL|resolve')

    def test_senseless_api(self):
        senseless = [{'BaseURL': 'ftp://a'}, {'BaseURL': 'file:///etc/passwd'}, {'BaseURL': 'https://u:p@a'},
                     {'BaseURL': 'https://a/v2/'}, {'BaseURL': 'https://a?b'}, {'BaseURL': 'https:///v2'}, {'BaseURL': ''}, {'Header': 'Cookie'},
                     {'Header': 'X-API-Key: a\r\nB'}, {'KeysPath': 'api-keys'}, {'KeysPath': '/a?b'},
                     {'ProbePath': 'contacts'}, {'ProbePath': '/a b'}, {'CAFile': 'ca.pem'}, {'Proxy': 'a b'},
                     {'Timeout': 0}, {'Timeout': 2**64 - 1}]
        server = self.server(http(200, {'data': []}))
        for settings in senseless:
            with self.assertRaises(BusError, msg=settings) as caught:
                self.probe(server, **settings)
            self.assertEqual(caught.exception.name, INVALID_ARGS)
        for api in {}, {'BaseURL': ('s', 'https://a')}, self.api(server) | {'Timeout': ('s', '5s')}, \
                self.api(server) | {'Header': ('u', 1)}:
            with self.assertRaises(BusError, msg=api) as caught:
                self.helper.call('Probe', 'a{sv}s', api, KEY)
            self.assertEqual(caught.exception.name, INVALID_ARGS)
        self.assertEqual(server.connections, 0)

    def test_senseless_arguments(self):
        server = self.server(http(200, {'data': []}))
        calls = []
        for key in '', 'a b', 'a\r\nX-Evil: 1', 'a\n', 'ü', 'x' * 600:
            calls.append(lambda key=key: self.probe(server, key=key))
        for id in '', '.', '..', '...', 'a b', 'a\nb', 'x' * 200:
            calls.append(lambda id=id: self.get(server, id))
            calls.append(lambda id=id: self.delete(server, id))
        for wish in ({'name': ''}, {'name': 'a\nb'}, {'type': 'prod'}, {'access': 'all'}, {'permissions': []},
                     {'permissions': ['a b']}, {'idempotency': 'a\r\nb'}, {'idempotency': ''}):
            calls.append(lambda wish=wish: self.create(server, **wish))
        for limit in 0, 100000:
            calls.append(lambda limit=limit: self.helper.call('List', 'a{sv}suu', self.api(server), KEY, limit, 0))
        for call in calls:
            with self.assertRaises(BusError) as caught:
                call()
            self.assertEqual(caught.exception.name, INVALID_ARGS)
            self.assertNotIn(KEY, caught.exception.text)
        self.assertEqual(server.connections, 0)

    def test_ids_stay_one_segment(self):
        server = self.server(http(204))
        for id, target in (('a/b', 'a%2Fb'), ('../../users/1', '..%2F..%2Fusers%2F1'), ('a?b#c', 'a%3Fb%23c'),
                           ('a%2e', 'a%252e'), ('key_A-1.z~', 'key_A-1.z~')):
            self.assertTrue(self.delete(server, id)['Complete'])
            self.assertEqual(server.requests[-1].target, f'/v2/api-keys/{target}')


if __name__ == '__main__':
    unittest.main()
