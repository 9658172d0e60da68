# SPDX-License-Identifier: LGPL-2.1-or-later
"""Another account asks for too much, polkit hangs, systemd can't be asked: the right service still gets its key."""
import contextlib
import json
import os
import pathlib
import re
import socket
import subprocess
import threading
import time
import unittest

import guest
from guest import PLACE, bus_config, fetched_by, fetcher, keyturn, manager, run, show, systemctl, wait_for, write_unit
from wire import CALL, MEMBER

BUSY = 'org.keyturn1.Error.Busy'
DENIED = 'org.freedesktop.DBus.Error.AccessDenied'
OPEN_QUESTIONS = 8  # of one account, to polkit
ALL_QUESTIONS = 32
STRANGERS = [f'stranger{n}' for n in range(5)]
MIB = 1 << 20
SOCKET = PLACE / 'fetched' / 'asker'
NO_SYSTEMD = '<policy user="keyturn"><deny send_destination="org.freedesktop.systemd1"/></policy>'
OTHER_POLKIT = '<policy user="root"><allow own="org.freedesktop.PolicyKit1"/></policy>'


class Flood:
    """flood.py as another account; ends with its block."""

    def __init__(self, user, connections, calls, member='GetHistory', size=0):
        self.total = connections * calls
        words = [str(w) for w in (connections, calls, member, size)]
        self.process = subprocess.Popen(
            # runuser would ask systemd for a session.
            ['setpriv', f'--reuid={user}', '--regid=nogroup', '--clear-groups', 'python3', '-B', PLACE / 'flood.py',
             *words], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={'PATH': os.environ['PATH']})

    def __enter__(self):
        if self.process.stdout.readline() != '{}\n':
            raise AssertionError('the flood did not begin')
        return self

    def __exit__(self, *exc):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(60)

    def counts(self):
        """Of the answers, by the name of their error."""
        self.process.stdin.write('\n')
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def answered(self):
        return sum(self.counts().values())


class HangingPolkit:
    """In polkit's place, for the block: it notes all questions, and answers with no once it does not hang."""

    def __init__(self):
        self.hangs = True
        self.questions = 0

    def __enter__(self):
        self.stack = contextlib.ExitStack()
        self.stack.callback(systemctl, 'unmask', '--runtime', 'polkit')
        systemctl('mask', '--runtime', '--now', 'polkit')
        self.stack.enter_context(bus_config(OTHER_POLKIT))
        self.bus = self.stack.enter_context(guest.system_bus())
        self.bus.sock.settimeout(None)
        if self.bus.ask_bus('RequestName', 'su', 'org.freedesktop.PolicyKit1', 4) != 1:
            raise AssertionError('polkit has its name still')
        thread = threading.Thread(target=self.take_questions)
        thread.start()
        self.stack.callback(thread.join)
        self.stack.callback(self.bus.sock.shutdown, socket.SHUT_RDWR)
        return self

    def __exit__(self, *exc):
        self.stack.close()

    def take_questions(self):
        with contextlib.suppress(EOFError):
            while True:
                message = self.bus.receive()
                if message.kind == CALL and message.fields[MEMBER] == 'CheckAuthorization':
                    self.questions += 1
                    if not self.hangs:
                        self.bus.answer(message, '(bba{ss})', (False, False, {}))


@contextlib.contextmanager
def systemd_hanging():
    """Questions to systemd wait for the end of the block. Nothing can be started meanwhile."""
    freezer = pathlib.Path('/sys/fs/cgroup/init.scope/cgroup.freeze')
    if not freezer.exists():
        raise unittest.SkipTest('no freezer of control groups here')
    freezer.write_text('1')
    try:
        wait_for(lambda: 'frozen 1' in freezer.with_name('cgroup.events').read_text(), what='systemd to stand still')
        yield
    finally:
        freezer.write_text('0')


class Asked:
    """The right service's next fetch, on its way."""

    def __init__(self, word):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(60)
        self.socket.connect(str(SOCKET))
        self.socket.sendall(word)

    def got(self):
        with self.socket:
            return json.loads(self.socket.recv(65536))


def peak_of(pid):
    """Bytes of memory that the process had at most."""
    status = pathlib.Path(f'/proc/{pid}/status').read_text()
    return int(re.search(r'^VmHWM:\s+(\d+) kB', status, re.M).group(1)) * 1024


class Saturation(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        guest.add_user('alice')
        for name in STRANGERS:
            guest.add_user(name)
        guest.enable()
        cls.sandbox = guest.start_sandbox()
        guest.use_sandbox(cls.sandbox)
        guest.log_in(cls.sandbox)
        guest.add('crm', *(word for unit in ('crm', 'reader', 'asker') for word in ('--allow', f'unit:{unit}.service')))
        fetcher('crm.service', 'crm', User='alice')
        cls.key = fetched_by('crm.service')['key']
        write_unit('reader.service', '[Service]\nType=oneshot\nRemainAfterExit=yes\nUser=alice\nUMask=0\n'
                   'LoadCredential=crm:/run/keyturn/credentials.sock\n'
                   f'ExecStart=/bin/sh -c \'cat "$CREDENTIALS_DIRECTORY/crm" >{PLACE}/fetched/reader\'\n')
        write_unit('asker.service', '[Service]\nType=notify\nNotifyAccess=all\nUser=alice\n'
                   f'ExecStartPre=-/bin/rm -f {SOCKET}\n'
                   f'ExecStart=/usr/bin/python3 -B {PLACE}/ask.py crm {SOCKET}\n')

    def setUp(self):
        systemctl('restart', 'keyturnd')
        guest.wait_for_keyring()
        self.pid = show('keyturnd', 'MainPID')

    def tearDown(self):
        self.assertEqual(show('keyturnd', 'MainPID'), self.pid, 'keyturnd has ended')

    def assertKey(self, got):
        """No key is printed."""
        self.assertTrue(got == {'key': self.key}, got.get('message', 'another key'))

    def assertServed(self):
        """A service that starts now gets its key, over D-Bus and as a credential."""
        self.assertKey(fetched_by('crm.service'))
        reader = PLACE / 'fetched' / 'reader'
        reader.unlink(missing_ok=True)
        systemctl('restart', 'reader.service')
        self.assertKey({'key': reader.read_text()})

    def wait_until_taken(self, questions, *floods):
        """Each of the calls is answered, or one of the questions to polkit."""
        wait_for(lambda: questions() + sum(f.answered() for f in floods) >= sum(f.total for f in floods), 60,
                 'all calls of a flood to be taken')

    def test_polkit_hangs(self):
        with HangingPolkit() as polkit, Flood(STRANGERS[0], 4, 100) as flood:
            self.assertServed()
            self.wait_until_taken(lambda: polkit.questions, flood)
            self.assertIn(polkit.questions, range(1, OPEN_QUESTIONS + 1))
            self.assertEqual(flood.counts(), {BUSY: flood.total - polkit.questions})
            self.assertServed()

    def test_polkit_hangs_and_many_ask(self):
        with HangingPolkit() as polkit, contextlib.ExitStack() as stack:
            floods = [stack.enter_context(Flood(name, 1, 20)) for name in STRANGERS]
            self.wait_until_taken(lambda: polkit.questions, *floods)
            self.assertEqual(polkit.questions, ALL_QUESTIONS)
            for flood in floods:
                self.assertEqual(set(flood.counts()), {BUSY})
            self.assertServed()

    def test_polkit_hangs_and_callers_leave(self):
        """The bus counts a question until polkit answers, whether or not its caller still waits."""
        with HangingPolkit() as polkit:
            for _ in range(20):
                before = polkit.questions
                with Flood(STRANGERS[0], 1, OPEN_QUESTIONS) as flood:
                    self.wait_until_taken(lambda: polkit.questions - before, flood)
            self.assertServed()
            before, polkit.hangs = polkit.questions, False
            done = run('keyturn', '--system', 'log', 'crm', user=STRANGERS[1], check=False)
            self.assertIn('polkit does not allow', done.stderr)
            self.assertEqual(polkit.questions, before + 1)

    def test_many_connections(self):
        """Each has to be asked about: systemd, while that answers to none of them."""
        systemctl('restart', 'asker.service')
        with systemd_hanging(), Flood(STRANGERS[0], 250, 1, 'GetKey'):
            asked = Asked(b'new')
            time.sleep(1)  # for the question to be asked, or not
        self.assertKey(asked.got())
        with Flood(STRANGERS[0], 250, 1, 'GetKey') as flood:
            self.assertServed()
            wait_for(lambda: flood.answered() == flood.total, 60, 'answers to a flood')
            self.assertLessEqual(set(flood.counts()), {BUSY, DENIED})

    def test_systemd_fails_once(self):
        """What can't be told is told so, and is asked again: over the same connection as well."""
        systemctl('restart', 'asker.service')
        with bus_config(NO_SYSTEMD):
            for word in b'held', b'new':
                self.assertEqual(Asked(word).got().get('error'), BUSY)
        for word in b'held', b'new':
            self.assertKey(Asked(word).got())
        self.assertServed()

    def history(self):
        """What happened to the key."""
        return [e['Event'] for e in manager('GetHistory', 'st', 'crm', 0) if e['Event'] not in ('refused', 'fetched')]

    def test_refusals(self):
        """Whoever has no business here is refused thousands of times, and then not even answered; what happened to the
        key is still told."""
        before, peak = self.history(), peak_of(self.pid)
        with Flood('nobody', 120, 100, 'GetKey') as flood:
            self.assertServed()
            wait_for(lambda: flood.counts().get(DENIED, 0) >= 4000, 120, 'answers to a flood')
            self.assertServed()
        self.assertEqual(self.history(), before)
        self.assertLess(peak_of(self.pid), peak + 64 * MIB)

    def test_large_calls(self):
        """Twenty of 16 MiB, which wait for polkit if they are kept."""
        before = peak_of(self.pid)
        with HangingPolkit() as polkit, Flood('nobody', 4, 5, 'AddIntegration', 16 * MIB - 1024) as flood:
            self.assertServed()
            self.wait_until_taken(lambda: polkit.questions, flood)
            self.assertLess(peak_of(self.pid), before + 64 * MIB)


if __name__ == '__main__':
    guest.main(Saturation)
