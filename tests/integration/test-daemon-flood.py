#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whoever asks thousands of times, in vain or not, costs keyturnd no disk, and hides nothing of what else happened."""
import os
import secrets
import socket
import subprocess
import sys
import unittest

from running import Running
from wire import BusError
from world import KEYTURN, KEYTURN_PATH, MANAGER, wait_for

CLOSED = '[Integration]\nEnvironment=test\nAccess=full\nAllow=user:nobody\n'
KINDS = 16  # told as a whole, of one uid in a minute
PROGRAMS = 20  # told of one integration in a minute
AT_ONCE = 50  # calls
PAGE = 4096


class Flood(unittest.TestCase):
    def setUp(self):
        self.world = self.enterContext(Running())
        self.world.add('crm')
        self.world.wait_state('crm', 'idle')
        self.world.fetch('crm')
        wait_for(lambda: self.world.history('crm', 'fetched'), what='the fetch in the history')

    def define_closed(self, *names):
        for name in names:
            self.world.write_definition(name, CLOSED)
        self.world.keyturn('reload')

    def flood(self, *names, rounds):
        """As many refused calls as rounds for each name."""
        calls = [name for name in names for _ in range(rounds)]
        with self.world.connect() as bus:
            self.call_refused(bus, calls[:1])
            for at in range(1, len(calls), AT_ONCE):
                self.call_refused(bus, calls[at:at + AT_ONCE])

    def call_refused(self, bus, names):
        serials = [bus.start_call(KEYTURN, KEYTURN_PATH, MANAGER, 'GetKey', 's', name) for name in names]
        for serial in serials:
            with self.assertRaisesRegex(BusError, 'not allowed'):
                bus.wait_reply(serial)

    def written(self):
        """What keyturnd has passed to write(2) and its kin, which does not depend on the file system."""
        try:
            with open(f'/proc/{self.world.daemon.pid}/io', encoding='ascii') as io:
                return int(dict(line.split(': ') for line in io)['wchar'])
        except PermissionError:
            self.skipTest('what keyturnd writes can be read by root alone')

    def others(self):
        return [e for e in self.world.history() if e['Event'] != 'refused']

    def refused(self, name=''):
        return self.world.history(name, 'refused')

    def stop_and_start(self):
        self.assertEqual(self.world.stop_daemon(), 0)
        self.world.start_daemon()

    def test_one_caller(self):
        """The first is told at once, the others when the minute is over; and nothing is lost of the rest."""
        self.define_closed('closed')
        before, written = self.others(), self.written()
        self.flood('closed', rounds=10500)
        self.assertEqual(self.others(), before)
        first, = self.refused()
        self.assertEqual((first['Integration'], first['Count']), ('closed', 1))
        self.assertRegex(first['Message'], r'\Arefused: no rule of Allow holds \(uid \d+')
        self.assertRegex(first['Caller'], r'pid \d+')
        wait_for(lambda: len(self.refused()) > 1, 75, 'the end of the minute')
        self.assertLess(self.written() - written, 64 * PAGE)
        count = self.refused()[1]
        self.assertEqual((len(self.refused()), count['Count'], count['Integration']), (2, 10499, 'closed'))
        self.assertEqual(count['Message'], 'refused 10,499 more times: no rule of Allow holds')
        self.assertRegex(count['Caller'], r'\Auid \d+')
        self.assertEqual(self.world.log('keyturnd').count('closed: refused'), 2)
        self.flood('closed', rounds=1)
        self.assertEqual([e['Count'] for e in self.refused()], [1, 10499, 1], 'another minute')

    def test_many_names(self):
        """Names are told apart up to a bound; beyond it only how many calls there were."""
        names = [f'closed-{i:02}' for i in range(2 * KINDS)]
        self.define_closed(*names)
        before, written = self.others(), self.written()
        self.flood(*names, rounds=100)
        self.assertEqual([e['Integration'] for e in self.refused()], names[:KINDS])
        self.assertLess(self.written() - written, 16 * KINDS * PAGE)
        self.stop_and_start()
        self.assertEqual(self.others(), before)
        self.assertEqual(len(self.refused()), 2 * KINDS + 1)
        self.assertEqual(sum(e['Count'] for e in self.refused()), 100 * len(names))
        last = self.refused()[-1]
        self.assertEqual((last['Integration'], last['Count']), ('', 100 * KINDS))
        self.assertEqual(last['Message'], 'refused 1,600 more times, of more kinds than are told apart')

    def test_names_that_do_not_exist(self):
        """On the credentials socket whoever connects says what he wants."""
        before, written = self.others(), self.written()
        for i in range(300):
            with socket.socket(socket.AF_UNIX) as client:
                client.bind(f'\0{secrets.token_hex(8)}/unit/u{i}.service/{secrets.token_hex(16)}')
                client.connect(str(self.world.runtime / 'credentials.sock'))
                client.recv(1)  # it has been refused
        self.assertEqual(len(self.refused()), KINDS)
        self.assertLess(self.written() - written, 16 * KINDS * PAGE)
        self.stop_and_start()
        self.assertEqual(self.others(), before)
        self.assertEqual([e['Count'] for e in self.refused()], [1] * KINDS + [300 - KINDS])

    def fetch_as(self, names):
        """A process of each name, one after the other, that fetches and ends."""
        program = ('import sys; sys.path[:0] = sys.argv[1:2]\n'
                   'import os, pathlib\n'
                   'from wire import Connection\n'
                   'for name in sys.argv[3:]:\n'
                   '    child = os.fork()\n'
                   '    if child == 0:\n'
                   '        pathlib.Path("/proc/self/comm").write_text(name)\n'
                   '        with Connection.on_bus(sys.argv[2]) as bus:\n'
                   f'            bus.call("{KEYTURN}", "{KEYTURN_PATH}", "{MANAGER}", "GetKey", "s", "crm")\n'
                   '        os._exit(0)\n'
                   '    assert os.waitpid(child, 0)[1] == 0\n')
        subprocess.run([sys.executable, '-c', program, os.path.dirname(__file__), self.world.address, *names],
                       check=True)

    def test_many_programs(self):
        """Whoever may fetch can start programs without end: their holders are known, few are told of."""
        before, written = self.world.history(), self.written()
        self.fetch_as([f'program-{i}' for i in range(300)])
        self.assertLess(self.written() - written, 2 * 300 * PAGE)
        self.stop_and_start()
        added = self.world.history()[len(before):]
        self.assertEqual(self.world.history()[:len(before)], before)
        self.assertEqual({e['Event'] for e in added}, {'fetched'})
        self.assertEqual(len(added), PROGRAMS)
        self.assertEqual(sum(e['Count'] for e in added), 300)
        self.assertEqual(added[-1]['Message'], 'fetched 281 more times, by more programs than are told apart')

    def test_other_calls(self):
        """What else can be asked again and again, rightly or wrongly, by whoever may fetch or manage."""
        generation = self.world.integration('crm')['Generation']
        before, written = self.world.history(), self.written()
        for member, signature, *arguments in (
                ('GetKey', 's', 'crm'), ('GetKey', 's', 'x' * 64), ('Acknowledge', 'st', 'crm', generation),
                ('Acknowledge', 'st', 'crm', generation + 1), ('ReportRejected', 'st', 'crm', generation),
                ('ReportRejected', 'st', 'crm', 0), ('Explain', 'ss', 'crm', 'user:root'),
                ('Explain', 'ss', 'crm', 'exe:x'), ('ImportKey', 'sa{sv}', 'crm', {}),
                ('SetManagementKey', 'sa{sv}', 'test', {}), ('AddIntegration', 'sa{sv}', 'new', {}),
                ('Rotate', 'sa{sv}', 'crm', {'Wrong': ('b', True)}), ('Resume', 's', 'crm')):
            for _ in range(200):
                try:
                    self.world.manager(member, signature, *arguments)
                except BusError as error:
                    self.assertRegex(error.name, 'InvalidArgs|org.keyturn1.Error')
        self.assertEqual(self.world.history(), before)
        self.assertLess(self.written() - written, 64 * PAGE)

    def test_log(self):
        self.define_closed('closed')
        self.flood('closed', rounds=3413)
        self.stop_and_start()
        lines = self.world.keyturn('log', 'closed').stdout.splitlines()
        self.assertEqual(len(lines), 2)
        self.assertRegex(lines[0], r' closed refused: no rule of Allow holds \(uid .*\) \(by .*\)$')
        self.assertRegex(lines[1], r' closed refused 3,412 more times: no rule of Allow holds \(by uid .*\)$')
        self.assertIn('"count":3412', self.world.keyturn('log', 'closed', '--json').stdout.splitlines()[1])


if __name__ == '__main__':
    unittest.main()
