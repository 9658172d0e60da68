# SPDX-License-Identifier: LGPL-2.1-or-later
"""A world of its own for a test: directories, a session bus, a real keyring, the sandbox, keyturnd, the command.

    with World() as world:
        world.start_keyring()
        world.start_sandbox()
        world.start_daemon()
        world.keyturn('add', 'crm', '--env', 'test', '--scope', 'contacts:read')

Nothing outside is touched, so worlds run side by side. Whatever was started in it is killed at its end, or with
the test. KEYTURN_BUILD is the build directory.
"""
import ctypes
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time

from wire import BusError, Connection

SECRETS = 'org.freedesktop.secrets'
SERVICE = 'org.freedesktop.Secret.Service'
COLLECTION = 'org.freedesktop.Secret.Collection'
SECRETS_PATH = '/org/freedesktop/secrets'
KEYTURN = 'org.keyturn1'
KEYTURN_PATH = '/org/keyturn1'
MANAGER = 'org.keyturn1.Manager'
HELPER_PATH = '/org/keyturn1/helper'
PASSWORD = b'a keyring for tests'
PR_SET_PDEATHSIG = 1

BUS_CONFIG = '''<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path={socket}</listen>
  <auth>EXTERNAL</auth>
  <servicedir>{services}</servicedir>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
'''

_libc = ctypes.CDLL(None, use_errno=True)


def build_root():
    return pathlib.Path(os.environ['KEYTURN_BUILD'])


def is_sanitized():
    """Whether the build has sanitizers in it."""
    options = json.loads((build_root() / 'meson-info' / 'intro-buildoptions.json').read_text())
    return next(option['value'] for option in options if option['name'] == 'b_sanitize') != 'none'


def wait_for(predicate, timeout=10, what=None):
    """Calls predicate until it answers something true, and returns that; AssertionError after timeout seconds."""
    deadline = time.monotonic() + timeout
    while True:
        value = predicate()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f'waited {timeout} s for {what or predicate.__name__}')
        time.sleep(0.02)


def die_with_test():
    if _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), 'prctl')


def landlock_version():
    """What the kernel offers to this process, 0 for none."""
    return max(0, ctypes.CDLL(None, use_errno=True).syscall(444, None, 0, 1))


class Helper:
    """A helper process of keyturnd's, with this test in keyturnd's place."""

    def __init__(self, world, program, interface, timeout=60, options=()):
        ours, theirs = socket.socketpair()
        with theirs:
            number = theirs.fileno()
            self.process = world.spawn(pathlib.Path(program).name, [program, '--bus-fd', str(number), *options],
                                       pass_fds=[number])
        self.interface = interface
        self.bus = Connection(ours, timeout)

    def call(self, member, signature='', *args):
        return self.bus.call(None, HELPER_PATH, self.interface, member, signature, *args)

    def start_call(self, member, signature='', *args):
        return self.bus.start_call(None, HELPER_PATH, self.interface, member, signature, *args)

    def close(self):
        """Ends the connection, as keyturnd does, and returns the helper's exit status."""
        self.bus.close()
        return self.process.wait(10)


class Answer:
    """One HTTP answer: status, headers, body (bytes)."""

    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body) if self.body else None


class Sandbox:
    """keyturn-sandbox as seen from a test.

    It remembers over a restart: world.kill(sandbox.process), world.start_sandbox('--port', str(sandbox.port)).
    """

    def __init__(self, process, port, management_keys):
        self.process = process
        self.port = port
        self.management_keys = management_keys
        self.tls = '--tls-cert' in process.args

    @property
    def url(self):
        return f'{"https" if self.tls else "http"}://127.0.0.1:{self.port}'

    def connection(self, timeout=30):
        """A connection to send requests on; nobody looks at the certificate."""
        if self.tls:
            context = ssl._create_unverified_context()
            return http.client.HTTPSConnection('127.0.0.1', self.port, timeout=timeout, context=context)
        return http.client.HTTPConnection('127.0.0.1', self.port, timeout=timeout)

    def call(self, method, path, body=None, key=None, headers=None, timeout=30):
        """The Answer to one request; body is sent as JSON, or as it is if it is bytes. Redirects are not followed."""
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        head = {'Content-Type': 'application/json'} | ({'X-API-Key': key} if key else {}) | (headers or {})
        connection = self.connection(timeout)
        try:
            connection.request(method, path, data, head)
            reply = connection.getresponse()
            return Answer(reply.status, reply.headers, reply.read())
        finally:
            connection.close()

    def request(self, method, path, body=None, key=None):
        """(status, JSON or None) of one request; path is below the root."""
        answer = self.call(method, path, body, key)
        return answer.status, answer.json

    def admin(self, method, path, body=None):
        """What is answered to a request below /sandbox/, which has to succeed."""
        status, answer = self.request(method, f'/sandbox/{path}', body)
        assert status in (200, 201, 204), (status, answer)
        return answer

    def ledger(self):
        """Every key that ever was and every request that ever came."""
        return self.admin('GET', 'ledger')

    def requests(self, method=None, path=None):
        """Requests of the ledger, oldest first; of that method, and below that path."""
        return [r for r in self.ledger()['requests']
                if method in (None, r['method']) and r['path'].startswith(path or '')]

    def keys(self, **wanted):
        """Keys of the ledger, oldest first, whose fields have these values: keys(type='test', deleted_at=None)."""
        return [k for k in self.ledger()['keys'] if all(k[name] == value for name, value in wanted.items())]

    def management_key(self, env='test'):
        """A management key that the account started with."""
        return dict(line.split() for line in self.management_keys.read_text().splitlines())[env]

    def create_key(self, name, env='test', permissions=None, created_at=None):
        """Creates a key as in the dashboard; without permissions it has Full Access. Its "key" is the secret."""
        order = {'name': name, 'type': env, 'access': 'custom' if permissions else 'full'}
        if permissions:
            order['permissions'] = permissions
        return self.admin('POST', 'keys', order | ({'created_at': created_at} if created_at else {}))

    def delete_key(self, key_id):
        """Deletes a key as in the dashboard."""
        self.admin('DELETE', f'keys/{key_id}')

    def set_faults(self, *faults):
        """What is to go wrong from now on: set_faults({'call': 'create', 'fault': 'lose-reply'}); nothing: all is
        well."""
        self.admin('POST', 'faults', list(faults))

    def faults_left(self):
        """Faults that have not been used up."""
        return self.admin('GET', 'faults')

    def set_clock(self, offset_seconds):
        """How far HueChat's clock is ahead of ours."""
        self.admin('POST', 'clock', {'offset_seconds': offset_seconds})


class World:
    def __init__(self, activatable=False):
        """activatable: the bus may start the keyring (locked: nobody gives it a password)."""
        self.activatable = activatable
        self.processes = []
        self.keyring = None
        self.sandbox = None
        self.daemon = None
        self._bus = None

    # The world itself

    def __enter__(self):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix='kt-'))
        try:
            self.make_directories()
            self.start_bus()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, kind, value, trace):
        if kind:
            self.show_logs()
        self.close()

    def make_directories(self):
        for name in ('home', 'config', 'data', 'state', 'cache', 'run', 'log', 'services', 'tmp'):
            (self.root / name).mkdir(mode=0o700)
        self.config = self.root / 'config' / 'keyturn'
        self.state = self.root / 'state' / 'keyturn'
        self.runtime = self.root / 'run' / 'keyturn'
        self.address = f'unix:path={self.root}/run/bus'
        self.env = {
            'PATH': os.environ['PATH'], 'HOME': str(self.root / 'home'), 'TMPDIR': str(self.root / 'tmp'),
            'LANG': 'C.UTF-8', 'TZ': 'UTC', 'NO_COLOR': '1', 'KEYTURN_BUILD': str(build_root()),
            'XDG_CONFIG_HOME': str(self.root / 'config'), 'XDG_DATA_HOME': str(self.root / 'data'),
            'XDG_STATE_HOME': str(self.root / 'state'), 'XDG_CACHE_HOME': str(self.root / 'cache'),
            'XDG_RUNTIME_DIR': str(self.root / 'run'), 'DBUS_SESSION_BUS_ADDRESS': self.address,
            'DBUS_SYSTEM_BUS_ADDRESS': f'unix:path={self.root}/run/no-system-bus',
        }
        # What a sanitized or coverage build wants to be told.
        self.env |= {k: v for k, v in os.environ.items() if k.endswith('SAN_OPTIONS') or k == 'GCOV_PREFIX'}

    def close(self):
        """Kills what was started here, by its process group, and removes the directories."""
        if self._bus:
            self._bus.close()
        for process in reversed(self.processes):
            self.kill(process)
        shutil.rmtree(self.root)

    def spawn(self, name, argv, stdin=subprocess.DEVNULL, env=None, pass_fds=()):
        """Starts a program in a process group of its own; what it says goes to log/NAME."""
        with open(self.root / 'log' / name, 'ab') as log:
            process = subprocess.Popen([str(a) for a in argv], stdin=stdin, stdout=log, stderr=log,
                                       env=self.env | (env or {}), cwd=self.root, pass_fds=pass_fds,
                                       start_new_session=True, preexec_fn=die_with_test)
        self.processes.append(process)
        return process

    def kill(self, process, sig=signal.SIGKILL):
        """Kills a program started here and its group, and waits for its end."""
        if process.poll() is None:
            os.killpg(process.pid, sig)
            process.wait(10)
        return process.returncode

    def log(self, name):
        """What the program said until now."""
        return (self.root / 'log' / name).read_text(errors='replace')

    def show_logs(self):
        for path in sorted((self.root / 'log').iterdir()):
            for line in path.read_text(errors='replace').splitlines()[-40:]:
                print(f'{path.name}: {line}', file=sys.stderr)

    # The bus

    def start_bus(self):
        if self.activatable:
            (self.root / 'services' / f'{SECRETS}.service').write_text(
                f'[D-BUS Service]\nName={SECRETS}\n'
                f'Exec={shutil.which("gnome-keyring-daemon")} --start --foreground --components=secrets\n')
        config = self.root / 'config' / 'bus.conf'
        config.write_text(BUS_CONFIG.format(socket=self.root / 'run' / 'bus', services=self.root / 'services'))
        self.bus_process = self.spawn('bus', ['dbus-daemon', '--nofork', '--nopidfile', f'--config-file={config}'])
        wait_for(self.bus_answers, what='the bus')

    def bus_answers(self):
        try:
            self.connect().close()
        except OSError:
            return False
        return True

    def restart_bus(self):
        """Another bus at the same address; all who were on the first one have lost it."""
        if self._bus:
            self._bus.close()
            self._bus = None
        self.kill(self.bus_process)
        self.start_bus()

    def connect(self, timeout=30):
        """A new connection to the bus."""
        return Connection.on_bus(self.address, timeout)

    @property
    def bus(self):
        """The test's own connection to the bus."""
        if not self._bus:
            self._bus = self.connect()
        return self._bus

    def owned(self, name):
        return self.bus.ask_bus('NameHasOwner', 's', name)

    # The keyring

    def start_keyring(self):
        """The real gnome-keyring, unlocked; its default collection exists."""
        self.keyring = self.spawn('keyring', ['gnome-keyring-daemon', '--foreground', '--unlock',
                                              '--components=secrets'], stdin=subprocess.PIPE)
        with self.keyring.stdin as password:
            password.write(PASSWORD)
        wait_for(self.keyring_is_unlocked, 20, 'an unlocked keyring')

    def kill_keyring(self):
        """As if it had crashed."""
        self.kill(self.keyring)
        wait_for(lambda: not self.owned(SECRETS), what='the keyring to be gone')

    def restart_keyring(self):
        self.kill_keyring()
        self.start_keyring()

    def collection(self):
        """Path of the default collection, or '/'."""
        return self.bus.call(SECRETS, SECRETS_PATH, SERVICE, 'ReadAlias', 's', 'default')

    def keyring_is_unlocked(self):
        if not self.owned(SECRETS):
            return False
        path = self.collection()
        return path != '/' and not self.bus.get(SECRETS, path, COLLECTION, 'Locked')

    def lock_keyring(self):
        path = self.collection()
        self.bus.call(SECRETS, SECRETS_PATH, SERVICE, 'Lock', 'ao', [path])
        assert self.bus.get(SECRETS, path, COLLECTION, 'Locked')

    def unlock_keyring(self):
        """As logging in does: with the password, without a prompt."""
        session = self.plain_session()
        self.bus.call(SECRETS, SECRETS_PATH, 'org.gnome.keyring.InternalUnsupportedGuiltRiddenInterface',
                      'UnlockWithMasterPassword', 'o(oayays)', self.collection(),
                      (session, b'', PASSWORD, 'text/plain'))
        assert self.keyring_is_unlocked()

    def delete_collection(self):
        """Takes the default collection away, as an administrator might."""
        self.bus.call(SECRETS, self.collection(), COLLECTION, 'Delete')

    def plain_session(self):
        return self.bus.call(SECRETS, SECRETS_PATH, SERVICE, 'OpenSession', 'sv', 'plain', ('s', ''))[1]

    def add_item(self, label, attributes, secret, schema='org.keyturn1.Key', collection=None):
        """An item made behind keyturn's back; returns its path."""
        properties = {
            'org.freedesktop.Secret.Item.Label': ('s', label),
            'org.freedesktop.Secret.Item.Attributes': ('a{ss}', {'xdg:schema': schema} | attributes),
        }
        item, prompt = self.bus.call(SECRETS, collection or self.collection(), COLLECTION, 'CreateItem',
                                     'a{sv}(oayays)b', properties,
                                     (self.plain_session(), b'', secret, 'text/plain'), False)
        assert prompt == '/', prompt
        return item

    def items(self, schema='org.keyturn1.Key'):
        """What the keyring holds, of all collections: a list of (label, attributes, secret)."""
        unlocked, locked = self.bus.call(SECRETS, SECRETS_PATH, SERVICE, 'SearchItems', 'a{ss}',
                                         {'xdg:schema': schema})
        assert not locked, locked
        session = self.plain_session()
        found = []
        for path in unlocked:
            interface = 'org.freedesktop.Secret.Item'
            attributes = self.bus.get(SECRETS, path, interface, 'Attributes')
            attributes.pop('xdg:schema')
            secret = self.bus.call(SECRETS, path, interface, 'GetSecret', 'o', session)
            found.append((self.bus.get(SECRETS, path, interface, 'Label'), attributes, secret[2]))
        return found

    # The sandbox

    def start_sandbox(self, *options):
        """keyturn-sandbox on a free port, and a keyturn.conf that sends both environments to it."""
        port, keys = self.root / 'run' / 'sandbox-port', self.root / 'run' / 'sandbox-management-keys'
        port.unlink(missing_ok=True)
        process = self.spawn('sandbox', [build_root() / 'sandbox' / 'keyturn-sandbox', '--port', '0', '--port-file',
                                         port, '--management-key-file', keys, '--ledger',
                                         self.root / 'state' / 'sandbox-ledger', *options])
        number = wait_for(lambda: process.poll() is None and port.exists() and port.read_text().strip(),
                          what='the port of the sandbox')
        self.sandbox = Sandbox(process, int(number), keys)
        self.write_config()
        return self.sandbox

    def write_config(self, api='', live='', test=''):
        """keyturn.conf, with further lines for [API], [API live] and [API test]."""
        self.config.mkdir(mode=0o700, exist_ok=True)
        base = f'BaseURL={self.sandbox.url}/v2\n'
        (self.config / 'keyturn.conf').write_text(
            f'[API]\n{api}\n[API live]\n{base}{live}\n[API test]\n{base}{test}\n')

    # keyturn

    def keyring_helper(self, timeout=60):
        return Helper(self, build_root() / 'daemon' / 'keyturn-secret-service', 'org.keyturn1.Keyring', timeout)

    def huechat_helper(self, timeout=60, options=()):
        return Helper(self, build_root() / 'daemon' / 'keyturn-huechat', 'org.keyturn1.Provider', timeout, options)

    def start_daemon(self, *options, env=None, timeout=20):
        """keyturnd in user mode on this world's bus; returns once it owns its name."""
        for directory in (self.config, self.state, self.runtime):
            directory.mkdir(mode=0o700, exist_ok=True)
        self.daemon = self.spawn('keyturnd', [
            build_root() / 'daemon' / 'keyturnd', '--user', '--config', self.config, '--state', self.state,
            '--runtime', self.runtime, '--helpers', build_root() / 'daemon', *options], env=env)
        wait_for(self.daemon_answers, timeout, 'keyturnd on the bus')
        return self.daemon

    def daemon_answers(self):
        if self.daemon.poll() is not None:
            raise AssertionError(f'keyturnd ended with {self.daemon.returncode}: {self.log("keyturnd")[-2000:]}')
        return self.owned(KEYTURN)

    def stop_daemon(self, sig=signal.SIGTERM):
        """Ends keyturnd alone, not its helpers: those have to go by themselves. Returns its exit status."""
        self.daemon.send_signal(sig)
        status = self.daemon.wait(20)
        wait_for(lambda: not self.owned(KEYTURN), what='keyturnd to leave the bus')
        return status

    def manager(self, member, signature='', *args, fds=()):
        """A method of org.keyturn1.Manager."""
        return self.bus.call(KEYTURN, KEYTURN_PATH, MANAGER, member, signature, *args, fds=fds)

    def integration(self, name):
        """All properties of an integration."""
        path = self.manager('GetIntegration', 's', name)
        return self.bus.call(KEYTURN, path, 'org.freedesktop.DBus.Properties', 'GetAll', 's',
                             'org.keyturn1.Integration')

    def keyturn(self, *arguments, stdin='', timeout=60, check=True, env=None):
        """Runs the command; the result has returncode, stdout and stderr. check: it has to end in 0."""
        done = subprocess.run([str(build_root() / 'client' / 'keyturn'), *arguments], input=stdin, text=True,
                              capture_output=True, timeout=timeout, env=self.env | (env or {}), cwd=self.root,
                              preexec_fn=die_with_test)
        if check and done.returncode != 0:
            raise AssertionError(f'keyturn {arguments[0]} ended in {done.returncode}: {done.stderr}')
        return done
