# SPDX-License-Identifier: LGPL-2.1-or-later
"""flood.py CONNECTIONS CALLS MEMBER SIZE: an account's many calls at once, and what became of them.

Each connection makes so many calls, of SIZE bytes, and waits for no answer. Each answer is counted, by its error's
name; the counts so far go to standard output, a line each time one is asked for on standard input. It stays, with
all its connections, until that ends. A bus may close a connection that asks for too much: that is counted too.
"""
import collections
import json
import selectors
import sys

from wire import ERROR, ERROR_NAME, REPLY_SERIAL, RETURN, Connection
from world import KEYTURN, KEYTURN_PATH, MANAGER

ARGUMENTS = {
    'GetKey': lambda size: ('s', 'crm'),
    'GetHistory': lambda size: ('st', 'crm', 0),
    'AddIntegration': lambda size: ('sa{sv}', 'big', {'Environment': ('s', 'e' * size)}),
}


class Flood:
    def __init__(self, member, size):
        self.member, self.arguments = member, ARGUMENTS[member](size)
        self.connections = []
        self.counts = collections.Counter()
        self.selector = selectors.DefaultSelector()

    def connect(self, n):
        for _ in range(n):
            bus = Connection.on_bus('unix:path=/run/dbus/system_bus_socket')
            self.connections.append(bus)
            self.selector.register(bus.sock, selectors.EVENT_READ, bus)

    def call(self, bus):
        try:
            bus.start_call(KEYTURN, KEYTURN_PATH, MANAGER, self.member, *self.arguments)
        except OSError:
            self.lose(bus)

    def lose(self, bus):
        if bus in self.connections:
            self.counts['closed'] += 1
            self.connections.remove(bus)
            self.selector.unregister(bus.sock)
            bus.close()

    def take(self, bus):
        """What has come on a connection, and all that came with it."""
        try:
            self.count(bus.receive())
            while bus.buffer:
                self.count(bus.receive())
        except (EOFError, OSError):
            self.lose(bus)

    def count(self, message):
        if message.kind in (RETURN, ERROR) and REPLY_SERIAL in message.fields:
            self.counts[message.fields.get(ERROR_NAME, 'answered')] += 1

    def run(self):
        self.selector.register(sys.stdin, selectors.EVENT_READ, None)
        while True:
            for key, _ in self.selector.select():
                if key.data is not None:
                    self.take(key.data)
                elif sys.stdin.readline():
                    print(json.dumps(self.counts), flush=True)
                else:
                    return


def main():
    connections, calls, member, size = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
    flood = Flood(member, size)
    flood.connect(connections)
    for _ in range(calls):
        for bus in list(flood.connections):
            flood.call(bus)
    print(json.dumps({}), flush=True)
    flood.run()


main()
