# SPDX-License-Identifier: LGPL-2.1-or-later
"""forge.py KIND: signals that the bus, systemd or keyturnd never sent, to whoever believes them; until it is killed.

    gone        every name has left the bus
    job RESULT  systemd's jobs have ended so
    keyturn     what keyturnd tells everybody
"""
import sys
import time

from wire import DESTINATION, INTERFACE, MEMBER, PATH, SIGNAL, SIGNATURE, Connection, Message
from world import KEYTURN, KEYTURN_PATH, MANAGER

DBUS, SYSTEMD = 'org.freedesktop.DBus', 'org.freedesktop.systemd1'
BUS = Connection.on_bus('unix:path=/run/dbus/system_bus_socket')


def send(destination, path, interface, member, signature, *args):
    BUS.send(Message(SIGNAL, {PATH: path, INTERFACE: interface, MEMBER: member, DESTINATION: destination,
                              SIGNATURE: signature}, args))


def names():
    return [name for name in BUS.ask_bus('ListNames') if name[0] == ':']


def gone(keyturnd):
    for name in names():
        # And those that come next.
        number = int(name.split('.')[1])
        for at in range(number, number + 8):
            send(keyturnd, '/org/freedesktop/DBus', DBUS, 'NameOwnerChanged', 'sss', f':1.{at}', f':1.{at}', '')


def job(keyturnd):
    told = BUS.next_signal()
    if told.fields[MEMBER] == 'JobNew':
        for _ in range(20):
            send(keyturnd, '/org/freedesktop/systemd1', SYSTEMD + '.Manager', 'JobRemoved', 'uoss', *told.body,
                 sys.argv[2])
            time.sleep(0.002)


def keyturn(_):
    for name in names():
        send(name, KEYTURN_PATH, MANAGER, 'AttentionNeeded', 'ss', 'crm', 'FORGED')


owner = BUS.ask_bus('GetNameOwner', 's', KEYTURN)
if sys.argv[1] == 'job':
    BUS.ask_bus('AddMatch', 's', f"type='signal',sender='{SYSTEMD}',member='JobNew'")
    BUS.call(SYSTEMD, '/org/freedesktop/systemd1', SYSTEMD + '.Manager', 'Subscribe')
    BUS.sock.settimeout(None)
print('begun', flush=True)
while True:
    {'gone': gone, 'job': job, 'keyturn': keyturn}[sys.argv[1]](owner)
