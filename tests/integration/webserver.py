# SPDX-License-Identifier: LGPL-2.1-or-later
"""A web server that answers exactly what it is told to, byte for byte."""
import json
import re
import socket
import ssl
import subprocess
import threading

DATE = 'Mon, 23 Nov 2026 10:00:00 GMT'
DATE_USEC = 1795428000 * 10**6


def http(status, body=b'', *headers, length=None):
    """A whole response; body is bytes or a JSON document."""
    if not isinstance(body, bytes):
        body = json.dumps(body).encode()
    lines = [f'HTTP/1.1 {status} X', f'Date: {DATE}', *headers]
    if status != 204:
        lines.append(f'Content-Length: {len(body) if length is None else length}')
    return '\r\n'.join(lines).encode() + b'\r\n\r\n' + body


def authority(folder, name, names):
    """A certificate that signs itself, and its key: two files."""
    cert, key = folder / f'{name}.pem', folder / f'{name}.key'
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes',
                    '-keyout', key, '-out', cert, '-days', '2', '-subj', f'/CN={name}', '-addext',
                    f'subjectAltName={names}'], check=True, capture_output=True)
    return cert, key


def encrypted(pair):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*pair)
    return context


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
