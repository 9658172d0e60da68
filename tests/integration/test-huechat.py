# SPDX-License-Identifier: LGPL-2.1-or-later
"""keyturn-huechat against servers of every kind, each a raw socket that says exactly what it is told to."""
import json
import pathlib
import re
import socket
import ssl
import subprocess
import sys
import threading
import time
import unittest

from memory import find, may_look
from wire import BusError
from world import World, build_root, wait_for

KEY = 'sk_test_Gm4kXw7RzQv2TbYn9LcHs3PdJf6aMGMT'
SECRET = 'sk_test_Vq8ZtN5rKx1WuBy6HjEo4CgSm7Dp9xyz'
DATE = 'Mon, 23 Nov 2026 10:00:00 GMT'
DATE_USEC = 1795428000 * 10**6
INVALID_ARGS = 'org.freedesktop.DBus.Error.InvalidArgs'
ANSWER = {'Status', 'Sent', 'Complete', 'Error', 'Message', 'RequestId', 'Date', 'RetryAfter', 'RateLimit',
          'RateRemaining', 'RateReset'}

START_AND_SLEEP = '''
import socket, subprocess, sys, time
ours, theirs = socket.socketpair()
child = subprocess.Popen([sys.argv[1], '--bus-fd', str(theirs.fileno())], pass_fds=[ours.fileno(), theirs.fileno()])
print(child.pid, flush=True)
time.sleep(60)
'''


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


def http(status, body=b'', *headers, length=None):
    """A whole response; body is bytes or a JSON document."""
    if not isinstance(body, bytes):
        body = json.dumps(body).encode()
    lines = [f'HTTP/1.1 {status} X', f'Date: {DATE}', *headers]
    if status != 204:
        lines.append(f'Content-Length: {len(body) if length is None else length}')
    return '\r\n'.join(lines).encode() + b'\r\n\r\n' + body


class Request:
    def __init__(self, raw_head, body):
        head = raw_head.decode('latin-1').split('\r\n')
        self.method, self.target, self.version = head[0].split(' ')
        self.headers = {k.lower(): v.strip() for k, v in (line.split(':', 1) for line in head[1:] if line)}
        self.body = body


class Server:
    """Answers every connection's one request with what script is: bytes, or a function of the connection."""

    def __init__(self, script=b'', context=None, host='127.0.0.1', listen=True):
        self.script, self.context = script, context
        self.requests, self.connections = [], 0
        self.socket = socket.socket(socket.AF_INET6 if ':' in host else socket.AF_INET)
        self.socket.bind((host, 0))
        self.port = self.socket.getsockname()[1]
        if listen:
            self.socket.listen()
            threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self.serve_one, args=[connection], daemon=True).start()

    def serve_one(self, connection):
        try:
            with connection:
                if self.context:
                    connection = self.context.wrap_socket(connection, server_side=True)
                with connection:
                    self.read_request(connection)
                    if callable(self.script):
                        self.script(connection)
                    else:
                        connection.sendall(self.script)
        except OSError:
            pass

    def read_request(self, connection):
        data = b''
        while b'\r\n\r\n' not in data:
            part = connection.recv(65536)
            if not part:
                raise OSError('no request')
            data += part
        head, body = data.split(b'\r\n\r\n', 1)
        found = re.search(rb'(?i)content-length: (\d+)', head)
        while found and len(body) < int(found[1]):
            body += connection.recv(65536)
        self.requests.append(Request(head, body))

    def close(self):
        self.socket.close()


def reset(connection):
    """Ends a connection with RST."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b'\1\0\0\0\0\0\0\0')
    connection.close()


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = cls.enterClassContext(World())

    def setUp(self):
        self.helper = self.world.huechat_helper(20)
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

    def create(self, server=None, name='crm [kt 7f3a9c21.1]', type='test', access='custom', permissions=('contacts:read',),
               idempotency='7f3a9c21.1', **settings):
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


class GoodReplies(Case):
    def test_probe(self):
        server = self.server(http(200, {'data': []}))
        answer = self.probe(server)
        self.assertEqual(answer, {
            'Status': 200, 'Sent': True, 'Complete': True, 'Error': '', 'Message': '', 'RequestId': '',
            'Date': DATE_USEC, 'RetryAfter': 0, 'RateLimit': -1, 'RateRemaining': -1, 'RateReset': -1})
        request = server.requests[0]
        self.assertEqual((request.method, request.target, request.version), ('GET', '/v2/contacts?limit=1', 'HTTP/1.1'))
        self.assertEqual(request.headers['x-api-key'], KEY)
        self.assertRegex(request.headers['user-agent'], r'^keyturn/\d')
        self.assertNotIn('authorization', request.headers)
        self.assertNotIn('accept-encoding', request.headers)

    def test_bearer(self):
        server = self.server(http(200, {'data': []}))
        self.assertTrue(self.probe(server, Header='Authorization')['Complete'])
        self.assertEqual(server.requests[0].headers['authorization'], f'Bearer {KEY}')
        self.assertNotIn('x-api-key', server.requests[0].headers)

    def test_list(self):
        keys = [key_document(), key_document(id='key_2', access='full', permissions=[], created_at=None,
                                             last_used_at='2026-11-23T10:00:00.25Z', unknown={'a': [1]})]
        server = self.server(http(200, page_document(keys, total=250, has_more=True, offset=100)))
        answer, found, total, has_more = self.list(server, 100)
        self.assertTrue(answer['Complete'], answer)
        self.assertEqual((total, has_more), (250, True))
        self.assertEqual(found[0], {'Id': 'key_1', 'Name': 'crm [kt 7f3a9c21.1]', 'Type': 'test', 'Access': 'custom',
                                    'Permissions': ['contacts:read'], 'Last4': '9xyz', 'CreatedAt': DATE_USEC,
                                    'LastUsedAt': 0})
        self.assertEqual((found[1]['CreatedAt'], found[1]['LastUsedAt']), (0, DATE_USEC + 250000))
        self.assertEqual(server.requests[0].target, '/v2/api-keys?limit=100&offset=100')

    def test_get(self):
        server = self.server(http(200, key_document()))
        answer, key = self.get(server)
        self.assertTrue(answer['Complete'], answer)
        self.assertEqual(key['Id'], 'key_1')
        self.assertEqual((server.requests[0].method, server.requests[0].target), ('GET', '/v2/api-keys/key_1'))

    def test_create(self):
        server = self.server(http(201, key_document(key=SECRET)))
        answer, key, secret = self.create(server)
        self.assertTrue(answer['Complete'], answer)
        self.assertEqual((key['Id'], secret), ('key_1', SECRET))
        request = server.requests[0]
        self.assertEqual((request.method, request.target), ('POST', '/v2/api-keys'))
        self.assertEqual(request.headers['content-type'], 'application/json')
        self.assertEqual(request.headers['idempotency-key'], '7f3a9c21.1')
        self.assertNotIn('expect', request.headers)
        self.assertEqual(json.loads(request.body), {'name': 'crm [kt 7f3a9c21.1]', 'type': 'test', 'access': 'custom',
                                                    'permissions': ['contacts:read']})

    def test_delete(self):
        for reply in http(204), http(200, {}), http(202, {'ok': True}), http(200):
            server = self.server(reply)
            answer = self.delete(server)
            self.assertTrue(answer['Complete'], answer)
            self.assertEqual((server.requests[0].method, server.requests[0].target),
                             ('DELETE', '/v2/api-keys/key_1'))
            self.assertNotIn('content-type', server.requests[0].headers)

    def test_chunked(self):
        body = json.dumps({'data': []}).encode()
        server = self.server(b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n'
                             b'X-Request-Id: trailer\r\n\r\n' % (len(body), body))
        answer = self.probe(server)
        self.assertTrue(answer['Complete'], answer)
        self.assertEqual(answer['RequestId'], '')

    def test_hints_before_the_answer(self):
        server = self.server(b'HTTP/1.1 103 Early Hints\r\nX-Request-Id: early\r\n\r\n' + http(200, {'data': []}))
        answer = self.probe(server)
        self.assertEqual((answer['Status'], answer['Complete'], answer['RequestId']), (200, True, ''))

    def test_headers(self):
        server = self.server(http(200, {'data': []}, 'x-ratelimit-limit: 1000', 'X-RateLimit-Remaining:999',
                                  'X-RateLimit-Reset: 1795428060', 'X-Request-Id:  req_head '))
        answer = self.probe(server)
        self.assertEqual((answer['RateLimit'], answer['RateRemaining'], answer['RateReset'], answer['RequestId'],
                          answer['RetryAfter']), (1000, 999, 1795428060, 'req_head', 0))

    def test_twenty_in_a_row(self):
        server = self.server(http(200, page_document([key_document()])))
        for _ in range(20):
            self.assertTrue(self.list(server)[0]['Complete'])
        self.assertEqual((len(server.requests), server.connections), (20, 20))

    def test_loopback_names(self):
        server = self.server(http(200, {'data': []}))
        self.assertTrue(self.probe(BaseURL=f'http://localhost:{server.port}')['Complete'])
        self.assertEqual(server.requests[0].target, '/contacts?limit=1')
        server = self.server(http(200, {'data': []}), host='::1')
        self.assertTrue(self.probe(BaseURL=f'http://[::1]:{server.port}/v2')['Complete'])
        server = self.server(http(200, {'data': []}), host='127.8.9.1')
        self.assertTrue(self.probe(BaseURL=f'http://127.8.9.1:{server.port}/v2')['Complete'])


class Errors(Case):
    def test_documented(self):
        words = {400: 'invalid_input', 401: 'unauthorized', 403: 'forbidden', 404: 'not_found', 409: 'conflict',
                 422: 'unprocessable', 429: 'rate_limited', 500: 'internal_error', 502: 'bad_gateway',
                 503: 'unavailable'}
        for code, word in words.items():
            answer = self.probe(self.server(http(code, error_document(code, word))))
            self.assertEqual((answer['Status'], answer['Complete'], answer['Error'], answer['Message'],
                              answer['RequestId']), (code, True, word, f'About {word}', 'req_body'))

    def test_in_every_call(self):
        server = self.server(http(403, error_document(403, 'forbidden')))
        for answer, *rest in (self.create(server), self.list(server), self.get(server), [self.delete(server)]):
            self.assertEqual((answer['Complete'], answer['Error']), (True, 'forbidden'))
            self.assertFalse(any(rest), rest)

    def test_undocumented(self):
        bodies = [b'<html>Forbidden</html>', b'', b'[]', b'{"error":"forbidden"}', b'{"error":"forbidden","message":1}',
                  error_document(401, 'forbidden'), error_document(403, 'Not a word'), error_document(403, ''),
                  error_document(403, 'forbidden', code='403'), error_document(403, 'forbidden', details=[]),
                  error_document(403, 'forbidden', retry_after='soon'), json.dumps(error_document(403, 'a'))[:-1].encode(),
                  json.dumps(error_document(403, 'a')).encode() + b'x']
        for body in bodies:
            answer = self.probe(self.server(http(403, body)))
            self.assertSentInVain(answer, 403, 'HTTP 403')
            self.assertEqual(answer['Error'], '')
        self.assertSentInVain(self.probe(self.server(http(418, error_document(418, 'teapot')))), 418)

    def test_html_success(self):
        server = self.server(http(200, b'<html>Welcome to the hotel</html>', 'Content-Type: text/html'))
        for answer, *rest in ([self.probe(server)], self.create(server), self.list(server), self.get(server),
                              [self.delete(server)]):
            self.assertSentInVain(answer, 200, 'JSON')
            self.assertFalse(any(rest), rest)

    def test_echoed_key(self):
        texts = [KEY, f'"{KEY}".', 'your SK_LIVE_abc-DEF_123 is bad', f'a{KEY}b sk_test_']
        for text in texts:
            server = self.server(http(401, error_document(401, 'unauthorized', message=text, request_id=SECRET)))
            answer = self.probe(server)
            self.assertTrue(answer['Complete'])
            self.assertIn('***', answer['Message'])
            self.assertEqual(answer['RequestId'], '')
        answer = self.probe(self.server(http(401, error_document(401, 'unauthorized', message='bad: hunter2!'))),
                            key='hunter2')
        self.assertEqual(answer['Message'], 'bad: ***!')

    def test_unruly_message(self):
        answer = self.probe(self.server(http(400, error_document(400, 'invalid_input',
                                                                 message='a\r\n\tb\x1b[31m\u202e\u2028ü' + 'x' * 500))))
        self.assertTrue(answer['Message'].startswith('a b [31m ü'), answer)
        self.assertEqual(len(answer['Message']), 300)

    def test_redirect(self):
        elsewhere = self.server(http(200, {'data': []}))
        for status in 301, 302, 303, 307, 308:
            server = self.server(http(status, b'', f'Location: http://127.0.0.1:{elsewhere.port}/'))
            self.assertSentInVain(self.probe(server), status, 'redirect')
            self.assertSentInVain(self.create(server)[0], status, 'redirect')
        self.assertEqual(elsewhere.requests, [])

    def test_wrong_documents(self):
        wrong = [key_document(id=1), key_document(id='a b'), key_document(name=None), key_document(type='prod'),
                 key_document(access=['full']), key_document(permissions=None), key_document(permissions=[1]),
                 key_document(last4='xyz'), key_document(created_at='yesterday'), key_document(last_used_at=5),
                 key_document(id='key_2')]
        for document in wrong:
            answer, key = self.get(self.server(http(200, document)))
            self.assertSentInVain(answer, 200, 'missing or of a wrong kind')
            self.assertEqual(key, {})
        for secret in None, '', 5, 'two words', 'a\nb', 'x' * 600:
            answer, key, secret = self.create(self.server(http(201, key_document(key=secret))))
            self.assertSentInVain(answer, 201, '"key"')
            self.assertEqual((key, secret), ({}, ''))

    def test_wrong_pages(self):
        wrong = [{'data': []}, page_document({}), page_document([5]), page_document([key_document(id=None)]),
                 page_document([], total=-1), page_document([], has_more='no'), page_document([], offset=5),
                 page_document([], limit='100')]
        for document in wrong:
            answer, keys, total, has_more = self.list(self.server(http(200, document)))
            self.assertSentInVain(answer, 200, 'missing or of a wrong kind')
            self.assertEqual((keys, total, has_more), ([], 0, False))

    def test_probe_wants_data(self):
        for body in {}, {'data': None}, []:
            self.assertSentInVain(self.probe(self.server(http(200, body))), 200)


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
        self.assertTrue(0.6 < time.monotonic() - start < 1.5)

    def test_silence(self):
        start = time.monotonic()
        self.assertSentInVain(self.probe(self.server(lambda c: time.sleep(5)), Timeout=300000), 0, 'timed out')
        self.assertLess(time.monotonic() - start, 1.5)

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
            self.assertLess(time.monotonic() - start, 1)

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
                     {'BaseURL': 'https://a/v2/'}, {'BaseURL': 'https://a?b'}, {'BaseURL': ''}, {'Header': 'Cookie'},
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


class Surroundings(Case):
    def test_environment_does_not_count(self):
        trap = self.server(http(200, {'data': []}))
        url = f'http://127.0.0.1:{trap.port}'
        keylog = self.world.root / 'tmp' / 'keylog'
        (self.world.root / 'home' / '.netrc').write_text('default login a password b\n')
        self.world.env |= {'http_proxy': url, 'HTTPS_PROXY': url, 'ALL_PROXY': url, 'SSLKEYLOGFILE': str(keylog)}
        self.addCleanup(lambda: [self.world.env.pop(k) for k in ('http_proxy', 'HTTPS_PROXY', 'ALL_PROXY',
                                                                 'SSLKEYLOGFILE')])
        self.helper.close()
        self.helper = self.world.huechat_helper(20)
        server = self.server(http(200, {'data': []}))
        self.assertTrue(self.probe(server)['Complete'])
        self.assertNotIn('authorization', server.requests[0].headers)
        self.assertUnsent(self.probe(BaseURL='https://nowhere.invalid/v2'), 'resolve')
        self.assertEqual(trap.connections, 0)
        self.assertFalse(keylog.exists())

    def test_proxy(self):
        proxy = self.server(http(407, b'', 'X-Request-Id: proxy', 'Proxy-Authenticate: Basic realm="a"'))
        answer = self.probe(BaseURL='https://api.huechat.ai/v2', Proxy=f'http://u:hunter2@127.0.0.1:{proxy.port}')
        self.assertUnsent(answer, '407')
        self.assertEqual(answer['RequestId'], '')
        self.assertNotIn('hunter2', answer['Message'])
        self.assertEqual((proxy.requests[0].method, proxy.requests[0].target), ('CONNECT', 'api.huechat.ai:443'))
        self.assertNotIn('x-api-key', proxy.requests[0].headers)
        server = self.server(http(200, {'data': []}))
        self.assertTrue(self.probe(server, Proxy=f'http://127.0.0.1:{proxy.port}')['Complete'])
        self.assertEqual(proxy.connections, len(proxy.requests))

    def test_confined(self):
        status = pathlib.Path(f'/proc/{self.helper.process.pid}/status')
        self.probe(self.server(http(200, {'data': []})))
        text = status.read_text()
        self.assertRegex(text, r'Seccomp:\s+2')
        self.assertRegex(text, r'NoNewPrivs:\s+1')
        self.assertRegex(text, r'Name:\s+keyturn-huechat\n')

    def test_ends_with_the_connection(self):
        self.assertEqual(self.world.huechat_helper().close(), 0)

    def test_dies_with_its_parent(self):
        with subprocess.Popen([sys.executable, '-c', START_AND_SLEEP, self.program()], stdout=subprocess.PIPE,
                              text=True, env=self.world.env) as parent:
            status = pathlib.Path(f'/proc/{int(parent.stdout.readline())}/status')
            wait_for(lambda: 'Seccomp:\t2' in status.read_text(), what='the helper to be confined')
            parent.kill()
        wait_for(lambda: not status.exists() or 'State:\tZ' in status.read_text(), what='the helper to die')

    def program(self):
        return str(build_root() / 'daemon' / 'keyturn-huechat')

    def test_arguments(self):
        run = lambda *a: subprocess.run([self.program(), *a], capture_output=True, text=True)
        self.assertEqual(run('--help').returncode, 0)
        self.assertRegex(run('--version').stdout, r'^keyturn-huechat \d')
        for arguments in [], ['--bus-fd'], ['--bus-fd', 'x'], ['--bus-fd', '3', 'more'], ['--what']:
            self.assertEqual(run(*arguments).returncode, 2)
        self.assertEqual(run('--bus-fd', '77').returncode, 1)


class Encrypted(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.good = cls.authority('good', 'IP:127.0.0.1,DNS:localhost')
        cls.other = cls.authority('other', 'IP:127.0.0.1')
        cls.stranger = cls.authority('stranger', 'DNS:elsewhere.example')

    @classmethod
    def authority(cls, name, names):
        """A certificate that signs itself, and its key."""
        folder = cls.world.root / 'tmp'
        cert, key = folder / f'{name}.pem', folder / f'{name}.key'
        subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes',
                        '-keyout', key, '-out', cert, '-days', '2', '-subj', f'/CN={name}', '-addext',
                        f'subjectAltName={names}'], check=True, capture_output=True)
        return cert, key

    def tls_server(self, pair, script=None, **limits):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*pair)
        for name, value in limits.items():
            setattr(context, name, value)
        return self.server(script or http(200, {'data': []}), context=context)

    def tls_probe(self, server, pair, host='127.0.0.1', **settings):
        return self.probe(BaseURL=f'https://{host}:{server.port}/v2', CAFile=str(pair[0]), **settings)

    def test_right_authority(self):
        server = self.tls_server(self.good)
        for host in '127.0.0.1', 'localhost':
            answer = self.tls_probe(server, self.good, host)
            self.assertTrue(answer['Complete'], answer)
        self.assertEqual(server.requests[0].headers['x-api-key'], KEY)
        answer, key, secret = self.create(BaseURL=f'https://127.0.0.1:{server.port}/v2',
                                          CAFile=str(self.good[0]))
        self.assertSentInVain(answer, 200)

    def test_memory_is_erased(self):
        pid = self.helper.process.pid
        if not may_look(pid):
            self.skipTest('this memory is not to be seen')
        server = self.tls_server(self.good, http(201, key_document(key=SECRET)))
        for base in f'https://127.0.0.1:{server.port}/v2', f'https://127.0.0.1:{server.port}/other':
            answer, key, secret = self.create(BaseURL=base, CAFile=str(self.good[0]))
            self.assertEqual(secret, SECRET, answer)
        self.assertRaises(BusError, self.probe, key='')  # by now the last answer is gone
        self.assertTrue(find(pid, b'keyturn'))
        for part in KEY[12:24], KEY[-12:], SECRET[12:24], SECRET[-12:]:
            self.assertEqual(find(pid, part.encode()), [])

    def test_wrong_authority(self):
        server = self.tls_server(self.good)
        self.assertUnsent(self.tls_probe(server, self.other), 'certificate')
        self.assertUnsent(self.probe(BaseURL=f'https://127.0.0.1:{server.port}/v2'), 'certificate')
        self.assertUnsent(self.tls_probe(self.tls_server(self.stranger), self.stranger), 'certificate|subject')
        self.assertUnsent(self.tls_probe(server, ['/nonexistent/ca.pem']), 'certificate|CA')
        self.assertEqual(server.requests, [])

    def test_no_tls_there(self):
        server = self.server(b'220 Welcome\r\n')
        server.read_request = lambda connection: None
        self.assertUnsent(self.tls_probe(server, self.good), 'SSL|TLS')

    def test_old_tls(self):
        server = self.tls_server(self.good, minimum_version=ssl.TLSVersion.TLSv1,
                                 maximum_version=ssl.TLSVersion.TLSv1_1)
        self.assertUnsent(self.tls_probe(server, self.good), 'SSL|TLS|alert|protocol')

    def test_hanging_handshake(self):
        server = self.server(lambda c: time.sleep(5))
        server.read_request = lambda connection: None
        self.assertUnsent(self.tls_probe(server, self.good, Timeout=300000), 'timed out')

    def test_cut(self):
        server = self.tls_server(self.good, http(200, {'data': []}, length=500))
        self.assertSentInVain(self.tls_probe(server, self.good), 200)
        server = self.tls_server(self.good, lambda connection: None)
        self.assertSentInVain(self.tls_probe(server, self.good), 0)
        self.assertEqual(len(server.requests), 1)


if __name__ == '__main__':
    unittest.main()
