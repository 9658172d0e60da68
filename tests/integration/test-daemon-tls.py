#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""keyturnd and HueChat over TLS, with CAFile= in the user's home, which a helper reads no more of than that file."""
import os
import pathlib
import socket
import threading
import unittest

from running import Running
from webserver import authority, encrypted

HUECHAT = 'keyturn-huechat'


class Front:
    """TLS before the sandbox."""

    def __init__(self, port, pair):
        self.behind, self.pair = port, pair
        self.socket = socket.create_server(('127.0.0.1', 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.serve_one, args=[connection], daemon=True).start()

    def serve_one(self, connection):
        try:
            with encrypted(self.pair).wrap_socket(connection, server_side=True) as front, \
                    socket.create_connection(('127.0.0.1', self.behind)) as behind:
                back = threading.Thread(target=self.pass_on, args=[behind, front], daemon=True)
                back.start()
                self.pass_on(front, behind)
                back.join()
        except OSError:
            pass  # the client knows a certificate that it does not trust

    @staticmethod
    def pass_on(source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass


class Encrypted(unittest.TestCase):
    def setUp(self):
        self.world = self.enterContext(Running(login=False))
        self.folder = self.world.root / 'home' / 'authorities'
        self.folder.mkdir()
        self.front = Front(self.world.sandbox.port, self.authority('one'))
        self.addCleanup(self.front.socket.close)
        self.set_ca_file(self.folder / 'one.pem')
        self.world.login()
        self.world.add('crm')
        self.world.wait_state('crm', 'idle')

    def authority(self, name):
        return authority(self.folder, name, 'IP:127.0.0.1')

    def set_ca_file(self, path):
        (self.world.config / 'keyturn.conf').write_text(
            f'[API]\nBaseURL=https://127.0.0.1:{self.front.port}/v2\nCAFile={path}\n')
        self.world.manager('Reload')

    def arguments(self):
        return pathlib.Path(f'/proc/{self.world.children()[HUECHAT]}/cmdline').read_bytes().decode().split('\0')[3:-1]

    def rotate(self):
        before = self.world.integration('crm')['Last4']
        self.world.keyturn('rotate', 'crm', '--wait')
        after = self.world.integration('crm')['Last4']
        self.assertNotEqual(after, before)
        self.assertEqual(self.world.last4s(), [after])

    def test_file_in_the_home(self):
        self.rotate()
        self.assertEqual(self.arguments(), ['--read', str(self.folder / 'one.pem')])

    def test_another_file(self):
        before = self.world.children()[HUECHAT]
        self.front.pair = self.authority('two')
        self.set_ca_file(self.folder / 'two.pem')
        self.rotate()
        self.assertNotEqual(self.world.children()[HUECHAT], before)
        self.assertEqual(self.arguments(), ['--read', str(self.folder / 'two.pem')])

    def test_file_that_is_replaced(self):
        """By rename, as programs do that renew certificates: another file under the name that a helper was told."""
        cert, _ = self.front.pair = self.authority('two')
        os.replace(cert, self.folder / 'one.pem')
        self.front.pair = self.folder / 'one.pem', self.folder / 'two.key'
        self.rotate()


if __name__ == '__main__':
    unittest.main()
