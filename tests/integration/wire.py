# SPDX-License-Identifier: LGPL-2.1-or-later
"""D-Bus without a library: enough to call a helper over its socketpair, to call services on a bus, and to be one.

Values are plain Python. A variant to send is a pair (signature, value); one received is its value alone.
"""
import os
import socket
import struct

CALL, RETURN, ERROR, SIGNAL = 1, 2, 3, 4
FIXED = {'y': 'B', 'n': 'h', 'q': 'H', 'i': 'i', 'u': 'I', 'x': 'q', 't': 'Q', 'd': 'd', 'b': 'I', 'h': 'I'}
FIELDS = {1: 'o', 2: 's', 3: 's', 4: 's', 5: 'u', 6: 's', 7: 's', 8: 'g', 9: 'u'}
PATH, INTERFACE, MEMBER, ERROR_NAME, REPLY_SERIAL, DESTINATION, SENDER, SIGNATURE, UNIX_FDS = range(1, 10)


class BusError(Exception):
    """The answer to a call was an error; name is its D-Bus name."""

    def __init__(self, name, text):
        super().__init__(f'{name}: {text}')
        self.name = name
        self.text = text

    def __reduce__(self):
        return BusError, (self.name, self.text)


def split(signature):
    """The complete types of a signature."""
    types, i = [], 0
    while i < len(signature):
        start, i = i, end_of_type(signature, i)
        types.append(signature[start:i])
    return types


def end_of_type(signature, i):
    if signature[i] == 'a':
        return end_of_type(signature, i + 1)
    if signature[i] not in '({':
        return i + 1
    depth = 0
    while True:
        depth += (signature[i] in '({') - (signature[i] in ')}')
        i += 1
        if depth == 0:
            return i


def alignment(kind):
    if kind in FIXED:
        return struct.calcsize(FIXED[kind])
    return {'s': 4, 'o': 4, 'a': 4, 'g': 1, 'v': 1}.get(kind, 8)


class Writer:
    def __init__(self):
        self.data = bytearray()

    def pad(self, n):
        self.data += bytes(-len(self.data) % n)

    def put_all(self, signature, values):
        types = split(signature)
        assert len(types) == len(values), (signature, len(values))
        for kind, value in zip(types, values):
            self.put(kind, value)

    def put(self, kind, value):
        first = kind[0]
        self.pad(alignment(first))
        if first in FIXED:
            self.data += struct.pack('<' + FIXED[first], value)
        elif first in 'so':
            raw = value.encode()
            self.data += struct.pack('<I', len(raw)) + raw + b'\0'
        elif first == 'g':
            self.data += bytes([len(value)]) + value.encode() + b'\0'
        elif first == 'v':
            self.put('g', value[0])
            self.put(value[0], value[1])
        elif first == 'a':
            self.put_array(kind[1:], value)
        else:
            self.put_all(kind[1:-1], value)

    def put_array(self, kind, value):
        at = len(self.data)
        self.data += bytes(4)
        self.pad(alignment(kind[0]))
        start = len(self.data)
        if kind == 'y':
            self.data += bytes(value)
        else:
            for element in value.items() if kind[0] == '{' else value:
                self.put(kind, element)
        struct.pack_into('<I', self.data, at, len(self.data) - start)


class Reader:
    def __init__(self, data, order='<', fds=()):
        self.data = data
        self.at = 0
        self.order = order
        self.fds = fds

    def pad(self, n):
        self.at += -self.at % n

    def take(self, n):
        self.at += n
        return self.data[self.at - n:self.at]

    def get_all(self, signature):
        return [self.get(kind) for kind in split(signature)]

    def get(self, kind):
        first = kind[0]
        self.pad(alignment(first))
        if first in FIXED:
            form = self.order + FIXED[first]
            value = struct.unpack(form, self.take(struct.calcsize(form)))[0]
            return bool(value) if first == 'b' else self.fds[value] if first == 'h' else value
        if first in 'so':
            return self.take(self.get('u') + 1)[:-1].decode()
        if first == 'g':
            return self.take(self.get('y') + 1)[:-1].decode()
        if first == 'v':
            return self.get(self.get('g'))
        if first == 'a':
            return self.get_array(kind[1:])
        return tuple(self.get_all(kind[1:-1]))

    def get_array(self, kind):
        length = self.get('u')
        self.pad(alignment(kind[0]))
        end = self.at + length
        if kind == 'y':
            return bytes(self.take(length))
        elements = []
        while self.at < end:
            elements.append(self.get(kind))
        return dict(elements) if kind[0] == '{' else elements


class Message:
    def __init__(self, kind, fields, body=(), serial=0, fds=()):
        self.kind, self.fields, self.body, self.serial, self.fds = kind, fields, list(body), serial, list(fds)

    def encode(self, serial):
        signature = self.fields.get(SIGNATURE, '')
        body = Writer()
        body.put_all(signature, self.body)
        fields = [(code, (FIELDS[code], value)) for code, value in self.fields.items() if value != '']
        if self.fds:
            fields.append((UNIX_FDS, ('u', len(self.fds))))
        head = Writer()
        head.put_all('yyyyuu', [ord('l'), self.kind, 0, 1, len(body.data), serial])
        head.put('a(yv)', fields)
        head.pad(8)
        return bytes(head.data + body.data)


class Connection:
    """One end of a D-Bus connection; calls block, with a time-out in seconds."""

    def __init__(self, sock, timeout=30):
        self.sock = sock
        self.sock.settimeout(timeout)
        self.serial = 0
        self.buffer = b''
        self.received_fds = []
        self.signals = []
        self.name = None
        self.authenticate()

    @classmethod
    def on_bus(cls, address, timeout=30):
        """A connection to the bus at a unix:path= address."""
        sock = socket.socket(socket.AF_UNIX)
        try:
            sock.connect(address.split('unix:path=', 1)[1].split(',')[0])
        except OSError:
            sock.close()
            raise
        self = cls(sock, timeout)
        self.name = self.ask_bus('Hello')
        return self

    def authenticate(self):
        uid = str(os.getuid()).encode().hex()
        self.sock.sendall(b'\0AUTH EXTERNAL ' + uid.encode() + b'\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\n')
        for expected in (b'OK', b'AGREE_UNIX_FD'):
            while b'\r\n' not in self.buffer:
                self.fill()
            line, self.buffer = self.buffer.split(b'\r\n', 1)
            if not line.startswith(expected):
                raise ConnectionError(f'authentication: {line!r}')

    def fill(self):
        data, fds, _, _ = socket.recv_fds(self.sock, 65536, 16, socket.MSG_CMSG_CLOEXEC)
        self.received_fds += fds
        if not data:
            raise EOFError('the peer closed the connection')
        self.buffer += data

    def send(self, message):
        self.serial += 1
        raw = message.encode(self.serial)
        sent = socket.send_fds(self.sock, [raw], message.fds) if message.fds else 0
        self.sock.sendall(raw[sent:])
        return self.serial

    def receive(self):
        """The next message, whatever it is."""
        while len(self.buffer) < 16:
            self.fill()
        order = '<' if self.buffer[:1] == b'l' else '>'
        body_length, serial, fields_length = struct.unpack_from(order + 'III', self.buffer, 4)
        start = (16 + fields_length + 7) // 8 * 8
        while len(self.buffer) < start + body_length:
            self.fill()
        raw, self.buffer = self.buffer[:start + body_length], self.buffer[start + body_length:]
        head = Reader(raw, order)
        head.at = 12
        fields = dict(head.get('a(yv)'))
        count = fields.get(UNIX_FDS, 0)
        fds, self.received_fds = self.received_fds[:count], self.received_fds[count:]
        body = Reader(raw[start:], order, fds).get_all(fields.get(SIGNATURE, ''))
        return Message(raw[1], fields, body, serial, fds)

    def start_call(self, destination, path, interface, member, signature='', *args, fds=()):
        """Sends a call; its answer is for wait_reply()."""
        return self.send(Message(CALL, {
            PATH: path, INTERFACE: interface, MEMBER: member, DESTINATION: destination or '', SIGNATURE: signature,
        }, args, fds=fds))

    def wait_reply(self, serial):
        while True:
            message = self.receive()
            if message.kind == SIGNAL:
                self.signals.append(message)
            elif message.fields.get(REPLY_SERIAL) == serial:
                return self.result(message)

    @staticmethod
    def result(message):
        if message.kind == ERROR:
            raise BusError(message.fields[ERROR_NAME], message.body[0] if message.body else '')
        return message.body[0] if len(message.body) == 1 else tuple(message.body) or None

    def call(self, destination, path, interface, member, signature='', *args, fds=()):
        """Calls and returns what was answered: None, one value, or a tuple; BusError if that was an error."""
        return self.wait_reply(self.start_call(destination, path, interface, member, signature, *args, fds=fds))

    def ask_bus(self, member, signature='', *args):
        return self.call('org.freedesktop.DBus', '/org/freedesktop/DBus', 'org.freedesktop.DBus', member, signature,
                         *args)

    def get(self, destination, path, interface, name):
        return self.call(destination, path, 'org.freedesktop.DBus.Properties', 'Get', 'ss', interface, name)

    def next_signal(self):
        """The next signal that matches an AddMatch of this connection."""
        while not self.signals:
            message = self.receive()
            if message.kind == SIGNAL:
                self.signals.append(message)
        return self.signals.pop(0)

    def answer(self, call, signature='', *args):
        self.send(Message(RETURN, {REPLY_SERIAL: call.serial, DESTINATION: call.fields.get(SENDER, ''),
                                   SIGNATURE: signature}, args))

    def refuse(self, call, name, text):
        self.send(Message(ERROR, {REPLY_SERIAL: call.serial, DESTINATION: call.fields.get(SENDER, ''),
                                  ERROR_NAME: name, SIGNATURE: 's'}, [text]))

    def close(self):
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()
