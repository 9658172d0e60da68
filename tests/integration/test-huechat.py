# SPDX-License-Identifier: LGPL-2.1-or-later
"""keyturn-huechat and what servers answer: what it believes and what not."""
import json
import unittest

from huechat import Case, KEY, SECRET, error_document, key_document, page_document
from webserver import DATE_USEC, http


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
                  error_document(403, 'forbidden', retry_after='soon'),
                  json.dumps(error_document(403, 'a'))[:-1].encode(),
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
        message = 'a\r\n\tb\x1b[31m\u202e\u2028ü' + 'x' * 500
        answer = self.probe(self.server(http(400, error_document(400, 'invalid_input', message=message))))
        self.assertTrue(answer['Message'].startswith(r'a b\x1b[31m\xe2\x80\xae\xe2\x80\xa8ü'), answer)
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


if __name__ == '__main__':
    unittest.main()
