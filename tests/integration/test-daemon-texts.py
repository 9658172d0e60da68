#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Words of strangers: names that are no UTF-8, and sequences that a terminal would obey. Each is shown, none as it
came."""
import json
import os
import pathlib
import shutil
import socket
import subprocess
import unicodedata
import unittest

from bus_service import BusService
from running import Running
from webserver import Server, http
from wire import DESTINATION, INTERFACE, MEMBER, REPLY_SERIAL, RETURN, SENDER, SIGNATURE, Message
from world import KEYTURN, KEYTURN_PATH, SECRETS, SECRETS_PATH, World, build_root, wait_for

TITLE = '\x1b]0;owned\x07'      # sets a terminal's title
C1 = '\x9b31m'                  # the same as ESC [ 31 m, in one character
MIRROR = '\u202e'               # the rest of the line runs backwards
INTEGRATION = 'org.keyturn1.Integration'
NOTIFICATIONS = 'org.freedesktop.Notifications'
NASTY = f'{TITLE}{C1}{MIRROR}'
SHOWN = r'\x1b]0;owned\x07\xc2\x9b31m\xe2\x80\xae'
VERBS = [['list'], ['status'], ['status', 'crm'], ['log'], ['log', 'crm'], ['due'], ['metrics'], ['check']]


def is_obeyed(c):
    return c != '\n' and unicodedata.category(c) in ('Cc', 'Cf', 'Zl', 'Zp')


class Base(unittest.TestCase):
    def is_harmless(self, said, what):
        text = said.decode() if isinstance(said, bytes) else said
        self.assertEqual([c for c in text if is_obeyed(c)], [], what)
        return text

    def values_are_harmless(self, value):
        """Of what came over the bus."""
        if isinstance(value, str):
            self.assertFalse(any(c == '\n' or is_obeyed(c) for c in value), repr(value))
        elif isinstance(value, dict):
            self.values_are_harmless(list(value) + list(value.values()))
        elif isinstance(value, (list, tuple)):
            for one in value:
                self.values_are_harmless(one)

    def run_raw(self, program, *arguments, stdin=b''):
        """The result, with bytes in it."""
        return subprocess.run([program, *arguments], input=stdin, capture_output=True, timeout=60,
                              env=self.world.env, cwd=self.world.root)

    def keyturn(self, *arguments, stdin=b''):
        """What the command says on both outputs, which has to be harmless; and its status."""
        done = self.run_raw(str(build_root() / 'client' / 'keyturn'), *arguments, stdin=stdin)
        self.is_harmless(done.stdout, arguments)
        return done.returncode, done.stdout.decode(), self.is_harmless(done.stderr, arguments)


class Texts(Base):
    def setUp(self):
        self.world = self.enterContext(Running())
        self.world.add('crm')
        self.world.wait_state('crm', 'idle')

    def fetch_as(self, name):
        """By a program of that file name, which becomes the process' name, cut at 15 bytes."""
        program = os.fsencode(self.world.root / 'tmp') + b'/' + name
        shutil.copy(build_root() / 'client' / 'keyturn', program)
        done = self.run_raw(program, 'get', 'crm')
        self.assertEqual(done.returncode, 0, done.stderr)

    def all_verbs_answer(self):
        for verb in VERBS:
            status, out, err = self.keyturn(*verb)
            self.assertEqual((status, err), (0, ''), verb)
            status, out, err = self.keyturn('--json', *verb)
            self.assertEqual((status, err), (0, ''), verb)
            if verb != ['metrics']:
                for text in out.splitlines() if verb[0] == 'log' else [out]:
                    self.values_are_harmless(json.loads(text))

    def all_is_harmless(self):
        """Before a restart of keyturnd, and after it."""
        for _ in range(2):
            self.all_verbs_answer()
            self.values_are_harmless(self.world.history())
            self.values_are_harmless(self.world.manager('GetHolders', 's', 'crm'))
            self.values_are_harmless(self.world.integration('crm'))
            self.is_harmless((self.world.root / 'log' / 'keyturnd').read_bytes(), 'the log')
            self.world.stop_daemon()
            self.world.start_daemon()

    def test_a_name_cut_in_mid_character(self):
        self.fetch_as('abholungsdiensü'.encode())
        self.all_is_harmless()
        self.assertIn(r'abholungsdiens\xc3', [h['Command'] for h in self.world.manager('GetHolders', 's', 'crm')])
        self.assertIn(r'abholungsdiens\xc3', self.keyturn('status', 'crm')[1])

    def test_a_name_that_a_terminal_would_obey(self):
        self.fetch_as(b'\x1b]0;x\x07' + f'{MIRROR}\x9b\n'.encode())
        self.all_is_harmless()
        self.assertIn(r'\x1b]0;x\x07\xe2\x80\xae\xc2\x9b',
                      [h['Command'] for h in self.world.manager('GetHolders', 's', 'crm')])

    def test_two_names_stay_two(self):
        for last in (b'\xfe', b'\xff'):
            self.fetch_as(b'backup' + last)
        names = {h['Command'] for h in self.world.manager('GetHolders', 's', 'crm')}
        self.assertLessEqual({r'backup\xfe', r'backup\xff'}, names)

    @unittest.skipUnless(os.getuid() == 0, 'needs root, for another /etc/passwd')
    def test_an_account(self):
        """As a directory service may name it."""
        accounts = self.world.root / 'tmp' / 'passwd'
        accounts.write_bytes(f'w\xfc{NASTY}'.encode('latin-1', 'ignore') + b':x:0:0::/root:/bin/sh\n')
        self.world.stop_daemon()
        daemon = build_root() / 'daemon'
        self.world.daemon = self.world.spawn('keyturnd', [
            'unshare', '--mount', 'sh', '-c', 'mount --bind "$0" /etc/passwd && exec "$@"', accounts,
            daemon / 'keyturnd', '--user', '--config', self.world.config, '--state', self.world.state,
            '--runtime', self.world.runtime, '--helpers', daemon])
        wait_for(self.world.daemon_answers, 20, 'keyturnd on the bus')
        self.world.keyturn('get', 'crm')
        shown = r'w\xfc\x1b]0;owned\x07\x9b31m'
        wait_for(lambda: shown in self.world.integration('crm')['LastFetchedBy'], what='the account')
        self.assertIn(f'uid 0 ({shown})', self.world.manager('Explain', 'ss', 'crm', f'pid:{os.getpid()}')[2])
        self.all_verbs_answer()
        self.all_is_harmless()

    def test_arguments_that_are_told_back(self):
        for member, signature, *arguments in (
                ('GetKey', 's', NASTY), ('GetIntegration', 's', NASTY), ('GetHistory', 'st', NASTY, 0),
                ('GetHolders', 's', NASTY), ('Rotate', 'sa{sv}', NASTY, {}), ('Revoke', 'sb', NASTY, False),
                ('Resume', 's', NASTY), ('RemoveIntegration', 'sb', NASTY, False),
                ('Explain', 'ss', 'crm', NASTY), ('Explain', 'ss', 'crm', f'pid:{NASTY}'),
                ('Explain', 'ss', 'crm', f'user:{NASTY}'), ('Explain', 'ss', 'crm', f'sender:{NASTY}'),
                ('SetManagementKey', 'sa{sv}', NASTY, {}), ('ForgetManagementKey', 's', NASTY),
                ('SetManagementKey', 'sa{sv}', 'test', {'Id': ('s', NASTY)}),
                ('SetManagementKey', 'sa{sv}', 'test', {NASTY: ('s', '')}),
                ('ImportKey', 'sa{sv}', 'crm', {'Id': ('s', 'key_\x1b\x07')}),
                ('ImportKey', 'sa{sv}', NASTY, {}),
                ('AddIntegration', 'sa{sv}', NASTY, {}), ('AddIntegration', 'sa{sv}', 'new', {NASTY: ('s', '')}),
                ('AddIntegration', 'sa{sv}', 'new', {'Environment': ('s', NASTY)}),
                ('AddIntegration', 'sa{sv}', 'new', {'Allow': ('as', [NASTY, 'a;b'])}),
                ('AddIntegration', 'sa{sv}', 'new', {'Allow': ('as', [f'{NASTY};b'])}),
                ('AddIntegration', 'sa{sv}', 'new', {'Allow': ('as', [f'user:{NASTY}'])}),
                ('AddIntegration', 'sa{sv}', 'new', {'Permissions': ('as', [NASTY])}),
                ('AddIntegration', 'sa{sv}', 'new', {'RotateAfter': ('s', NASTY)}),
                ('AddIntegration', 'sa{sv}', 'new', {'ReloadUnits': ('as', [f'{NASTY}.service'])})):
            with self.subTest(member=member, arguments=arguments):
                self.values_are_harmless(self.world.error_of(member, signature, *arguments).text)
        self.assertIn(SHOWN, self.world.error_of('GetKey', 's', NASTY).text)
        self.values_are_harmless(self.world.manager('Explain', 'ss', 'crm', f'unit:{NASTY}.service'))
        self.assertLess(len(self.world.error_of('GetKey', 's', 'x' * 10**6).text), 10000)
        self.all_is_harmless()

    def test_long_ones_are_cut_at_a_character(self):
        """Where libkeyturn's room for a message ends."""
        for before in ('', 'a', 'aa'):
            status, _, err = self.keyturn('get', before + '\u20ac' * 400)
            self.assertEqual(status, 1)
            self.assertIn('\u20ac\u20ac', err)
            self.assertNotIn('\\x', err)

    def test_visitors_of_the_credentials_socket(self):
        """Any process can bind such an address; they are refused, which is told once."""
        for place in (f'unit/{TITLE}.service/crm', f'unit/crm.service/{TITLE}', 'unit/crm.service/\xff'):
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(30)
                client.bind(b'\0visitor/' + place.encode('latin-1'))
                client.connect(str(self.world.runtime / 'credentials.sock'))
                self.assertTrue(client.recv(1))
        self.assertEqual(len(self.world.history(event='refused')), 1)
        self.all_is_harmless()

    def test_files(self):
        folder = self.world.config / 'integrations'
        (pathlib.Path(os.fsdecode(os.fsencode(folder) + b'/bad\xff\x1b[2J.conf'))).write_text('')
        (folder / 'other.conf').write_text(f'[Integration]\nEnvironment={NASTY}\n')
        (folder / 'crm.conf').write_text(f'[Integration]\nEnvironment=test\nAccess={NASTY}\nManagement=api\n')
        self.values_are_harmless(self.world.error_of('Reload').text)
        self.assertNotEqual(self.world.integration('crm')['Attention'], '')
        self.values_are_harmless(self.world.integration('crm'))
        self.values_are_harmless(self.world.history())
        status, _, err = self.keyturn('reload')
        self.assertEqual(status, 1)
        self.assertNotIn('did not answer', err)
        self.is_harmless((self.world.root / 'log' / 'keyturnd').read_bytes(), 'the log')
        self.assertIn(rb'bad\xff\x1b[2J.conf', (self.world.root / 'log' / 'keyturnd').read_bytes())

    def test_huechat(self):
        """Its refusal, in its own words."""
        server = Server(http(422, {'error': 'validation_error', 'message': f'no {NASTY}\n here', 'code': 422,
                                   'details': {}, 'request_id': 'req_1', 'timestamp': '2026-11-23T10:00:00Z'}))
        self.addCleanup(server.close)
        (self.world.config / 'keyturn.conf').write_text(f'[API test]\nBaseURL=http://127.0.0.1:{server.port}/v2\n')
        self.world.keyturn('reload')
        status, _, err = self.keyturn('login', 'test', stdin=b'sk_test_0123456789abcdef')
        self.assertEqual(status, 1)
        self.assertIn(f'no {SHOWN} here', err)
        self.all_is_harmless()


class KeyringOfWords(BusService):
    """A Secret Service that is unlocked, and refuses everything in words of its choice."""

    def __init__(self, world, words):
        self.words = words
        super().__init__(world.connect(timeout=None), SECRETS)

    def meet(self, call):
        member, interface = call.fields[MEMBER], call.fields.get(INTERFACE)
        if member == 'ReadAlias':
            self.bus.answer(call, 'o', f'{SECRETS_PATH}/collection/login')
        elif member == 'Get' and interface == 'org.freedesktop.DBus.Properties' and call.body[1] == 'Locked':
            self.bus.answer(call, 'v', ('b', False))
        else:
            self.bus.refuse(call, 'org.freedesktop.DBus.Error.Failed', self.words)


class Keyring(Base):
    def setUp(self):
        self.world = self.enterContext(Running(keyring=False, login=False))
        self.keyring = KeyringOfWords(self.world, f'no {NASTY} sk_live_0123456789abcdef here')
        self.addCleanup(self.keyring.bus.close)

    def test_its_refusal(self):
        key = self.world.sandbox.management_key('test').encode()
        status, _, err = self.keyturn('login', 'test', stdin=key)
        self.assertEqual(status, 1)
        self.assertIn(f'no {SHOWN} *** here', err)
        self.values_are_harmless(self.world.history())
        self.is_harmless((self.world.root / 'log' / 'keyturnd').read_bytes(), 'the log')


class Impostor(BusService):
    """Whoever took keyturnd's name, and is the desktop too: what it says is not for the terminal to obey."""

    def __init__(self, world, words=NASTY, name='crm'):
        self.words, self.integration, self.bodies, self.key = words, name, [], None
        super().__init__(world.connect(timeout=None), KEYTURN, NOTIFICATIONS)

    def meet(self, call):
        member = call.fields[MEMBER]
        texts = {name: ('s', self.words)
                 for name in ('Environment', 'Attention', 'LastFetchedBy', 'Last4', 'KeyId', 'RotationState',
                              'Message', 'Caller', 'Event', 'Command', 'Version')}
        texts |= {'Name': ('s', self.integration), 'Allow': ('as', [self.words]), 'Permissions': ('as', [self.words])}
        if member == 'GetManagedObjects':
            self.bus.answer(call, 'a{oa{sa{sv}}}', {f'{KEYTURN_PATH}/integration/crm': {INTEGRATION: texts}})
        elif member == 'GetAll':
            self.bus.answer(call, 'a{sv}', texts)
        elif member in ('GetHistory', 'GetHolders'):
            self.bus.answer(call, 'aa{sv}', [texts])
        elif member == 'GetIntegration':
            self.bus.answer(call, 'o', f'{KEYTURN_PATH}/integration/crm')
        elif member == 'Explain':
            self.bus.answer(call, 'bsss', True, self.words, self.words, self.words)
        elif member == 'ImportKey':
            self.bus.answer(call, 's', self.words)
        elif member == 'Rotate':
            self.bus.answer(call, 's', self.words)
        elif member == 'GetLastFetches':
            self.bus.answer(call, 'a{s(ts)}', {self.integration: (1, self.words)})
        elif member == 'OpenUpload':
            ours, theirs = socket.socketpair()
            with ours, theirs:
                self.bus.send(Message(RETURN, {REPLY_SERIAL: call.serial, DESTINATION: call.fields[SENDER],
                                               SIGNATURE: 'h'}, [0], fds=[theirs.fileno()]))
                ours.recv(100)
        elif member in ('GetKeyToFd', 'OpenKey'):
            self.hand_out(call, member)
        elif member == 'Notify':
            self.bodies.append(call.body[4])
            self.bus.answer(call, 'u', 1)
        else:
            self.bus.refuse(call, 'org.keyturn1.Error.Failed', self.words)

    def hand_out(self, call, member):
        """A key of its choice."""
        if self.key is None:
            self.bus.refuse(call, 'org.keyturn1.Error.Failed', self.words)
        elif member == 'GetKeyToFd':
            with socket.socket(fileno=call.body[1]) as lent:
                lent.send(self.key)
            self.bus.answer(call, 't', 1)
        else:
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            with ours, theirs:
                ours.send(self.key)
                self.bus.send(Message(RETURN, {REPLY_SERIAL: call.serial, DESTINATION: call.fields[SENDER],
                                               SIGNATURE: 'ht'}, [0, 1], fds=[theirs.fileno()]))


class Command(Base):
    def setUp(self):
        self.world = self.enterContext(World())

    def test_an_impostor(self):
        self.addCleanup(Impostor(self.world).bus.close)
        for verb in VERBS + [['explain', 'crm', 'user:root'], ['get', 'crm'], ['rotate', 'crm'], ['remind'],
                             ['resume', 'crm'], ['reload'], ['doctor'], ['audit', str(self.world.root / 'tmp')]]:
            self.keyturn(*verb)
            status, out, _ = self.keyturn('--json', *verb)
            if out and verb[0] not in ('metrics', 'remind'):
                for text in out.splitlines() if verb[0] in ('log', 'doctor', 'audit') else [out]:
                    self.values_are_harmless(json.loads(text))
        self.assertIn(SHOWN, self.keyturn('list')[1])
        self.assertIn(SHOWN, self.keyturn('explain', 'crm', 'user:root')[1])
        self.assertIn('owned', self.keyturn('get', 'crm')[2])
        self.assertIn(SHOWN, self.keyturn('import', 'crm', stdin=b'sk_test_0123456789abcdef')[1])
        self.assertIn(SHOWN, self.keyturn('rotate', 'crm')[1])
        self.world.env['DBUS_SYSTEM_BUS_ADDRESS'] = self.world.address
        self.assertIn(SHOWN, self.keyturn('--system', 'status', 'crm')[1])

    def test_a_key_that_is_none(self):
        impostor = Impostor(self.world)
        self.addCleanup(impostor.bus.close)
        self.world.env['DBUS_SYSTEM_BUS_ADDRESS'] = self.world.address
        impostor.key = b'sk_test_0123456789abcdef'
        for options in [], ['--system']:
            self.assertEqual(self.keyturn(*options, 'get', 'crm')[1], impostor.key.decode())
        for key in TITLE.encode(), C1.encode(), b'two words', b'line\n', b'\xff':
            impostor.key = key
            for options in [], ['--system']:
                status, out, err = self.keyturn(*options, 'get', 'crm')
                self.assertEqual((status, out), (1, ''), key)
                self.assertIn('no key came', err)

    def test_a_name_that_is_none(self):
        """It would stand in "keyturn rotate NAME --compromised", which is there to be pasted."""
        name = '$(touch${IFS}mark)'
        self.addCleanup(Impostor(self.world, 'words', name).bus.close)
        folder = self.world.root / 'project'
        folder.mkdir()
        (folder / 'file').write_text('sk_test_Q7fJ2mZx9TbV4kLw8RcN5pYs3HdG6aEuords\n')
        for verb in (['list'], ['status'], ['status', 'crm'], ['due', '--within', '100d'], ['metrics'], ['check'],
                     ['remind'], ['doctor'], ['audit', str(folder)], ['rotate', '--due']):
            for options in [], ['--json']:
                status, out, err = self.keyturn(*options, *verb)
                self.assertNotEqual(status, 0, verb)
                self.assertNotIn('touch', out + err, verb)
                self.assertIn('makes no sense', out + err, verb)

    def test_a_file_whose_name_is_a_command(self):
        """What doctor and audit say of it is to be pasted."""
        self.world.config.mkdir()
        path = self.world.config / '$(touch mark)'
        path.write_text('')
        path.chmod(0o666)
        self.assertIn(f": chmod go-w '{path}'\n", self.keyturn('doctor')[1])
        repository = self.world.root / '$(touch mark)'
        (repository / '.git').mkdir(parents=True)
        self.assertIn(f"git -C '{repository}' log", self.keyturn('audit', str(repository))[1])

    def test_a_notification_is_no_markup(self):
        impostor = Impostor(self.world, '<img src="x"/> & more')
        self.addCleanup(impostor.bus.close)
        self.assertIn('<img src="x"/> & more', self.keyturn('remind')[1])
        self.assertEqual(len(impostor.bodies), 1)
        self.assertIn('&lt;img src=&quot;x&quot;/&gt; &amp; more', impostor.bodies[0])
        self.assertNotIn('<', impostor.bodies[0])

    def test_files_that_audit_finds(self):
        folder = self.world.root / 'project'
        folder.mkdir()
        path = os.fsencode(folder) + b'/a\xff' + NASTY.encode()
        with open(path, 'w', encoding='ascii') as file:
            file.write('sk_test_Q7fJ2mZx9TbV4kLw8RcN5pYs3HdG6aEu\n')
        self.assertIn(rf'a\xff{SHOWN}:1', self.keyturn('audit', str(folder))[1])
        _, out, _ = self.keyturn('--json', 'audit', str(folder))
        self.assertTrue(out)
        for line in out.splitlines():
            self.values_are_harmless(json.loads(line))


if __name__ == '__main__':
    unittest.main()
