# SPDX-License-Identifier: LGPL-2.1-or-later
"""keyturn-sandbox keeps the contract of HueChat: keys, scopes, errors, pages, rate limits."""
import calendar
import re
import time
import unittest

from world import World

ORDER = {'name': 'crm [kt 7f3a9c21.1]', 'type': 'test', 'access': 'custom', 'permissions': ['contacts:read']}
KEY = ['id', 'name', 'type', 'access', 'permissions', 'last4', 'created_at', 'last_used_at']
SCOPES = {'contacts': ('contacts:read', 'contacts:write'),
          'conversations': ('conversations:read', 'conversations:write'),
          'channels': ('channels:read', 'channels:write'),
          'webhooks': ('webhooks:manage', 'webhooks:manage'),
          'users': ('admin:read', 'admin:write')}
ISO, HTTP = '%Y-%m-%dT%H:%M:%SZ', '%a, %d %b %Y %H:%M:%S GMT'
TIME = r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ'


class Contract(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = World().__enter__()
        cls.addClassCleanup(cls.world.close)
        cls.sandbox = cls.world.start_sandbox()
        cls.management = cls.sandbox.management_key('test')

    def manage(self, method, path='', body=None, key=None, headers=None):
        return self.sandbox.call(method, f'/v2/api-keys{path}', body, key or self.management, headers)

    def create(self, **changes):
        answer = self.manage('POST', body=ORDER | changes)
        self.assertEqual(answer.status, 201, answer.body)
        return answer.json

    def assert_error(self, answer, status, error, **details):
        self.assertEqual(answer.status, status, answer.body)
        self.assertEqual(list(answer.json), ['error', 'message', 'code', 'details', 'request_id', 'timestamp'])
        self.assertEqual((answer.json['error'], answer.json['code']), (error, status))
        self.assertTrue(answer.json['message'])
        self.assertRegex(answer.json['request_id'], r'^req_\w+$')
        self.assertRegex(answer.json['timestamp'], f'^{TIME}$')
        self.assertEqual(answer.headers['Content-Type'], 'application/json')
        for name, value in details.items():
            self.assertEqual(answer.json['details'][name], value)

    def test_create_shows_the_key_once(self):
        created = self.create()
        self.assertEqual(list(created), KEY + ['key'])
        self.assertRegex(created['key'], r'^sk_test_[0-9A-Za-z]{32}$')
        self.assertRegex(created['id'], r'^key_[0-9a-f]{16}$')
        self.assertRegex(created['created_at'], f'^{TIME}$')
        self.assertEqual(created['last4'], created['key'][-4:])
        self.assertEqual(created['last_used_at'], None)
        self.assertEqual({name: created[name] for name in ORDER}, ORDER)
        secret = created.pop('key')
        answer = self.manage('GET', f'/{created["id"]}')
        self.assertEqual((answer.status, answer.json), (200, created))
        self.assertNotIn(secret, self.manage('GET', '?limit=100').body.decode())

    def test_full_access(self):
        order = {'name': 'all', 'type': 'test', 'access': 'full'}
        answer = self.manage('POST', body=order)
        self.assertEqual((answer.status, answer.json['access'], answer.json['permissions']), (201, 'full', []))
        for path in SCOPES:
            self.assertEqual(self.sandbox.call('GET', f'/v2/{path}', key=answer.json['key']).status, 200)
        self.assertEqual(self.manage('GET', key=answer.json['key']).status, 200)

    def test_delete_revokes_at_once(self):
        created = self.create()
        self.assertEqual(self.sandbox.call('GET', '/v2/contacts?limit=1', key=created['key']).status, 200)
        answer = self.manage('DELETE', f'/{created["id"]}')
        self.assertEqual((answer.status, answer.body), (204, b''))
        self.assert_error(self.sandbox.call('GET', '/v2/contacts?limit=1', key=created['key']), 401, 'unauthorized')
        self.assert_error(self.manage('GET', f'/{created["id"]}'), 404, 'not_found')
        self.assert_error(self.manage('DELETE', f'/{created["id"]}'), 404, 'not_found')
        [kept] = self.sandbox.keys(id=created['id'])
        self.assertFalse(kept['valid'])
        self.assertRegex(kept['deleted_at'], f'^{TIME}$')

    def test_both_headers(self):
        key = self.create()['key']
        for headers in ({'X-API-Key': key}, {'Authorization': f'Bearer {key}'},
                        {'X-API-Key': key, 'Authorization': 'Bearer sk_test_nothing'}):
            self.assertEqual(self.sandbox.call('GET', '/v2/contacts', headers=headers).status, 200, headers)
        for headers in ({}, {'Authorization': key}, {'X-API-Key': key + 'x'}, {'X-API-Key': ''},
                        {'X-API-Key': 'sk_live_' + key[8:]}):
            self.assert_error(self.sandbox.call('GET', '/v2/contacts', headers=headers), 401, 'unauthorized')

    def test_environments(self):
        live, test = self.sandbox.management_key('live'), self.management
        for base, key, status in (('/v2', live, 200), ('/v2', test, 200), ('/live/v2', live, 200),
                                  ('/live/v2', test, 401), ('/test/v2', live, 401), ('/test/v2', test, 200)):
            self.assertEqual(self.sandbox.call('GET', f'{base}/contacts', key=key).status, status, (base, key[:8]))
        self.assert_error(self.manage('POST', body=ORDER, key=live), 403, 'forbidden',
                          required_permission='admin:write')
        created = self.create()
        self.assert_error(self.manage('GET', f'/{created["id"]}', key=live), 404, 'not_found')
        self.assertNotIn(created['id'], [k['id'] for k in self.manage('GET', key=live).json['data']])

    def test_scopes(self):
        for path, (read, write) in SCOPES.items():
            for scope in {scope for pair in SCOPES.values() for scope in pair}:
                key = self.sandbox.create_key('scoped', permissions=[scope])['key']
                for method, wanted, good in (('GET', read, 200), ('POST', write, 201)):
                    answer = self.sandbox.call(method, f'/v2/{path}', {} if method == 'POST' else None, key)
                    if scope == wanted:
                        self.assertEqual(answer.status, good, (method, path, scope))
                    else:
                        self.assert_error(answer, 403, 'forbidden', required_permission=wanted,
                                          key_permissions=[scope])

    def test_managing_keys_needs_admin_write(self):
        key = self.sandbox.create_key('reads', permissions=['admin:read', 'contacts:write'])['key']
        admin = self.sandbox.create_key('manages', permissions=['admin:write'])['key']
        for method, path, body in (('GET', '', None), ('GET', '/key_1', None), ('POST', '', ORDER),
                                   ('DELETE', '/key_1', None)):
            self.assert_error(self.manage(method, path, body, key), 403, 'forbidden',
                              required_permission='admin:write', key_permissions=['admin:read', 'contacts:write'])
        self.assertEqual(self.manage('POST', body=ORDER, key=admin).status, 201)

    def test_orders_that_make_no_sense(self):
        known = len(self.sandbox.keys())
        for field, changes in (('permissions', {'permissions': ['contacts:burn']}),
                               ('permissions', {'permissions': []}), ('permissions', {'permissions': None}),
                               ('permissions', {'permissions': 'contacts:read'}),
                               ('permissions', {'permissions': [1]}),
                               ('permissions', {'permissions': ['contacts:read'] * 2}),
                               ('permissions', {'access': 'full'}), ('access', {'access': 'some'}),
                               ('access', {'access': None}), ('type', {'type': 'prod'}), ('type', {'type': 7}),
                               ('name', {'name': ''}), ('name', {'name': 'x' * 101}), ('name', {'name': ['a']})):
            self.assert_error(self.manage('POST', body=ORDER | changes), 400, 'invalid_input', field=field)
        for body in (b'{', b'', b'[]', b'null', b'"x"', b'{"name":"\xff"}', b'{} {}', b' ' * 70000 + b'{}'):
            self.assert_error(self.manage('POST', body=body), 400, 'invalid_input')
        self.assertEqual(len(self.sandbox.keys()), known)
        self.create(name='ü' * 100)

    def test_paths_that_are_not_there(self):
        for method, path in (('GET', '/v2/nothing'), ('GET', '/v2'), ('GET', '/v2/contacts/a/b'),
                             ('PUT', '/v2/contacts'), ('DELETE', '/v2/api-keys'), ('GET', '/v2/contactsx'),
                             ('GET', '/v2/api-keys/')):
            self.assert_error(self.sandbox.call(method, path, key=self.management), 404, 'not_found')
        answer = self.sandbox.call('GET', '/v3/contacts', key=self.management)
        self.assertEqual(answer.status, 404)
        self.assertRegex(answer.headers['Content-Type'], 'text/html')
        self.assertEqual(self.sandbox.call('GET', '/sandbox/nothing').status, 404)

    def test_pages(self):
        sandbox = self.world_of_its_own()
        key = sandbox.management_key('live')
        names = [f'k{i}' for i in range(24)]
        for name in names:
            sandbox.create_key(name, 'live')
        seen = []
        for offset, count, more in ((0, 10, True), (10, 10, True), (20, 5, False), (25, 0, False), (99, 0, False)):
            page = sandbox.call('GET', f'/v2/api-keys?limit=10&offset={offset}', key=key).json
            self.assertEqual(list(page), ['data', 'pagination'])
            self.assertEqual(page['pagination'], {'limit': 10, 'offset': offset, 'total': 25, 'has_more': more})
            self.assertEqual(len(page['data']), count)
            seen += [k['name'] for k in page['data']]
        self.assertEqual(seen, ['Management (live)', *names][::-1])
        self.assertEqual(sandbox.call('GET', '/v2/api-keys', key=key).json['pagination']['limit'], 20)
        for query in ('limit=0', 'limit=101', 'limit=x', 'limit=', 'offset=-1', 'offset=1e3'):
            self.assert_error(sandbox.call('GET', f'/v2/api-keys?{query}', key=key), 400, 'invalid_input',
                              field=query.split('=')[0])

    def world_of_its_own(self, *options):
        world = World()
        world.__enter__()
        self.addCleanup(world.close)
        return world.start_sandbox(*options)

    def test_idempotency(self):
        head = {'Idempotency-Key': 'once'}
        first = self.manage('POST', body=ORDER, headers=head)
        again = self.manage('POST', body=ORDER, headers=head)
        self.assertEqual((first.status, again.status), (201, 201))
        self.assertEqual(first.json, again.json)
        self.assert_error(self.manage('POST', body=ORDER | {'name': 'other'}, headers=head), 409, 'conflict')
        self.assertEqual(len(self.sandbox.keys(idempotency_key='once')), 1)
        self.sandbox.set_clock(86402)
        self.addCleanup(self.sandbox.set_clock, 0)
        self.assertNotEqual(self.manage('POST', body=ORDER, headers=head).json['id'], first.json['id'])

    def test_last_used(self):
        created = self.create()
        self.addCleanup(self.sandbox.set_clock, 0)
        for hour, path in ((1, '/v2/contacts'), (2, '/v2/channels')):  # 403 is use too
            self.sandbox.set_clock(hour * 3600)
            date = self.sandbox.call('GET', path, key=created['key']).headers['Date']
            used = self.manage('GET', f'/{created["id"]}').json['last_used_at']
            self.assertEqual(time.strptime(used, ISO), time.strptime(date, HTTP))

    def test_last_used_may_be_coarse(self):
        sandbox = self.world_of_its_own('--last-used-resolution', '3600')
        created = sandbox.create_key('crm')
        sandbox.call('GET', '/v2/contacts', key=created['key'])
        [kept] = sandbox.keys(id=created['id'])
        self.assertRegex(kept['last_used_at'], r'T\d\d:00:00Z$')

    def test_clock(self):
        self.addCleanup(self.sandbox.set_clock, 0)
        for offset in (90 * 86400, -3600, 0):
            self.sandbox.set_clock(offset)
            date = self.sandbox.call('GET', '/v2/contacts', key=self.management).headers['Date']
            for shown in (time.strptime(date, HTTP), time.strptime(self.create()['created_at'], ISO)):
                self.assertAlmostEqual(calendar.timegm(shown) - time.time(), offset, delta=5)

    def test_dashboard(self):
        created = self.sandbox.create_key('old', permissions=['contacts:read'], created_at='2026-01-05T09:00:00Z')
        self.assertEqual(self.manage('GET', f'/{created["id"]}').json['created_at'], '2026-01-05T09:00:00Z')
        self.assertEqual(self.sandbox.call('GET', '/v2/contacts', key=created['key']).status, 200)
        self.sandbox.delete_key(created['id'])
        self.assertEqual(self.sandbox.call('GET', '/v2/contacts', key=created['key']).status, 401)
        for order in ({}, ORDER | {'created_at': 'yesterday'}, ORDER | {'permissions': []}):
            self.assertEqual(self.sandbox.request('POST', '/sandbox/keys', order)[0], 400)

    def test_data_can_be_posted(self):
        posted = self.sandbox.call('POST', '/v2/contacts', {'name': 'Cy', 'id': 'mine'}, self.management)
        self.assertEqual((posted.status, posted.json['name']), (201, 'Cy'))
        self.assertRegex(posted.json['id'], '^con_')
        path = f'/v2/contacts/{posted.json["id"]}'
        self.assertEqual(self.sandbox.call('GET', path, key=self.management).json, posted.json)
        self.assertEqual(self.sandbox.call('GET', path, key=self.sandbox.management_key('live')).status, 404)
        self.assertEqual(self.sandbox.call('DELETE', path, key=self.management).status, 204)
        self.assert_error(self.sandbox.call('GET', path, key=self.management), 404, 'not_found')
        self.assert_error(self.sandbox.call('POST', '/v2/contacts', [], self.management), 400, 'invalid_input')

    def test_rate_limit(self):
        sandbox = self.world_of_its_own('--plan', '3')
        key, other = sandbox.management_key('test'), sandbox.management_key('live')
        if time.time() % 60 > 50:
            sandbox.set_clock(20)
        for remaining in ('2', '1', '0'):
            answer = sandbox.call('GET', '/v2/nothing', key=key)
            self.assertEqual((answer.headers['X-RateLimit-Limit'], answer.headers['X-RateLimit-Remaining']),
                             ('3', remaining))
            self.assertEqual(int(answer.headers['X-RateLimit-Reset']) % 60, 0)
        answer = sandbox.call('POST', '/v2/api-keys', ORDER, key)
        self.assertEqual((answer.status, answer.json['error'], answer.headers['X-RateLimit-Remaining']),
                         (429, 'rate_limited', '0'))
        self.assertEqual(answer.headers['Retry-After'], str(answer.json['retry_after']))
        self.assertTrue(0 < answer.json['retry_after'] <= 60)
        self.assertEqual(len(sandbox.keys()), 2)
        self.assertEqual(sandbox.call('GET', '/v2/contacts', key=other).status, 200)
        self.assertEqual(sandbox.call('GET', '/v2/contacts').headers['X-RateLimit-Remaining'], '2')
        sandbox.set_clock(90)
        self.assertEqual(sandbox.call('GET', '/v2/contacts', key=key).status, 200)

    def test_ledger_tells_all_but_secrets(self):
        created = self.create(name='told')
        self.sandbox.call('GET', f'/v2/contacts?key={created["key"]}', key=created['key'])
        self.sandbox.call('GET', '/v2/contacts', key='sk_test_never')
        *_, last, unknown = self.sandbox.requests()
        self.assertEqual((last['path'], last['status'], last['key_id'], last['last4'], last['fault']),
                         ('/v2/contacts?key=sk_test_***', 200, created['id'], created['last4'], None))
        self.assertEqual((unknown['status'], unknown['key_id']), (401, None))
        for text in (str(self.sandbox.ledger()), self.world.log('sandbox'),
                     (self.world.root / 'state' / 'sandbox-ledger').read_text()):
            self.assertIsNone(re.search(r'sk_(live|test)_\w', text))


if __name__ == '__main__':
    unittest.main()
