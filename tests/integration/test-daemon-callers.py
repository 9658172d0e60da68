#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Who calls is asked once, however many calls come at once; what can't be told is no answer, and is asked again."""
import os
import signal
import socket
import time
import unittest

from bus_service import BusService
from running import Running
from wire import MEMBER, PATH, BusError
from world import KEYTURN, KEYTURN_PATH, MANAGER, wait_for

BUSY = 'org.keyturn1.Error.Busy'
DENIED = 'org.freedesktop.DBus.Error.AccessDenied'
SYSTEMD = 'org.freedesktop.systemd1'
UNIT_PATH = '/org/freedesktop/systemd1/unit/crm_2eservice'


def start(bus, member, signature, *args, fds=()):
    return bus.start_call(KEYTURN, KEYTURN_PATH, MANAGER, member, signature, *args, fds=fds)


def outcome(bus, serial):
    """'key', or the name of the error."""
    try:
        return 'key' if bus.wait_reply(serial) else 'nothing'
    except BusError as error:
        return error.name


class CallsAtOnce(unittest.TestCase):
    def setUp(self):
        self.world = self.enterContext(Running())
        self.world.add('crm')

    def test_calls_in_flight_on_a_new_connection(self):
        for _ in range(50):
            with self.world.connect() as bus:
                first = [start(bus, 'GetKey', 's', name) for name in ('crm', 'nothing') * 4]
                other = start(bus, 'GetHistory', 'st', '', 0)
                outcomes = [outcome(bus, serial) for serial in first]
                bus.wait_reply(other)
            self.assertEqual(outcomes, ['key', 'org.keyturn1.Error.NoSuchIntegration'] * 4)
        self.assertIsNone(self.world.daemon.poll())

    def test_all_objects_at_once(self):
        shown = self.world.bus.call(KEYTURN, KEYTURN_PATH, 'org.freedesktop.DBus.ObjectManager', 'GetManagedObjects')
        self.assertEqual(list(shown), ['/org/keyturn1/integration/crm'])
        interfaces = shown['/org/keyturn1/integration/crm']
        self.assertEqual(interfaces.pop(KEYTURN + '.Integration'), self.world.integration('crm'))
        self.assertEqual(interfaces, {f'org.freedesktop.DBus.{name}': {}
                                      for name in ('Peer', 'Introspectable', 'Properties')})

    def test_a_connection_that_goes_at_once(self):
        for count in range(100):
            with self.world.connect() as bus:
                for _ in range(1 + count % 3):
                    start(bus, 'GetKey', 's', 'crm')
        self.assertTrue(self.world.fetch('crm'))

    def test_a_call_too_large_to_be_kept(self):
        """The caller is not known yet, so it may cost nothing."""
        with self.world.connect() as bus:
            serial = start(bus, 'GetKey', 's', 'x' * 1024 * 1024)
            self.assertEqual(outcome(bus, serial), 'org.freedesktop.DBus.Error.InvalidArgs')
            self.assertEqual(outcome(bus, start(bus, 'GetKey', 's', 'crm')), 'key')

    def test_who_leaves_while_the_keyring_is_asked_gets_nothing(self):
        self.world.stop_daemon()
        os.kill(self.world.keyring.pid, signal.SIGSTOP)
        self.world.start_daemon()
        ours, theirs = socket.socketpair()
        with ours:
            with self.world.connect() as bus, theirs:
                start(bus, 'GetKeyToFd', 'sh', 'crm', 0, fds=[theirs.fileno()])
                wait_for(lambda: 'keyturn-secret-service' in self.world.children(), what='the keyring to be asked')
                time.sleep(0.5)
            os.kill(self.world.keyring.pid, signal.SIGCONT)
            ours.settimeout(30)
            self.assertEqual(ours.recv(4096), b'')
        self.assertTrue(self.world.fetch('crm'))
        self.assertEqual(len(self.world.manager('GetHolders', 's', 'crm')), 1)


class Systemd(BusService):
    """systemd's manager, as far as keyturnd asks it: what it says is set by a test."""

    def __init__(self, world):
        self.says = 'crm'
        self.uid = os.getuid()
        self.asked = 0
        super().__init__(world.connect(timeout=None), SYSTEMD)

    def meet(self, call):
        member = call.fields[MEMBER]
        if member == 'Get' and call.fields[PATH] == UNIT_PATH:
            self.bus.answer(call, 'v', ('u', self.uid))
        elif member != 'GetUnitByPID':
            self.bus.refuse(call, 'org.freedesktop.DBus.Error.UnknownMethod', 'no such method')
        else:
            self.asked += 1
            self.answer_unit(call)

    def answer_unit(self, call):
        if self.says == 'crm':
            self.bus.answer(call, 'o', UNIT_PATH)
        elif self.says == 'none':
            self.bus.refuse(call, SYSTEMD + '.NoUnitForPID', 'no unit')
        elif self.says == 'broken':
            self.bus.refuse(call, 'org.freedesktop.DBus.Error.Failed', 'this time it does not work')


class SystemMode(unittest.TestCase):
    """keyturnd --system on this world's bus, with a systemd that says what the test wants."""

    def setUp(self):
        self.world = self.enterContext(Running())
        self.world.add('crm', '--allow', 'unit:crm.service')
        self.world.stop_daemon()
        self.systemd = Systemd(self.world)
        self.addCleanup(self.systemd.bus.close)
        self.world.start_daemon('--system', env={'DBUS_SYSTEM_BUS_ADDRESS': self.world.address})

    def get(self, bus):
        return outcome(bus, start(bus, 'GetKey', 's', 'crm'))

    def test_its_unit(self):
        with self.world.connect() as bus:
            self.assertEqual([self.get(bus) for _ in range(3)], ['key'] * 3)
        self.assertEqual(self.systemd.asked, 1)

    def test_no_unit_is_an_answer(self):
        self.systemd.says = 'none'
        with self.world.connect() as bus:
            self.assertEqual([self.get(bus) for _ in range(3)], [DENIED] * 3)
        self.assertEqual(self.systemd.asked, 1)

    def test_a_unit_that_runs_as_somebody_else(self):
        self.systemd.uid = os.getuid() + 1
        with self.world.connect() as bus:
            self.assertEqual(self.get(bus), DENIED)

    def test_a_failure_is_none_and_is_not_kept(self):
        self.systemd.says = 'broken'
        with self.world.connect() as bus:
            self.assertEqual([self.get(bus) for _ in range(2)], [BUSY] * 2)
            self.systemd.says = 'crm'
            self.assertEqual(self.get(bus), 'key')
        self.assertEqual(self.world.history('crm', 'refused'), [])

    def test_a_systemd_that_is_not_there(self):
        self.systemd.bus.close()
        with self.world.connect() as bus:
            self.assertEqual(self.get(bus), BUSY)
            again = Systemd(self.world)
            self.addCleanup(again.bus.close)
            self.assertEqual(self.get(bus), 'key')

    def test_whom_no_unit_decides_about_waits_for_none(self):
        """Root too: else whoever keeps systemd busy keeps everybody from everything."""
        self.world.keyturn('--system', 'add', 'erp', '--env', 'test', '--scope', 'contacts:read', '--allow',
                           f'user:{os.getuid()}', env={'DBUS_SYSTEM_BUS_ADDRESS': self.world.address})
        self.systemd.says = 'nothing'
        with self.world.connect() as bus:
            waits = start(bus, 'GetKey', 's', 'crm')
            self.assertEqual(outcome(bus, start(bus, 'GetKey', 's', 'erp')), 'key')
            began = time.monotonic()
            self.assertEqual([outcome(bus, start(bus, 'GetKey', 's', 'erp')) for _ in range(5)], ['key'] * 5)
            self.assertLess(time.monotonic() - began, 15)
            if os.getuid() == 0:
                bus.wait_reply(start(bus, 'GetHistory', 'st', '', 0))
            self.assertEqual(outcome(bus, waits), BUSY)

    def test_a_systemd_that_hangs(self):
        """The calls are answered in the end, and who has its own share is not kept waiting by others' questions."""
        self.systemd.says = 'nothing'
        with self.world.connect(60) as bus:
            serials = [start(bus, 'GetKey', 's', 'crm') for _ in range(3)]
            self.assertEqual([outcome(bus, serial) for serial in serials], [BUSY] * 3)
            self.assertEqual(self.systemd.asked, 1)
            self.systemd.says = 'crm'
            self.assertEqual(self.get(bus), 'key')


if __name__ == '__main__':
    unittest.main()
