# SPDX-License-Identifier: LGPL-2.1-or-later
"""No descriptor of a caller's reaches keyturnd: one that can keep whoever closes it waiting would stop all of it."""
import contextlib
import json
import os
import pathlib
import pwd
import select
import signal
import subprocess
import time
import unittest

import guest
from guest import BusError, KEYTURN, KEYTURN_PATH, MANAGER, PLACE, integration, keyturn, manager, run, show, \
    system_bus, wait_for
from stalling import FLUSH, Stalling
from wire import CALL, DESTINATION, ERROR, ERROR_NAME, INTERFACE, MEMBER, PATH, REPLY_SERIAL, RETURN, SIGNAL, \
    SIGNATURE, Message

DENIED = 'org.freedesktop.DBus.Error.AccessDenied'
FUSE = pathlib.Path('/dev/fuse')
# Sends descriptor 3 along with a call of another user's, and prints the answer.
LENDING = '''
import sys
from guest import *
with Connection.on_bus(SYSTEM_BUS, 10) as bus:
    try:
        print(bus.call(KEYTURN, KEYTURN_PATH, MANAGER, *sys.argv[1:3], *sys.argv[3:], *[0] * (sys.argv[2].count('h')),
                       fds=[3]))
    except BusError as error:
        print(error.name)
'''
# Fetches a key by OpenKey of keyturnd by that name, and prints all that is in the socket.
OPENING = '''
import sys
from guest import *
with system_bus() as bus:
    try:
        read_end, generation = bus.call(sys.argv[1], KEYTURN_PATH, MANAGER, 'OpenKey', 's', 'crm')
        print(json.dumps({'key': os.read(read_end, 4096).decode(), 'rest': os.read(read_end, 4096).decode(),
                          'generation': generation}))
    except BusError as error:
        print(json.dumps({'error': error.name}))
'''
# Opens uploads until none is to be had, prints how many there were and what came then, and keeps them.
LEAVING = '''
import sys
from guest import *
kept, errors = [], []
while len(kept) < 70 and not errors:
    kept.append(system_bus())
    try:
        kept[-1].call(KEYTURN, KEYTURN_PATH, MANAGER, 'OpenUpload')
    except BusError as error:
        errors.append(error.name)
print(json.dumps([len(kept) - len(errors), errors]), flush=True)
sys.stdin.read()
'''


def keyturnd():
    return int(show('keyturnd', 'MainPID'))


def count_descriptors():
    """Those of processes aside, by which holders of a key are held."""
    folder, count = pathlib.Path(f'/proc/{keyturnd()}/fd'), 0
    for entry in folder.iterdir():
        with contextlib.suppress(OSError):  # it has been closed
            count += 'pidfd' not in os.readlink(entry)
    return count


def own_names(bus):
    """The unique names of all connections that keyturnd has to the bus."""
    names, pid = [], keyturnd()
    for name in bus.ask_bus('ListNames'):
        with contextlib.suppress(BusError):  # it has gone
            if name.startswith(':') and bus.ask_bus('GetConnectionUnixProcessID', 's', name) == pid:
                names.append(name)
    return names


def messages(name, fd):
    """One message of each kind, with a descriptor."""
    yield Message(CALL, {PATH: KEYTURN_PATH, INTERFACE: MANAGER, MEMBER: 'GetKeyToFd', DESTINATION: name,
                         SIGNATURE: 'sh'}, ['crm', 0], fds=[fd])
    yield Message(CALL, {PATH: KEYTURN_PATH, INTERFACE: 'org.freedesktop.DBus.Peer', MEMBER: 'Ping',
                         DESTINATION: name}, fds=[fd])
    yield Message(SIGNAL, {PATH: KEYTURN_PATH, INTERFACE: MANAGER, MEMBER: 'KeyChanged', DESTINATION: name}, fds=[fd])
    yield Message(RETURN, {REPLY_SERIAL: 1, DESTINATION: name}, fds=[fd])
    yield Message(ERROR, {REPLY_SERIAL: 1, ERROR_NAME: 'org.example.Error', DESTINATION: name}, fds=[fd])


class Descriptors(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        guest.add_user('alice')
        guest.add_user('carol')
        guest.enable()
        cls.sandbox = guest.start_sandbox()
        guest.use_sandbox(cls.sandbox)
        guest.log_in(cls.sandbox)
        guest.add('crm', '--allow', 'user:alice', '--delivery', 'pipe')

    def lend(self, fd, user, *call):
        """What another user's call is answered with that has the descriptor."""
        user = pwd.getpwnam(user)
        done = subprocess.run(
            ['sh', '-c', f'exec 3<&{fd} && exec setpriv --reuid={user.pw_uid} --regid={user.pw_gid} --clear-groups '
             'python3 -Bc "$0" "$@"', LENDING, *call], pass_fds=[fd], capture_output=True, text=True, timeout=30,
            env={'PATH': os.environ['PATH'], 'PYTHONPATH': str(PLACE)})
        self.assertEqual(done.stderr, '')
        return done.stdout.strip()

    @unittest.skipUnless(FUSE.exists(), 'no /dev/fuse here')
    def test_a_file_that_stalls_whoever_closes_it(self):
        pid, before = keyturnd(), count_descriptors()
        with Stalling(PLACE / 'stalling', pid) as files:
            fd = os.open(files.folder / 'file', os.O_RDWR)
            try:
                for call in (('GetKeyToFd', 'sh', 'crm'), ('GetKey', 's', 'crm'), ('Reload', ''), ('NoSuchMethod', '')):
                    for user in ('alice', 'carol'):
                        self.assertEqual((self.lend(fd, user, *call), files.asked), (DENIED, []), call)
            finally:
                os.close(fd)
            self.assertIn('sk_test_', keyturn('get', 'crm', user='alice').stdout)
            self.assertEqual(files.asked, [])
        self.assertEqual(keyturnd(), pid)
        wait_for(lambda: count_descriptors() == before, what='as many descriptors as before')

    @unittest.skipUnless(FUSE.exists(), 'no /dev/fuse here')
    def test_that_file_does_stall(self):
        """So the other test is about something: who is refused an answer closes it when the file system ends."""
        with Stalling(PLACE / 'stalling', -1) as files:
            closing = subprocess.Popen(['sh', '-c', 'exec 3<"$0" && echo && read line; exec 3<&-', files.folder / 'file'],
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            with closing:
                closing.stdout.readline()
                files.pid = closing.pid
                closing.stdin.close()
                wait_for(lambda: FLUSH in files.asked, what='the close')
                self.assertRaises(subprocess.TimeoutExpired, closing.wait, 1)
                files.end()
                closing.wait(10)

    def test_no_kind_of_message_brings_one(self):
        """While keyturnd reads nothing, a pipe that reached it would stay open."""
        pid = keyturnd()
        with system_bus() as bus:
            names = own_names(bus)
            self.assertIn(bus.ask_bus('GetNameOwner', 's', KEYTURN), names)
            os.kill(pid, signal.SIGSTOP)
            try:
                for name in [KEYTURN, *names]:
                    for message in messages(name, -1):
                        self.assertTrue(self.is_dropped(bus, message), (name, message.kind, message.fields))
            finally:
                os.kill(pid, signal.SIGCONT)

    def test_a_key_comes_out_of_a_socket(self):
        key, before, begun = keyturn('get', 'crm', user='alice').stdout, count_descriptors(), time.time()
        for name in (KEYTURN, *self.names()):
            got = self.as_user('alice', OPENING, name)
            self.assertEqual((got['key'], got['rest'], got['generation']), (key, '', 1))
        self.assertEqual(self.sandbox.call('GET', '/v2/contacts', key=key).status, 200)
        self.assertEqual(self.as_user('carol', OPENING, KEYTURN), {'error': DENIED})
        wait_for(lambda: count_descriptors() == before, what='as many descriptors as before')
        wait_for(lambda: manager('GetLastFetches')['crm'][0] > begun * 10**6, what='the account of it')
        self.assertIn('alice', manager('GetLastFetches')['crm'][1])

    def test_as_a_string_it_does_not_come(self):
        with self.assertRaises(BusError) as refused:
            manager('GetKey', 's', 'crm')
        self.assertEqual(refused.exception.name, DENIED)
        got = self.as_user('alice', 'from guest import *\ntry:\n    manager("GetKey", "s", "crm")\n'
                                    'except BusError as error:\n    print(json.dumps(error.text))\n')
        self.assertIn('call OpenKey', got)

    def test_uploads_of_one_user_are_in_nobodys_way(self):
        """One whom polkit lets manage, and who leaves as many lying as there may be."""
        rules = pathlib.Path('/etc/polkit-1/rules.d/10-test.rules')
        rules.parent.mkdir(parents=True, exist_ok=True)
        rules.write_text('polkit.addRule(function (action, subject) {\n'
                         '    if (action.id == "org.keyturn1.manage" && subject.user == "carol")\n'
                         '        return polkit.Result.YES;\n});\n')
        rules.chmod(0o644)
        guest.systemctl('restart', 'polkit')
        wait_for(lambda: run('keyturn', '--system', 'log', user='carol', check=False).returncode == 0,
                 what='polkit to read its rules')
        keyturn('add', 'filled', '--env', 'test', '--scope', 'contacts:read', '--no-issue')
        made = self.sandbox.create_key('made', permissions=['contacts:read'])['key']
        carol = subprocess.Popen(['runuser', '-u', 'carol', '--', 'python3', '-Bc', LEAVING], stdin=subprocess.PIPE,
                                 stdout=subprocess.PIPE, text=True, env=os.environ | {'PYTHONPATH': str(PLACE)})
        with carol:
            self.assertEqual(json.loads(carol.stdout.readline()), [8, ['org.keyturn1.Error.Busy']])
            keyturn('import', 'filled', stdin=made)
            keyturn('login', 'test', stdin=self.sandbox.management_key('test'))
            carol.stdin.close()
        self.assertEqual(integration('filled')['Last4'], made[-4:])
        rules.unlink()

    def test_root_is_not_keyturnd(self):
        """Who may own the name may get no descriptors, and root's programs need them."""
        guest.systemctl('stop', 'keyturnd')
        try:
            with system_bus() as bus, self.assertRaises(BusError) as refused:
                bus.ask_bus('RequestName', 'su', KEYTURN, 0)
            self.assertEqual(refused.exception.name, DENIED)
            done = run('keyturnd', '--system', '--state', PLACE, '--runtime', PLACE, check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn('use systemctl start keyturnd', done.stderr)
        finally:
            guest.systemctl('start', 'keyturnd')
            guest.wait_for_keyring()

    @staticmethod
    def names():
        with system_bus() as bus:
            return [bus.ask_bus('GetNameOwner', 's', KEYTURN)]

    @staticmethod
    def as_user(user, script, *arguments):
        """What the script prints, which is JSON."""
        return json.loads(run('python3', '-Bc', script, *arguments, user=user, env={'PYTHONPATH': str(PLACE)}).stdout)

    def is_dropped(self, bus, message):
        """Whether nobody has the descriptor once the bus has dealt with the message."""
        read_end, write_end = os.pipe2(os.O_NONBLOCK)
        try:
            message.fds = [write_end]
            bus.send(message)
            os.close(write_end)
            bus.ask_bus('GetId')
            return select.select([read_end], [], [], 2)[0] == [read_end] and os.read(read_end, 1) == b''
        finally:
            os.close(read_end)


if __name__ == '__main__':
    guest.main(Descriptors)
