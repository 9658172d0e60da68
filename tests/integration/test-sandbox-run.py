# SPDX-License-Identifier: LGPL-2.1-or-later
"""keyturn-sandbox starts, stops, remembers, serves TLS, and keeps to this machine."""
import json
import os
import signal
import socket
import ssl
import subprocess
import threading
import time
import unittest

from world import World, build_root, wait_for

PROGRAM = str(build_root() / 'sandbox' / 'keyturn-sandbox')
ORDER = {'name': 'crm', 'type': 'test', 'access': 'custom', 'permissions': ['contacts:read']}


def run(*options):
    return subprocess.run([PROGRAM, *options], capture_output=True, text=True, timeout=20,
                          env=os.environ | {'XDG_RUNTIME_DIR': '/nowhere'})


class Run(unittest.TestCase):
    def setUp(self):
        self.world = World().__enter__()
        self.addCleanup(self.world.close)
        self.ledger = self.world.root / 'state' / 'sandbox-ledger'

    def stop(self):
        """A clean stop: also what a leak would show in."""
        self.assertEqual(self.world.kill(self.world.sandbox.process, signal.SIGTERM), 0, self.world.log('sandbox'))

    def restart(self, *options):
        return self.world.start_sandbox('--port', str(self.world.sandbox.port), *options)

    # Memory

    def test_restart(self):
        sandbox = self.world.start_sandbox()
        management = sandbox.management_key()
        kept = sandbox.create_key('kept', permissions=['contacts:read'])
        gone = sandbox.create_key('gone', created_at='2026-01-05T09:00:00Z')
        head = {'Idempotency-Key': 'once'}
        self.assertEqual(sandbox.call('POST', '/v2/api-keys', ORDER, management, head).status, 201)
        sandbox.delete_key(gone['id'])
        self.assertEqual(sandbox.call('GET', '/v2/contacts', key=kept['key']).status, 200)
        sandbox.set_clock(3600)
        before = sandbox.ledger()
        for end in (self.stop, lambda: self.world.kill(self.world.sandbox.process)):
            end()
            sandbox = self.restart()
            self.assertEqual(sandbox.management_key(), management)
            self.assertEqual(sandbox.ledger(), before)
        self.assertEqual(sandbox.admin('GET', 'clock')['offset_seconds'], 3600)
        self.assertEqual(sandbox.call('GET', '/v2/contacts', key=kept['key']).status, 200)
        self.assertEqual(sandbox.call('GET', '/v2/contacts', key=gone['key']).status, 401)
        self.assertEqual(sandbox.call('POST', '/v2/api-keys', ORDER, management, head).json['error'], 'conflict')

    def test_torn_line(self):
        sandbox = self.world.start_sandbox()
        sandbox.create_key('whole')
        self.world.kill(sandbox.process)
        whole = self.ledger.read_bytes()
        self.ledger.write_bytes(whole + b'{"event":"created","key":{"id":"key_12')
        sandbox = self.restart()
        self.assertEqual([key['name'] for key in sandbox.keys(origin='dashboard')], ['whole'])
        self.assertEqual(self.ledger.read_bytes(), whole)

    def test_foreign_ledger(self):
        self.world.start_sandbox()
        self.stop()
        self.ledger.write_text(self.ledger.read_text() + 'something else\n')
        done = run('--port', '0', '--ledger', str(self.ledger))
        self.assertEqual(done.returncode, 1)
        self.assertIn(f'{self.ledger}:3: ', done.stderr)

    def test_ledger_is_one_sandboxs(self):
        self.world.start_sandbox()
        done = run('--port', '0', '--ledger', str(self.ledger))
        self.assertEqual((done.returncode, done.stderr),
                         (1, f'keyturn-sandbox: {self.ledger}: another sandbox has it open\n'))
        done = run('--port', '0', '--ledger', '/dev/full')
        self.assertEqual((done.returncode, done.stderr), (1, 'keyturn-sandbox: /dev/full: not a regular file\n'))

    def test_management_keys_of_ones_own(self):
        keys = self.world.root / 'run' / 'sandbox-management-keys'
        keys.write_text('test sk_test_' + 'a' * 32 + '\n')
        sandbox = self.world.start_sandbox()
        self.assertEqual(sandbox.management_key('test'), 'sk_test_' + 'a' * 32)
        self.assertEqual(keys.stat().st_mode & 0o777, 0o600)
        for env in ('live', 'test'):
            self.assertEqual(sandbox.call('GET', '/v2/api-keys', key=sandbox.management_key(env)).status, 200)

    # Start and stop

    def test_stop_with_all_sorts_under_way(self):
        sandbox = self.world.start_sandbox()
        management = sandbox.management_key()
        sandbox.set_faults({'call': 'list', 'fault': 'delay', 'seconds': 60, 'count': 0},
                           {'call': 'probe', 'fault': 'slow', 'seconds': 60, 'count': 0},
                           {'call': 'create', 'fault': 'commit-late', 'seconds': 60})
        threads = [threading.Thread(target=self.lose, args=(sandbox, path, management)) for path in
                   ('/v2/api-keys', '/v2/contacts', '/v2/api-keys')]
        for thread in threads:
            thread.start()
        self.lose(sandbox, '/v2/api-keys', management, ORDER)
        with socket.create_connection(('127.0.0.1', sandbox.port)) as half:
            half.sendall(b'POST /v2/api-keys HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"name"')
            wait_for(lambda: len(sandbox.requests()) == 4, what='the requests')
            self.stop()
        for thread in threads:
            thread.join(10)
        self.assertFalse((self.world.root / 'run' / 'sandbox-port').exists())
        self.assertEqual([key['name'] for key in self.restart().keys(origin='api')], ['crm'])

    @staticmethod
    def lose(sandbox, path, key, body=None):
        """A request that must not be answered, as a key that is not a management key for data."""
        try:
            sandbox.call('POST' if body else 'GET', path, body, key if 'api-keys' in path else 'sk_test_no')
        except Exception:  # pylint: disable=broad-except
            return
        raise AssertionError('an answer came')

    def test_malformed_requests(self):
        sandbox = self.world.start_sandbox()
        for raw in (b'\r\n\r\n', b'GET\r\n\r\n', b'GET / HTTP/9.9\r\n\r\n', b'\x16\x03\x01\x02\x00\x01' * 20,
                    b'GET /v2/contacts HTTP/1.1\r\nHost: x\r\nX-API-Key: ' + b'a' * 100000 + b'\r\n\r\n',
                    b'POST /v2/api-keys HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n',
                    b'POST /v2/api-keys HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
                    b'GET /v2/%00%ff%0a HTTP/1.1\r\nHost: x\r\nIdempotency-Key: \x01\xff\r\n\r\n'):
            with socket.create_connection(('127.0.0.1', sandbox.port), 0.2) as client:
                try:
                    client.sendall(raw)
                    while client.recv(65536):
                        pass
                except OSError:  # it may wait for more, or have gone
                    pass
        self.assertEqual(sandbox.call('GET', '/v2/contacts', key=sandbox.management_key()).status, 200)
        self.stop()
        for line in self.ledger.read_text().splitlines():
            json.loads(line)

    def test_many_at_once(self):
        sandbox = self.world.start_sandbox('--quiet')
        sandbox.set_faults({'call': 'any', 'fault': 'delay', 'seconds': 1, 'count': 0})
        before = time.monotonic()
        clients = [sandbox.connection() for _ in range(50)]
        for client in clients:
            client.request('GET', '/v2/contacts', headers={'X-API-Key': sandbox.management_key()})
        self.assertEqual({client.getresponse().status for client in clients}, {200})
        self.assertLess(time.monotonic() - before, 5)
        for client in clients:
            client.close()
        self.assertNotIn('/v2/contacts', self.world.log('sandbox'))
        self.stop()

    # TLS

    def certificate(self):
        cert, key = self.world.root / 'cert.pem', self.world.root / 'key.pem'
        subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes',
                        '-keyout', key, '-out', cert, '-days', '2', '-subj', '/CN=localhost',
                        '-addext', 'subjectAltName=IP:127.0.0.1'], check=True, capture_output=True)
        return cert, key

    def test_tls(self):
        cert, key = self.certificate()
        sandbox = self.world.start_sandbox('--tls-cert', str(cert), '--tls-key', str(key))
        management = sandbox.management_key()
        self.assertTrue(sandbox.url.startswith('https://'))
        self.assertEqual(sandbox.call('POST', '/v2/api-keys', ORDER, management).status, 201)
        context = ssl.create_default_context(cafile=str(cert))
        with socket.create_connection(('127.0.0.1', sandbox.port)) as plain:
            with context.wrap_socket(plain, server_hostname='127.0.0.1') as client:
                client.sendall(b'GET /v2/contacts HTTP/1.0\r\nX-API-Key: %s\r\n\r\n' % management.encode())
                self.assertIn(b' 200 OK', client.recv(65536))
        for fault, error in (('lose-reply', OSError), ('reset', OSError), ('cut-body', Exception)):
            sandbox.set_faults({'call': 'create', 'fault': fault})
            self.assertRaises(error, sandbox.call, 'POST', '/v2/api-keys', ORDER, management)
        sandbox.set_faults({'call': 'list', 'fault': 'delay', 'seconds': 1},
                           {'call': 'list', 'fault': 'huge-body'}, {'call': 'list', 'fault': 'slow', 'seconds': 1})
        for _ in range(3):
            self.assertEqual(sandbox.call('GET', '/v2/api-keys', key=management).json['pagination']['total'], 4)
        self.stop()

    def test_tls_that_can_not_be(self):
        cert, key = self.certificate()
        keys = str(self.world.root / 'keys')
        for options in (['--tls-cert', str(cert)], ['--tls-cert', str(cert), '--tls-key', '/nowhere/key'],
                        ['--tls-cert', str(key), '--tls-key', str(cert)]):
            done = run('--port', '0', '--management-key-file', keys, *options)
            self.assertIn(done.returncode, (1, 2))
            self.assertTrue(done.stderr.startswith('keyturn-sandbox: '), done.stderr)

    # The command line

    def test_help_and_version(self):
        done = run('--help')
        self.assertEqual((done.returncode, done.stderr), (0, ''))
        self.assertLess(len(done.stdout.splitlines()), 46)
        self.assertTrue(run('--version').stdout.startswith('keyturn-sandbox '))

    def test_options_that_make_no_sense(self):
        for options in (['x'], ['--port', '65536'], ['--port', 'x'], ['--plan', 'gold'], ['--plan', '0'],
                        ['--faults', '[]', '--fault-file', 'x'], ['--last-used-resolution', '-1']):
            done = run(*options)
            self.assertEqual(done.returncode, 2, options)
            self.assertRegex(done.stderr, r'^keyturn-sandbox: .*\n$')

    def test_only_this_machine(self):
        for address in ('0.0.0.0', '192.0.2.1', '::', 'localhost', ''):
            done = run('--port', '0', '--address', address)
            self.assertEqual((done.returncode, done.stderr),
                             (1, f'keyturn-sandbox: {address}: not a loopback address\n'))

    def test_bad_faults(self):
        done = run('--port', '0', '--faults', '[{"fault":"x"}]', '--management-key-file', str(self.world.root / 'keys'))
        self.assertEqual((done.returncode, done.stderr),
                         (1, 'keyturn-sandbox: --faults: fault 1: unknown fault: x\n'))

    def test_plans(self):
        for plan, limit in (('free', '100'), ('pro', '1000'), ('7', '7')):
            sandbox = self.world.start_sandbox('--plan', plan)
            self.assertEqual(sandbox.call('GET', '/v2/contacts').headers['X-RateLimit-Limit'], limit)
            self.stop()


if __name__ == '__main__':
    unittest.main()
