# SPDX-License-Identifier: LGPL-2.1-or-later
"""mute.py INTEGRATION KIND: asks, and reads no answer, until it is killed.

    keys     sockets with the key in them, behind what fills its own socket
    answers  all properties, as many as the bus takes
"""
import signal
import socket
import sys
import time

from wire import CALL, DESTINATION, INTERFACE, MEMBER, PATH, SIGNATURE, Connection, Message
from world import KEYTURN, KEYTURN_PATH, MANAGER

BUS = 'unix:path=/run/dbus/system_bus_socket'
CONNECTIONS = [Connection.on_bus(BUS, None) for _ in range(4)]
OBJECT = CONNECTIONS[0].call(KEYTURN, KEYTURN_PATH, MANAGER, 'GetIntegration', 's', sys.argv[1])


def call(bus, path, interface, member, *args):
    bus.serial += 1
    return Message(CALL, {PATH: path, INTERFACE: interface, MEMBER: member, DESTINATION: KEYTURN, SIGNATURE: 's'},
                   args).encode(bus.serial)


def ask_for_all(bus, times):
    bus.sock.sendall(b''.join(call(bus, OBJECT, 'org.freedesktop.DBus.Properties', 'GetAll',
                                   'org.keyturn1.Integration') for _ in range(times)))


for connection in CONNECTIONS:
    connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
print('begun', flush=True)
if sys.argv[2] == 'keys':
    first = CONNECTIONS[0]
    for _ in range(15):
        ask_for_all(first, 100)
        time.sleep(0.05)  # no more than the bus lets wait for an answer
    time.sleep(1)
    first.sock.sendall(b''.join(call(first, KEYTURN_PATH, MANAGER, 'OpenKey', sys.argv[1]) for _ in range(100)))
while sys.argv[2] == 'answers':
    # No more than the bus lets wait for an answer.
    for connection in CONNECTIONS:
        ask_for_all(connection, 100)
    time.sleep(0.05)
signal.pause()
