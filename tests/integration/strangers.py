# SPDX-License-Identifier: LGPL-2.1-or-later
"""Callers that know the introspection and mean no good: calls of any shape, made from a seed.

    strangers.py ADDRESS FOLDER SEED CALLS      prints what was answered wrongly, a line each
"""
import contextlib
import os
import pathlib
import random
import re
import socket
import struct
import sys
import time
import types
import xml.etree.ElementTree

from wire import (CALL, DESTINATION, ERROR, ERROR_NAME, INTERFACE, MEMBER, PATH, REPLY_SERIAL, RETURN, SIGNAL,
                  SIGNATURE, UNIX_FDS, Connection, Message, Reader, split)

KEYTURN = 'org.keyturn1'
ROOT = '/org/keyturn1'
PATHS = ['/', '/org', ROOT, ROOT + '/integration', ROOT + '/integration/crm', '/nowhere']
NO_REPLY = 1
STANDARD = 'org.freedesktop.DBus.'

# What a caller may say where there is a string: names, subjects, settings, and what is none of them.
TEXTS = ['', 'victim', 'empty', 'crm', 'new-1', 'new-2', 'new-3', '@test', '@live', 'test', 'live', 'CRM!', '../crm',
         'a' * 65, 'pid:1', 'pid:0', 'pid:-1', 'pid:99999999999', 'unit:a.service', 'user:root', 'user:0',
         'sender::1.1', 'sender:', ':1.1', 'org.keyturn1.Manager', 'org.keyturn1.Integration', 'Version', 'KeyId',
         '\x1b[2J', 'two\nlines', '\u202e', 'é' * 40, '/', 'sk_test_0123456789abcdefABCD', 'any', 'custom', 'full',
         'api', 'dashboard', 'contacts:read', '2s', '90d', 'infinity']
WORDS = ['Environment', 'Access', 'Permissions', 'Management', 'RotateAfter', 'Overlap', 'MaxOverlap', 'OnStillUsed',
         'Allow', 'Delivery', 'ReloadUnits', 'RestartUnits', 'StartUnits', 'Issue', 'Id', 'CreatedAt', 'Compromised',
         'Force', '']
GOOD_SETTINGS = {'Environment': ('s', 'test'), 'Access': ('s', 'custom'), 'Permissions': ('as', ['contacts:read']),
                 'Overlap': ('s', '2s')}
SIGNATURES = ['', 's', 'ss', 'sb', 'st', 'sa{sv}', 'sh', 'as', 'v', 'h', 'hh', 'ah', 't', 'ay', 'a{ss}', '(ss)',
              'a(sa{sv})', 'd', 'o', 'g', 'ssv', 'aav', 'a{sa{sv}}', 'sssssss']
NUMBERS = {'y': 8, 'n': 15, 'q': 16, 'i': 31, 'u': 32, 'x': 63, 't': 64}
# What must not be done to the integration whose key has to be there at the end.
SPARES_CRM = {'GetKey', 'GetKeyToFd', 'OpenKey', 'GetIntegration', 'Explain', 'GetHistory', 'GetHolders', 'Acknowledge',
              'Get', 'GetAll', 'Set'}


class Values:
    """Values of any type."""

    def __init__(self, random_numbers, huge):
        self.random, self.huge, self.fds, self.spare = random_numbers, huge, 0, False

    def text(self):
        kind = self.random.randrange(1000)
        if kind < self.huge:
            return 'x' * self.random.choice((1 << 16, 1 << 16, 1 << 20, 1 << 20, 1 << 24))
        text = self.random.choice(TEXTS)
        return 'victim' if text == 'crm' and not self.spare else text

    def number(self, kind):
        bits = NUMBERS[kind]
        return self.random.choice((0, 1, 7, (1 << bits) - 1, (1 << (bits - 1)) - 1, self.random.getrandbits(bits)))

    def variant(self, depth):
        if depth > 50 or self.random.random() < 0.8:
            kind = self.random.choice([s for s in SIGNATURES if len(split(s)) == 1 and s not in ('v', 'aav')])
            return kind, self.value(kind, 60)
        return 'v', self.variant(depth + 1)

    def deep(self, levels):
        value = ('s', 'at the bottom')
        for _ in range(levels):
            value = ('v', value)
        return value

    def value(self, kind, depth=0):
        first = kind[0]
        if first in NUMBERS:
            return self.number(first)
        if first == 'b':
            return self.random.randrange(2)
        if first == 'd':
            return self.random.random()
        if first == 'h':
            return self.random.choice((0, 0, 0, 1, self.fds, 1 << 31))
        if first == 's':
            return self.text()
        if first == 'o':
            return self.random.choice(('/', ROOT, '/a/b_c', ROOT + '/integration/crm'))
        if first == 'g':
            return self.random.choice(('', 's', 'a{sv}', '((((s))))'))
        if first == 'v':
            is_deep = depth < 1 and self.random.random() < 0.1
            return self.deep(self.random.randrange(20, 60)) if is_deep else self.variant(depth)
        if first == 'a':
            return self.array(kind[1:], depth)
        return tuple(self.value(k, depth + 1) for k in split(kind[1:-1]))

    def array(self, kind, depth):
        if kind == '{sv}':
            return self.settings(depth)
        count = self.random.choice((0, 1, 1, 2, 5))
        if self.random.randrange(1000) < self.huge and kind in ('y', 's'):
            return bytes(1 << 24) if kind == 'y' else [''] * 100000
        if kind[0] == '{':
            return {self.value(kind[1], depth + 1): self.value(kind[2:-1], depth + 1) for _ in range(count)}
        return [self.value(kind, depth + 1) for _ in range(count)]

    def settings(self, depth):
        chosen = dict(GOOD_SETTINGS) if self.random.random() < 0.3 else {}
        for _ in range(self.random.choice((0, 0, 1, 2, 4))):
            word = self.random.choice(WORDS)
            chosen[word] = self.random.choice((('s', self.text()), ('as', [self.text()]), ('b', 1),
                                               self.variant(depth)))
        return chosen


class Stranger(Connection):
    """A connection that sends several calls at once, and reads their answers only as far as they can be judged."""

    def send_as(self, message, flags):
        """With flags of the header. Returns the serial."""
        self.serial += 1
        raw = bytearray(message.encode(self.serial))
        raw[2] = flags
        sent = socket.send_fds(self.sock, [raw], message.fds) if message.fds else 0
        self.sock.sendall(raw[sent:])
        return self.serial

    def take(self):
        """(kind, serial of the call, name of the error, its text) of the next message."""
        while len(self.buffer) < 16:
            self.fill()
        order = '<' if self.buffer[:1] == b'l' else '>'
        body_length, _, fields_length = struct.unpack_from(order + 'III', self.buffer, 4)
        start = (16 + fields_length + 7) // 8 * 8
        chunks, length = [self.buffer], len(self.buffer)
        while length < start + body_length:
            self.buffer = b''
            self.fill()
            chunks.append(self.buffer)
            length += len(self.buffer)
        whole = b''.join(chunks)
        raw, self.buffer = whole[:start + body_length], whole[start + body_length:]
        head = Reader(raw, order)
        head.at = 12
        fields = dict(head.get('a(yv)'))
        count = fields.get(UNIX_FDS, 0)
        for fd in self.received_fds[:count]:
            with contextlib.suppress(OSError):
                os.write(fd, b'sk_test_0123456789abcdefABCD')
            os.close(fd)
        del self.received_fds[:count]
        text = ''
        if raw[1] == ERROR and fields.get(SIGNATURE, '').startswith('s'):
            text = Reader(raw[start:], order).get('s')
        return raw[1], fields.get(REPLY_SERIAL), fields.get(ERROR_NAME), text


def descriptors(random_numbers, folder):
    """One to sixteen descriptors of all kinds; the caller closes them."""
    found = []
    for _ in range(random_numbers.choice((1, 1, 1, 2, 16))):
        kind = random_numbers.randrange(7)
        if kind < 2:
            ends = os.pipe()
        elif kind < 4:
            ends = [s.detach() for s in socket.socketpair(socket.AF_UNIX, random_numbers.choice(
                (socket.SOCK_STREAM, socket.SOCK_SEQPACKET, socket.SOCK_DGRAM)))]
        elif kind == 4:
            ends = [os.open('/dev/null', os.O_RDWR)]
        elif kind == 5:
            ends = [os.open(folder, os.O_PATH)]
        else:
            ends = [os.open(folder / 'lent', os.O_RDWR | os.O_CREAT)]
        found.append(ends[random_numbers.randrange(len(ends))])
        for end in ends:
            if end != found[-1]:
                os.close(end)
    return found


def methods_of(bus):
    """Every method that introspection tells of: a sorted list of (interface, member, signature)."""
    found = set()
    for path in PATHS[:-1]:
        text = bus.call(KEYTURN, path, STANDARD + 'Introspectable', 'Introspect')
        for interface in xml.etree.ElementTree.fromstring(text).iter('interface'):
            for method in interface.iter('method'):
                types = [arg.get('type') for arg in method.iter('arg') if arg.get('direction', 'in') == 'in']
                found.add((interface.get('name'), method.get('name'), ''.join(types)))
    return sorted(found)


class Fuzzer:
    """Calls one method as often as is wanted, from a seed of its own; what was answered wrongly is in problems."""

    ANSWER_SECONDS = 90

    def __init__(self, world, method, seed, huge=2):
        self.world = world
        self.interface, self.member, self.signature = method
        self.random = random.Random(f'{seed}/{self.interface}.{self.member}')
        self.values = Values(self.random, huge)
        self.values.spare = self.member in SPARES_CRM
        self.problems, self.sent, self.bus = [], 0, None

    def message(self):
        """A call, and the flags of its header."""
        chance = self.random.random
        signature = self.signature if chance() < 0.75 else self.random.choice(SIGNATURES)
        fds = []
        if 'h' in signature or chance() < 0.05:
            fds = descriptors(self.random, self.world.root)
        self.values.fds = len(fds)
        own = self.interface.startswith(KEYTURN)
        fields = {
            PATH: self.random.choice(PATHS) if chance() < (0.1 if own else 0.8) else ROOT,
            INTERFACE: '' if chance() < 0.05 else self.interface,
            MEMBER: self.member if chance() < 0.98 else self.member + 'X',
            DESTINATION: KEYTURN, SIGNATURE: signature,
        }
        kind = CALL
        if chance() < 0.01:
            kind, fields[INTERFACE] = SIGNAL, self.random.choice((self.interface, 'org.freedesktop.DBus'))
            fields[MEMBER] = self.random.choice((self.member, 'NameOwnerChanged'))
        body = [self.values.value(k) for k in split(signature)]
        return Message(kind, fields, body, fds=fds), self.random.choice((0, 0, 0, 0, 0, 0, NO_REPLY, 2, 4, 7))

    def send(self, bus, outstanding):
        message, flags = self.message()
        try:
            serial = bus.send_as(message, flags)
        finally:
            for fd in message.fds:
                os.close(fd)
        self.sent += 1
        if message.kind == CALL and not flags & NO_REPLY:
            outstanding[serial] = f'{message.fields[MEMBER]}({message.fields[SIGNATURE]})'

    def judge(self, what, name, text):
        if not re.fullmatch(r'org\.keyturn1\.Error\.\w+|org\.freedesktop\.DBus\.Error\.\w+', name):
            self.problems.append(f'{what}: an error called {name}: {text[:200]!r}')
        # Of what sd-bus itself does not find, it says the name.
        if '.Error.Unknown' not in name and (not text or not text.isprintable()):
            self.problems.append(f'{what}: {name} with the text {text[:200]!r}')

    def settle(self, bus, outstanding):
        """Reads until each call is answered, once."""
        deadline = time.monotonic() + self.ANSWER_SECONDS
        while outstanding:
            if time.monotonic() > deadline:
                self.problems.append(f'no answer to {sorted(outstanding.values())}')
                return
            kind, serial, name, text = bus.take()
            if kind in (RETURN, ERROR) and serial in outstanding:
                what = outstanding.pop(serial)
                if kind == ERROR:
                    self.judge(what, name, text)

    def connect(self):
        return Stranger.on_bus(self.world.address, self.ANSWER_SECONDS)

    def settled(self):
        """The connection that most calls come from: keyturnd has looked at its caller before."""
        if self.bus is None:
            self.bus = self.connect()
            with contextlib.suppress(Exception):
                self.bus.call(KEYTURN, ROOT, 'org.keyturn1.Manager', 'GetKey', 's', 'crm')
        return self.bus

    def burst(self):
        """Several calls at once from a connection that is known."""
        outstanding = {}
        for _ in range(self.random.choice((1, 2, 8, 16))):
            self.send(self.settled(), outstanding)
        self.settle(self.settled(), outstanding)

    def leave(self):
        """Calls of a known connection that goes before it is answered."""
        with contextlib.closing(self.settled()) as bus:
            self.bus = None
            for _ in range(self.random.choice((1, 3))):
                self.send(bus, {})
            if self.random.random() < 0.5:
                bus.sock.sendall(b'l\1\0\1' + bytes(self.random.randrange(1, 12)))

    def burst_of_a_new_one(self):
        """Several calls in flight on a connection that keyturnd does not know yet."""
        outstanding = {}
        with contextlib.closing(self.connect()) as bus:
            for _ in range(self.random.choice((2, 3, 8))):
                self.send(bus, outstanding)
            if self.random.random() < 0.7:
                self.settle(bus, outstanding)

    def run(self, calls, known):
        """known: of connections that keyturnd has looked at alone."""
        while self.sent < calls:
            kind = self.random.random()
            if not known:
                self.burst_of_a_new_one()
            elif kind < 0.05:
                self.leave()
            else:
                self.burst()
        if self.bus is not None:
            self.bus.close()


def main():
    address, folder, seed, calls = sys.argv[1:]
    world = types.SimpleNamespace(address=address, root=pathlib.Path(folder))
    with Connection.on_bus(address) as bus:
        methods = methods_of(bus)
    for known in (True, False):
        for method in methods:
            fuzzer = Fuzzer(world, method, seed)
            fuzzer.run(int(calls), known)
            for problem in sorted(set(fuzzer.problems)):
                print(f'{method[0]}.{method[1]}: {problem}')


if __name__ == '__main__':
    main()
