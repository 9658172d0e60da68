# SPDX-License-Identifier: LGPL-2.1-or-later
"""keyturn-sandbox goes wrong in every way that it can be told to, and in no other."""
import http.client
import json
import socket
import threading
import time
import unittest

from world import World, wait_for

ORDER = {'name': 'crm', 'type': 'test', 'access': 'custom', 'permissions': ['contacts:read']}


class Faults(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = World().__enter__()
        cls.addClassCleanup(cls.world.close)
        cls.sandbox = cls.world.start_sandbox()
        cls.management = cls.sandbox.management_key()

    def setUp(self):
        self.sandbox.set_faults()
        self.known = len(self.sandbox.keys())

    def fault(self, call, fault, **more):
        self.sandbox.set_faults({'call': call, 'fault': fault} | more)

    def create(self, timeout=30, **headers):
        return self.sandbox.call('POST', '/v2/api-keys', ORDER, self.management, headers, timeout)

    def list(self, query='?limit=100'):
        return self.sandbox.call('GET', f'/v2/api-keys{query}', key=self.management)

    def get(self, key_id):
        return self.sandbox.call('GET', f'/v2/api-keys/{key_id}', key=self.management)

    def probe(self, key):
        return self.sandbox.call('GET', '/v2/contacts?limit=1', key=key)

    def created(self):
        """How many keys were created in this test."""
        return len(self.sandbox.keys()) - self.known

    # When

    def test_count_skip_and_order(self):
        self.sandbox.set_faults({'call': 'list', 'fault': 'error-500', 'skip': 1, 'count': 2},
                                {'call': 'any', 'fault': 'error-503', 'count': 0, 'skip': 2})
        self.assertEqual([self.list().status for _ in range(6)], [200, 500, 500, 200, 503, 503])
        self.assertEqual([f['fault'] for f in self.sandbox.faults_left()], ['error-503'])
        self.assertEqual(self.sandbox.requests()[-1]['fault'], 'error-503')

    def test_calls(self):
        key = self.sandbox.create_key('crm')
        calls = {'create': self.create, 'list': self.list, 'get': lambda: self.get(key['id']),
                 'probe': lambda: self.probe(key['key']),
                 'delete': lambda: self.sandbox.call('DELETE', f'/v2/api-keys/{key["id"]}', key=self.management),
                 'other': lambda: self.probe(self.management)}
        for wanted in ('create', 'list', 'get', 'probe', 'delete'):
            self.fault(wanted, 'error-502', count=0)
            for name, call in calls.items():
                self.assertEqual(call().status == 502, name == wanted, (wanted, name))
            if wanted == 'delete':
                self.assertTrue(self.sandbox.keys(id=key['id'])[0]['valid'])
            else:
                key = self.sandbox.create_key('crm')

    def test_faults_that_make_no_sense(self):
        self.fault('list', 'error-500', count=0)
        for faults in ({}, [7], [{'fault': 'nothing'}], [{'call': 'list'}], [{'call': 'lst', 'fault': 'slow'}],
                       [{'call': 'list', 'fault': 'same-id'}], [{'fault': 'slow', 'count': -1}],
                       [{'fault': 'slow', 'seconds': 'x'}], [{'fault': 'slow', 'second': 1}],
                       [{'fault': 'slow', 'commit': False}], [{'fault': 'delay', 'seconds': -1}]):
            status, answer = self.sandbox.request('POST', '/sandbox/faults', faults)
            self.assertEqual((status, answer['error']), (400, 'invalid_input'), faults)
        self.assertEqual(self.list().status, 500)

    def test_file(self):
        path = self.world.root / 'faults'
        path.write_text('[{"call":"list","fault":"error-500","count":0}]')
        with World() as world:
            sandbox = world.start_sandbox('--fault-file', str(path))
            request = ('GET', '/v2/api-keys', None, sandbox.management_key())
            self.assertEqual(sandbox.request(*request)[0], 500)
            path.write_text('[')
            sandbox.process.send_signal(1)
            wait_for(lambda: str(path) in world.log('sandbox'), what='the complaint')
            self.assertEqual(sandbox.request(*request)[0], 500)
            path.write_text('[]')
            sandbox.process.send_signal(1)
            wait_for(lambda: sandbox.request(*request)[0] == 200, what='the new faults')

    # No answer

    def test_lose_reply(self):
        self.fault('create', 'lose-reply')
        with self.assertRaises(http.client.RemoteDisconnected):
            self.create()
        self.assertEqual(self.created(), 1)
        self.assertEqual(self.sandbox.requests()[-1]['status'], 0)
        self.fault('create', 'lose-reply', commit=False)
        with self.assertRaises(http.client.RemoteDisconnected):
            self.create()
        self.assertEqual(self.created(), 1)

    def test_reset(self):
        self.fault('create', 'reset')
        with self.assertRaises(ConnectionResetError):
            self.create()
        self.assertEqual(self.created(), 0)

    def test_commit_late(self):
        self.fault('create', 'commit-late', seconds=1)
        before = time.monotonic()
        with self.assertRaises(http.client.RemoteDisconnected):
            self.create()
        self.assertEqual(self.created(), 0)
        wait_for(lambda: self.created() == 1, 5, 'the late key')
        self.assertGreater(time.monotonic() - before, 1)
        self.assertEqual(self.sandbox.keys()[-1]['name'], 'crm')

    def test_cut_body(self):
        self.fault('any', 'cut-body', count=0)
        for call in (self.create, self.list, lambda: self.sandbox.call(
                'DELETE', f'/v2/api-keys/{self.sandbox.keys(name="crm")[-1]["id"]}', key=self.management)):
            with self.assertRaises(http.client.IncompleteRead) as caught:
                call()
            self.assertTrue(caught.exception.partial)
        self.assertEqual(self.created(), 1)
        self.assertFalse(self.sandbox.keys(name='crm')[-1]['valid'])

    def test_delay_holds_up_nobody_else(self):
        self.fault('create', 'delay', seconds=1)
        answers = []
        before = time.monotonic()
        waiting = threading.Thread(target=lambda: answers.append(self.create()))
        waiting.start()
        wait_for(lambda: self.created() == 1, what='the key')
        self.assertEqual(self.list().status, 200)
        self.assertLess(time.monotonic() - before, 0.9)
        waiting.join()
        self.assertGreater(time.monotonic() - before, 0.95)
        self.assertEqual(answers[0].status, 201)

    def test_slow(self):
        self.fault('create', 'slow', seconds=2)
        before = time.monotonic()
        with socket.create_connection(('127.0.0.1', self.sandbox.port), 10) as client:
            body = json.dumps(ORDER).encode()
            client.sendall(b'POST /v2/api-keys HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-API-Key: %s\r\n'
                           b'Content-Length: %d\r\n\r\n%s' % (self.management.encode(), len(body), body))
            first = client.recv(65536)
            while b'\r\n\r\n' not in first or first.endswith(b'\r\n\r\n'):
                first += client.recv(65536)
            self.assertEqual(self.list().status, 200)
            self.assertLess(len(first.split(b'\r\n\r\n')[1]), 3)
            while data := client.recv(65536):
                first += data
        self.assertGreater(time.monotonic() - before, 1.5)
        self.assertEqual(len(json.loads(first.split(b'\r\n\r\n')[1])['key']), 40)

    # Another answer

    def test_documented_errors(self):
        for fault, error in (('error-401', 'unauthorized'), ('error-403', 'forbidden'), ('not-found', 'not_found'),
                             ('error-422', 'unprocessable'), ('error-500', 'internal_error'),
                             ('error-502', 'bad_gateway'), ('error-503', 'service_unavailable'),
                             ('conflict-409', 'conflict')):
            self.fault('create', fault)
            answer = self.create()
            self.assertEqual(answer.json['error'], error)
            self.assertEqual(answer.json['code'], answer.status)
            self.assertEqual(list(answer.json),
                             ['error', 'message', 'code', 'details', 'request_id', 'timestamp'])
            self.assertIn('X-RateLimit-Limit', answer.headers)
        self.assertEqual(self.created(), 0)
        self.fault('create', 'error-500', commit=True)
        self.assertEqual((self.create().status, self.created()), (500, 1))

    def test_pages_of_somebody_in_between(self):
        for fault, status in (('html-503', 503), ('html-200', 200), ('html-403', 403), ('wrong-path', 404)):
            self.fault('create', fault)
            answer = self.create()
            self.assertEqual(answer.status, status)
            self.assertIn('text/html', answer.headers['Content-Type'])
            self.assertTrue(answer.body.startswith(b'<!DOCTYPE html>'))
        self.fault('probe', 'proxy-401')
        answer = self.probe('sk_test_nothing')
        self.assertEqual((answer.status, list(answer.json)), (401, ['message']))
        self.assertEqual(self.created(), 0)

    def test_redirect(self):
        self.fault('create', 'redirect')
        answer = self.create()
        self.assertEqual((answer.status, answer.headers['Location']), (301, '/elsewhere'))
        self.sandbox.call('GET', '/elsewhere', key=self.management)
        self.assertEqual(self.sandbox.requests()[-1]['last4'], self.management[-4:])
        self.assertEqual(self.created(), 0)

    def test_both_styles_of_429(self):
        self.fault('create', 'rate-limit-header', seconds=7)
        answer = self.create()
        self.assertEqual((answer.status, answer.headers['Retry-After']), (429, '7'))
        self.assertNotIn('retry_after', answer.json)
        self.assertEqual(answer.headers['X-RateLimit-Remaining'], '0')
        self.fault('create', 'rate-limit-body', seconds=7)
        answer = self.create()
        self.assertEqual((answer.status, answer.json['retry_after'], answer.headers['Retry-After']), (429, 7, None))
        self.assertAlmostEqual(int(answer.headers['X-RateLimit-Reset']) - time.time(), 7, delta=2)
        self.assertEqual(self.created(), 0)

    # A spoilt answer

    def test_broken_json(self):
        self.fault('any', 'broken-json', count=0)
        for answer in (self.create(), self.list(), self.probe('x')):
            self.assertEqual(int(answer.headers['Content-Length']), len(answer.body))
            self.assertRaises(ValueError, lambda: answer.json)
        self.assertEqual(self.created(), 1)

    def test_huge_body(self):
        self.fault('any', 'huge-body', count=0)
        for answer in (self.create(), self.list()):
            self.assertGreater(len(answer.body), 1 << 20)
            self.assertTrue(answer.json['padding'])

    def test_wrong_types(self):
        self.fault('any', 'wrong-types', count=0)
        created, listed = self.create().json, self.list().json
        for key in (created, *listed['data']):
            self.assertEqual((key['id'], key['last4'], key['created_at'], set(key['permissions']) - {7}),
                             (7, 7, 7, set()))
        self.assertEqual(listed['pagination']['total'], 'seven')
        self.assertEqual(self.probe('x').json['error'], 7)

    def test_missing_fields(self):
        self.fault('any', 'missing-fields', count=0)
        created, listed = self.create().json, self.list().json
        self.assertTrue(listed['data'])
        for key in (created, *listed['data']):
            self.assertFalse({'id', 'last4', 'key'} & set(key))
        self.assertNotIn('total', listed['pagination'])
        self.assertNotIn('error', self.probe('x').json)

    def test_clock(self):
        self.fault('list', 'wrong-clock', seconds=-86400)
        wrong, right = self.list().headers['Date'], self.list().headers['Date']
        form = '%a, %d %b %Y %H:%M:%S GMT'
        self.assertAlmostEqual(time.mktime(time.strptime(right, form)) - time.mktime(time.strptime(wrong, form)),
                               86400, delta=2)
        self.fault('list', 'no-date')
        self.assertEqual(self.list().headers['Date'], None)

    # Keys

    def test_key_works_only_later(self):
        self.fault('create', 'unauthorized-for-a-while', seconds=1)
        key = self.create().json['key']
        self.assertEqual((self.probe(key).status, self.probe(key).json['error']), (401, 'unauthorized'))
        wait_for(lambda: self.probe(key).status == 200, 5, 'the key to work')

    def test_key_works_still(self):
        created = self.create().json
        self.fault('delete', 'still-valid', seconds=1)
        path = f'/v2/api-keys/{created["id"]}'
        self.assertEqual(self.sandbox.call('DELETE', path, key=self.management).status, 204)
        self.assertEqual((self.probe(created['key']).status, self.get(created['id']).status), (200, 404))
        wait_for(lambda: self.probe(created['key']).status == 401, 5, 'the key to be gone')

    def test_permissions(self):
        for fault, permissions in (('widen-permissions', ['contacts:read', 'contacts:write']),
                                   ('other-permissions', ['channels:read'])):
            self.fault('create', fault)
            created = self.create().json
            self.assertEqual(created['permissions'], permissions)
            self.assertEqual(self.get(created['id']).json['permissions'], permissions)
            key = self.sandbox.create_key('crm', permissions=['contacts:read'])
            for call, answer in (('get', lambda: self.get(key['id']).json), ('list', lambda: self.list().json['data'][0])):
                self.fault(call, fault)
                self.assertEqual(answer()['permissions'], permissions)
                self.assertEqual(answer()['permissions'], ['contacts:read'])

    def test_wrong_prefix(self):
        self.fault('create', 'wrong-prefix')
        created = self.create().json
        self.assertEqual((created['type'], created['key'][:8]), ('test', 'sk_live_'))
        self.assertEqual(self.probe(created['key']).status, 401)
        self.assertFalse(self.sandbox.keys(id=created['id'])[0]['valid'])

    def test_wrong_last4(self):
        self.fault('create', 'wrong-last4')
        created = self.create().json
        self.assertNotEqual(created['last4'], created['key'][-4:])
        self.assertEqual(self.get(created['id']).json['last4'], created['key'][-4:])

    def test_same_id(self):
        known = {key['id'] for key in self.sandbox.keys()}
        self.fault('create', 'same-id')
        created = self.create().json
        self.assertIn(created['id'], known)
        self.assertNotIn(self.sandbox.keys()[-1]['id'], known)
        self.assertEqual(self.probe(created['key']).status, 200)

    def test_forget_idempotency(self):
        head = {'Idempotency-Key': 'forgotten'}
        first = self.create(**head).json
        self.fault('create', 'forget-idempotency')
        self.assertNotEqual(self.create(**head).json['id'], first['id'])

    def test_no_last_used(self):
        self.fault('list', 'no-last-used')
        self.assertNotIn('last_used_at', self.list().json['data'][0])
        self.assertIn('last_used_at', self.list().json['data'][0])

    # Lists

    def test_lists(self):
        self.sandbox.create_key('a')
        self.sandbox.create_key('b')
        good = self.list().json
        ids = [key['id'] for key in good['data']]
        self.fault('list', 'list-total-changes', count=0)
        self.assertEqual([self.list('?limit=1').json['pagination']['total'] for _ in range(2)],
                         [len(ids) + 1, len(ids) + 2])
        self.fault('list', 'list-duplicate')
        self.assertEqual([key['id'] for key in self.list().json['data']], ids[:-1] + ids[:1])
        self.fault('list', 'list-drops-one')
        page = self.list().json
        self.assertEqual(([key['id'] for key in page['data']], page['pagination']), (ids[1:], good['pagination']))
        self.assertEqual(self.list().json, self.list().json)

    def test_endless_list(self):
        self.fault('list', 'endless-list', count=0)
        for offset in (0, 1, 1000):
            page = self.list(f'?limit=1&offset={offset}').json
            self.assertEqual((len(page['data']), page['pagination']['has_more']), (1, True))


if __name__ == '__main__':
    unittest.main()
