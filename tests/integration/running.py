# SPDX-License-Identifier: LGPL-2.1-or-later
"""A world in which everything runs, and what a test does with keyturnd there.

    with Running() as world:
        world.add('crm')
        world.fetch('crm')
"""
import contextlib
import os
import socket
import subprocess

from wire import BusError
from world import KEYTURN, KEYTURN_PATH, MANAGER, World, wait_for

NAME = '[Integration]\nEnvironment=test\nAccess=custom\nPermissions=contacts:read\nManagement=api\nOverlap=2s\n'

CLOSING = ('draining', 'deleting', 'deleted')


class Running(World):
    """Keyring, sandbox and keyturnd, and test's management key in keyturnd's hands."""

    def __init__(self, keyring=True, login=True, **options):
        super().__init__(**options)
        self.wants_keyring, self.wants_login = keyring, login

    def __enter__(self):
        super().__enter__()
        try:
            if self.wants_keyring:
                self.start_keyring()
            self.start_sandbox()
            self.start_daemon()
            if self.wants_login:
                self.login()
        except BaseException:
            self.show_logs()
            self.close()
            raise
        return self

    # A person's acts

    def login(self, env='test', **options):
        return self.keyturn('login', env, stdin=self.sandbox.management_key(env), **options)

    def add(self, name, *options, scopes=('contacts:read',), env='test', **more):
        """keyturn add; with an overlap of two seconds. Once the key is there, its rotation has a closing look to
        do: that is waited for, since what a test compares may change till then."""
        wanted = [word for scope in scopes for word in ('--scope', scope)]
        done = self.keyturn('add', name, '--env', env, *wanted, '--overlap', '2s', *options, **more)
        if done.returncode == 0:
            wait_for(lambda: self.rotation_state(name) not in CLOSING, 30, f'the first rotation of {name} to end')
        return done

    def import_made(self, name, permissions=('contacts:read',), created_at=None, *options):
        """A key made in the dashboard, taken in for an integration that has none; it is returned."""
        made = self.sandbox.create_key(name, permissions=list(permissions), created_at=created_at)
        self.keyturn('import', name, *options, stdin=made['key'])
        return made

    def write_definition(self, name, text=NAME):
        """An integration's file, as a person's editor leaves it."""
        folder = self.config / 'integrations'
        folder.mkdir(mode=0o700, exist_ok=True)
        (folder / f'{name}.conf').write_text(text)

    # What an application does

    def fetch(self, name, bus=None):
        """The key, by GetKey."""
        return (bus or self.bus).call(KEYTURN, KEYTURN_PATH, MANAGER, 'GetKey', 's', name)

    def fetch_by_socket(self, name, bus=None, kind=socket.SOCK_SEQPACKET):
        """(key, generation), by GetKeyToFd."""
        ours, lent = socket.socketpair(type=kind)
        with ours, lent:
            ours.setblocking(False)
            generation = (bus or self.bus).call(KEYTURN, KEYTURN_PATH, MANAGER, 'GetKeyToFd', 'sh', name, 0,
                                                fds=[lent.fileno()])
            return ours.recv(4096).decode(), generation

    @contextlib.contextmanager
    def holder(self, name):
        """A process that fetched the key and lives until the block ends."""
        program = [f'{os.environ["KEYTURN_BUILD"]}/client/keyturn', 'exec', name, '--', 'sh', '-c',
                   'echo "$HUECHAT_API_KEY"; exec sleep 600']
        process = subprocess.Popen(program, stdout=subprocess.PIPE, text=True, env=self.env)
        try:
            process.key = process.stdout.readline().strip()
            yield process
        finally:
            process.kill()
            process.wait()
            process.stdout.close()

    # What there is to see

    def history(self, name='', event=None):
        """Entries of the history, oldest first; of that event."""
        return [e for e in self.manager('GetHistory', 'st', name, 0) if event in (None, e['Event'])]

    def rotation_state(self, name):
        return self.integration(name)['RotationState']

    def wait_state(self, name, *states, timeout=30):
        """Waits until its rotation is in one of these states."""
        wait_for(lambda: self.rotation_state(name) in states, timeout, f'{name} to be {" or ".join(states)}')

    def wait_key(self, name, timeout=30):
        """Waits until its rotation is over; returns its properties."""
        self.wait_state(name, 'idle', timeout=timeout)
        return self.integration(name)

    def alive(self, env='test'):
        """Valid keys at HueChat, the management key aside: names and last 4."""
        return sorted((k['name'], k['last4']) for k in self.sandbox.keys(type=env, valid=True)
                      if k['origin'] != 'start')

    def last4s(self, env='test'):
        return [last4 for _, last4 in self.alive(env)]

    def probe(self, key):
        """HueChat's status for a key."""
        return self.sandbox.request('GET', '/v2/contacts?limit=1', key=key)[0]

    def children(self):
        """{name: pid} of keyturnd's helpers."""
        pids = subprocess.run(['pgrep', '-P', str(self.daemon.pid)], capture_output=True, text=True).stdout.split()
        names = {}
        for pid in pids:
            with contextlib.suppress(OSError), open(f'/proc/{pid}/cmdline', encoding='ascii') as line:
                names[os.path.basename(line.read().split('\0')[0])] = int(pid)
        return names

    @contextlib.contextmanager
    def watching(self, interface):
        """A connection that gets keyturnd's signals of that interface; for next_signal()."""
        with self.connect() as bus:
            bus.ask_bus('AddMatch', 's', f"type='signal',sender='{KEYTURN}',interface='{interface}'")
            bus.signals.clear()  # NameAcquired
            yield bus

    def error_of(self, member, signature='', *args, fds=(), bus=None):
        """The BusError that a method of the manager is answered with; AssertionError if there is none."""
        try:
            result = (bus or self.bus).call(KEYTURN, KEYTURN_PATH, MANAGER, member, signature, *args, fds=fds)
        except BusError as error:
            return error
        raise AssertionError(f'{member} was answered with {result!r}')
