# SPDX-License-Identifier: LGPL-2.1-or-later
"""keyturn-huechat over TLS."""
import ssl
import time
import unittest

from huechat import Case, KEY, SECRET, key_document
from process import find_in_memory, may_look
from webserver import authority, encrypted, http
from wire import BusError


class Encrypted(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        folder = cls.world.root / 'home' / 'authorities'
        folder.mkdir()
        cls.good = authority(folder, 'good', 'IP:127.0.0.1,DNS:localhost')
        cls.other = authority(folder, 'other', 'IP:127.0.0.1')
        cls.stranger = authority(folder, 'stranger', 'DNS:elsewhere.example')
        cls.options = '--read', str(folder)

    def tls_server(self, pair, script=None, **limits):
        context = encrypted(pair)
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
        self.assertTrue(find_in_memory(pid, b'keyturn'))
        for part in KEY[12:24], KEY[-12:], SECRET[12:24], SECRET[-12:]:
            self.assertEqual(find_in_memory(pid, part.encode()), [])

    def test_wrong_authority(self):
        server = self.tls_server(self.good)
        self.assertUnsent(self.tls_probe(server, self.other), 'certificate')
        self.assertUnsent(self.probe(BaseURL=f'https://127.0.0.1:{server.port}/v2'), 'certificate')
        self.assertUnsent(self.tls_probe(self.tls_server(self.stranger), self.stranger), 'certificate|subject')
        self.assertUnsent(self.tls_probe(server, ['/nonexistent/ca.pem']), 'certificate|CA')
        self.assertEqual(server.requests, [])

    def test_only_what_it_was_started_for_can_be_read(self):
        """A file in the user's home, which would do but for that."""
        server = self.tls_server(self.good)
        for options in (), ('--read', str(self.other[0])):
            helper, self.helper = self.helper, self.world.huechat_helper(20, options)
            helper.close()
            self.assertUnsent(self.tls_probe(server, self.good), 'certificate|CA')
        self.helper.close()
        self.helper = self.world.huechat_helper(20, ('--read', str(self.good[0])))
        self.assertTrue(self.tls_probe(server, self.good)['Complete'])
        self.assertEqual(len(server.requests), 1)

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
