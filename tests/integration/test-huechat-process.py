# SPDX-License-Identifier: LGPL-2.1-or-later
"""keyturn-huechat among other processes: its environment, its proxy, its confinement, its end."""
import subprocess
import unittest

from huechat import Case
from process import confinement, dies_with_its_parent
from webserver import http
from world import build_root


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
        self.probe(self.server(http(200, {'data': []})))
        self.assertEqual(confinement(self.helper.process.pid),
                         {'Name': 'keyturn-huechat', 'Seccomp': '2', 'NoNewPrivs': '1'})

    def test_ends_with_the_connection(self):
        self.assertEqual(self.world.huechat_helper().close(), 0)

    def test_dies_with_its_parent(self):
        self.assertTrue(dies_with_its_parent(self.program(), self.world.env))

    def program(self):
        return str(build_root() / 'daemon' / 'keyturn-huechat')

    def test_arguments(self):
        run = lambda *a: subprocess.run([self.program(), *a], capture_output=True, text=True)
        self.assertEqual(run('--help').returncode, 0)
        self.assertRegex(run('--version').stdout, r'^keyturn-huechat \d')
        for arguments in [], ['--bus-fd'], ['--bus-fd', 'x'], ['--bus-fd', '3', 'more'], ['--what']:
            self.assertEqual(run(*arguments).returncode, 2)
        self.assertEqual(run('--bus-fd', '77').returncode, 1)


if __name__ == '__main__':
    unittest.main()
