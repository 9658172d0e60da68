# SPDX-License-Identifier: LGPL-2.1-or-later
"""ask.py INTEGRATION SOCKET: a service that fetches its key over D-Bus whenever somebody connects to SOCKET.

It answers with what it got, and fetches over one connection for life if the word that it reads is "held", else over
a new one.
"""
import json
import os
import socket
import sys

from wire import BusError, Connection
from world import KEYTURN, KEYTURN_PATH, MANAGER


def connect():
    return Connection.on_bus('unix:path=/run/dbus/system_bus_socket')


def fetch(bus):
    try:
        return {'key': bus.call(KEYTURN, KEYTURN_PATH, MANAGER, 'GetKey', 's', sys.argv[1])}
    except BusError as error:
        return {'error': error.name, 'message': str(error)}


with connect() as held, socket.socket(socket.AF_UNIX) as server:
    server.bind(sys.argv[2])
    os.chmod(sys.argv[2], 0o666)
    server.listen()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.sendto(b'READY=1', os.environ['NOTIFY_SOCKET'])
    while True:
        peer, _ = server.accept()
        with peer:
            if peer.recv(16) == b'held':
                got = fetch(held)
            else:
                with connect() as bus:
                    got = fetch(bus)
            peer.sendall(json.dumps(got).encode())
