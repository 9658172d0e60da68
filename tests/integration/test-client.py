#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The command, as a person and a script see it, with everything real behind it."""
import json
import os
import pty
import select
import signal
import subprocess
import termios
import time
import unittest

from running import Running
from world import World, build_root, wait_for

DEAD = 'keyturn: keyturnd is not running: start it with systemctl --user start keyturnd\n'
OLD = time.strftime('%Y-%m-%d', time.gmtime(time.time() - 100 * 86400))


def command():
    return str(build_root() / 'client' / 'keyturn')


class OnTerminal:
    """The command with a terminal for its input and output."""

    def __init__(self, world, *arguments):
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.execve(command(), ['keyturn', *arguments], world.env)
        self.shown = b''

    def wait_for(self, text):
        while text not in self.shown:
            ready, _, _ = select.select([self.terminal], [], [], 10)
            if not ready:
                raise AssertionError(f'{text} was not shown: {self.shown}')
            self.shown += os.read(self.terminal, 4096)

    def echoes(self):
        return bool(termios.tcgetattr(self.terminal)[3] & termios.ECHO)

    def type(self, text):
        os.write(self.terminal, text)

    def end(self):
        """All that was shown, and the exit status as of waitpid()."""
        try:
            while data := os.read(self.terminal, 4096):
                self.shown += data
        except OSError:
            pass  # how a terminal tells that nobody is at the other end
        os.close(self.terminal)
        return self.shown.decode(), os.waitpid(self.pid, 0)[1]


class Client(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = cls.enterClassContext(Running())
        cls.world.add('crm')

    def run_keyturn(self, *arguments, **more):
        return self.world.keyturn(*arguments, check=False, **more)

    def refused(self, status, *arguments, **more):
        """The one line on standard error of a command that ends in that status."""
        done = self.run_keyturn(*arguments, **more)
        self.assertEqual((done.returncode, done.stdout), (status, ''), (arguments, done.stderr))
        self.assertRegex(done.stderr, r'\Akeyturn: [^\n]+\n\Z', arguments)
        return done.stderr

    def follow(self, *arguments):
        process = subprocess.Popen([command(), *arguments], stdout=subprocess.PIPE, text=True, env=self.world.env)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def dashboard(self, name):
        """An integration whose keys a person makes; it has one that is past its time."""
        self.world.add(name, '--dashboard')
        made = self.world.import_made(name, ('contacts:read',), None, '--created', OLD)
        self.addCleanup(self.world.keyturn, 'remove', name)
        self.addCleanup(self.world.keyturn, 'rollback', name)
        return made


class Keys(Client):
    def test_get_prints_the_key_alone(self):
        self.assertEqual(self.world.keyturn('get', 'crm').stdout, self.world.fetch('crm'))

    def test_get_ends_the_line_on_a_terminal(self):
        shown, status = OnTerminal(self.world, 'get', 'crm').end()
        self.assertEqual((shown, status), (self.world.fetch('crm') + '\r\n', 0))

    def test_exec_sets_the_environment(self):
        script = 'echo "$HUECHAT_API_KEY $HUECHAT_BASE_URL $OTHER"'
        done = self.world.keyturn('exec', 'crm', '--', 'sh', '-c', script)
        key, url = done.stdout.split()
        self.assertEqual((key, url), (self.world.fetch('crm'), self.world.sandbox.url + '/v2'))
        done = self.world.keyturn('exec', 'crm', '--var', 'OTHER', '--', 'sh', '-c', script)
        self.assertEqual(done.stdout.split(), [url, key])

    def test_exec_ends_as_the_command_does(self):
        for status, argv in ((7, ['sh', '-c', 'exit 7']), (127, ['no-such-command']), (126, ['/etc'])):
            self.assertEqual(self.run_keyturn('exec', 'crm', '--', *argv).returncode, status, argv)

    def test_json_is_of_one_shape(self):
        listed = json.loads(self.world.keyturn('--json', 'list').stdout)
        crm = next(i for i in listed if i['name'] == 'crm')
        self.assertEqual(crm['permissions'], ['contacts:read'])
        self.assertRegex(crm['created_at'], r'\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\Z')
        self.assertEqual((crm['rotate_after_seconds'], crm['overlap_seconds']), (90 * 86400, 2))
        status = json.loads(self.world.keyturn('status', 'crm', '--json').stdout)
        self.assertEqual(set(status) - set(crm), {'holders'})

    def test_list_is_the_dashboards_and_more(self):
        lines = self.world.keyturn('list').stdout.splitlines()
        last4 = self.world.integration('crm')['Last4']
        row = next(line for line in lines if line.startswith('crm '))
        for text in ('test', f'…{last4}', '░░░░░░░░░░ ', ' of 90d', 'ok', 'contacts:read'):
            self.assertIn(text, row)

    def test_status_tells_who_holds_the_key(self):
        with self.world.holder('crm') as process:
            self.assertRegex(self.world.keyturn('status', 'crm').stdout, rf'process {process.pid} \(\w+\): generation')

    def test_the_library_fetches(self):
        example = [build_root() / 'client' / 'example-fetch']
        done = subprocess.run([*example, 'crm'], env=self.world.env, capture_output=True, text=True)
        generation = self.world.integration('crm')['Generation']
        self.assertEqual((done.returncode, done.stdout), (0, f'generation {generation}: HTTP status 200\n'))
        done = subprocess.run([*example, 'nope'], env=self.world.env, capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stdout), (1, ''))
        self.assertRegex(done.stderr, r'\Anope: there is no integration nope: [^\n]+\n\Z')


class CommandLine(Client):
    def test_nonsense_is_usage(self):
        for arguments in ([], ['nope'], ['get'], ['get', 'a', 'b'], ['--nope'], ['list', '--nope'], ['exec', 'crm'],
                          ['exec', 'crm', '--'], ['exec', 'crm', '--var', '1', '--', 'true'], ['add', 'x'],
                          ['add', 'x', '--env', 'test'], ['add', 'x', '--env', 'test', '--full', '--scope', 'a'],
                          ['rotate'], ['rotate', 'crm', '--due'], ['due', '--within', 'soon'],
                          ['import', 'crm', '--created', 'soon'], ['import', 'crm', '--var', 'A'], ['explain', 'crm'],
                          ['login', 'staging'], ['logout', 'staging'], ['add', 'x', '--env', 'prod', '--full']):
            self.refused(2, *arguments)

    def test_failures_are_one_line(self):
        for arguments in (['get', 'nope'], ['status', 'nope'], ['rotate', 'nope'], ['resume', 'crm'], ['edit', 'nope'],
                          ['explain', 'crm', 'nonsense'], ['import', 'crm', '--from-env', '/nope'], ['login', 'test'],
                          ['add', 'crm', '--env', 'test', '--scope', 'contacts:read'], ['get', 'a\x01b']):
            self.refused(1, *arguments)

    def test_global_options_stand_anywhere(self):
        for arguments in (['--json', 'list'], ['list', '--json']):
            json.loads(self.world.keyturn(*arguments).stdout)

    def test_no_daemon(self):
        with World() as world:
            done = world.keyturn('list', check=False)
            self.assertEqual((done.returncode, done.stderr), (1, DEAD))
            done = world.keyturn('due', '--exit-code', check=False)
            self.assertEqual((done.returncode, done.stderr), (2, DEAD))
            done = world.keyturn('check', check=False)
            self.assertEqual((done.returncode, done.stderr), (3, ''))
            self.assertTrue(done.stdout.startswith('KEYTURN UNKNOWN - keyturnd is not running'))


    def test_add_says_what_it_waits_for(self):
        self.world.daemon.send_signal(signal.SIGSTOP)
        try:
            terminal = OnTerminal(self.world, 'add', 'slow', '--env', 'test', '--scope', 'contacts:read')
            terminal.wait_for(b'waiting for HueChat ...\r\n')
        finally:
            self.world.daemon.send_signal(signal.SIGCONT)
        shown, status = terminal.end()
        self.assertEqual((shown.count('waiting'), status), (1, 0), shown)
        self.assertIn('slow has its first key', shown)


class Secrets(Client):
    def test_a_typed_key_is_not_echoed(self):
        made = self.world.sandbox.create_key('typed', permissions=['contacts:read'])
        self.world.add('typed', '--dashboard')
        terminal = OnTerminal(self.world, 'import', 'typed')
        terminal.wait_for(b'Key for typed: ')
        self.assertFalse(terminal.echoes())
        terminal.type(made['key'].encode() + b'\n')
        shown, status = terminal.end()
        self.assertEqual(status, 0, shown)
        self.assertNotIn(made['key'], shown)
        self.assertEqual(self.world.fetch('typed'), made['key'])

    def test_an_interrupt_brings_the_echo_back(self):
        terminal = OnTerminal(self.world, 'import', 'crm')
        terminal.wait_for(b'Key for crm: ')
        terminal.type(b'sk_te\x03')
        wait_for(terminal.echoes, what='the echo')
        shown, status = terminal.end()
        self.assertEqual((os.WTERMSIG(status), 'sk_te' in shown), (2, False))

    def test_a_key_out_of_a_file(self):
        made = self.world.sandbox.create_key('filed', permissions=['contacts:read'])
        path = self.world.root / 'env'
        path.write_text(f'A=1\nexport ONE="{made["key"]}"\nTWO=sk_test_another # old\n')
        self.world.add('filed', '--dashboard')
        line = self.refused(1, 'import', 'filed', '--from-env', str(path))
        self.assertIn('(ONE, TWO)', line)
        self.assertNotIn('sk_', line)
        self.world.keyturn('import', 'filed', '--from-env', str(path), '--var', 'ONE')
        self.assertEqual(self.world.fetch('filed'), made['key'])

    def test_what_a_paste_brings_along_is_left_out(self):
        for n, form in enumerate(('{}', '\ufeff{}\r\n', '  {}\t \r\n', '\n\r\n \n{}\nmore\n')):
            key = self.world.sandbox.create_key(f'paste{n}', permissions=['contacts:read'])['key']
            self.world.add(f'paste{n}', '--dashboard')
            self.world.keyturn('import', f'paste{n}', stdin=form.format(key))
            self.assertEqual(self.world.fetch(f'paste{n}'), key)
        for text in ('\ufeff', ' \n\n', '\ufeff\r\n'):
            self.assertIn('no key was given', self.refused(1, 'import', 'paste0', stdin=text))

    def test_a_key_that_is_none_is_refused_without_being_told(self):
        self.world.add('bogus', '--dashboard')
        for text in ('sk_test_bogus000000000000000000\n', 'nonsense-of-a-key', '', '\n', 'a' * 5000):
            line = self.refused(1, 'import', 'bogus', stdin=text)
            self.assertTrue(not text.strip() or text.strip() not in line, line)


class Urgency(Client):
    def test_due(self):
        self.assertEqual(self.world.keyturn('due', '--exit-code').stdout, '')
        self.dashboard('late')
        done = self.run_keyturn('due', '--exit-code')
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stdout, r'\Alate due \d+ days ago, [^\n]* by a person in the dashboard\n\Z')
        within = json.loads(self.world.keyturn('due', '--json', '--within', '1y').stdout)
        self.assertEqual([i['name'] for i in within], ['crm', 'late'])

    def test_check(self):
        done = self.world.keyturn('check')
        self.assertRegex(done.stdout, r'\AKEYTURN OK - 1 well, next due in \d+ days \| ok=1;;;0 [^\n]+\n\Z')
        self.dashboard('late')
        done = self.run_keyturn('check')
        self.assertEqual(done.returncode, 2)
        self.assertRegex(done.stdout, r'\AKEYTURN CRITICAL - late: [^|\n]+ \| ok=1;;;0 warning=0;;;0 critical=1;;;0 ')
        self.assertEqual(self.run_keyturn('check', '--warn', 'soon').returncode, 3)

    def test_remind_tells_once(self):
        self.dashboard('late')
        self.assertTrue(self.world.keyturn('remind').stdout.startswith('late: '))
        self.assertEqual(self.world.keyturn('remind').stdout, '')

    def test_metrics_have_every_integration(self):
        lines = self.world.keyturn('metrics').stdout.splitlines()
        labels = 'integration="crm",environment="test",management="api"'
        due = self.world.integration('crm')['DueAt'] // 1000000
        self.assertIn(f'keyturn_key_due_timestamp_seconds{{{labels}}} {due}', lines)
        self.assertIn(f'keyturn_rotation_state{{{labels},state="idle"}} 1', lines)


class Rotation(Client):
    def setUp(self):
        self.world.sandbox.set_faults()

    def test_wait_until_the_old_key_is_gone(self):
        self.world.add('waited')
        old = self.world.keyturn('get', 'waited').stdout  # by a process that has ended, so nobody holds it
        shown = self.world.keyturn('rotate', 'waited', '--wait').stdout
        self.assertIn('waited draining: ', shown)
        self.assertIn(f'waited: the key is now …{self.world.fetch("waited")[-4:]}\n', shown)
        self.assertEqual(self.world.probe(old), 401)

    def test_wait_fails_with_what_is_held(self):
        self.world.add('held')
        self.world.sandbox.set_faults({'call': 'create', 'fault': 'error-422'})
        done = self.run_keyturn('rotate', 'held', 'nope', '--wait')
        self.assertEqual(done.returncode, 1)
        lines = done.stderr.splitlines()
        self.assertEqual([line.split(':')[1] for line in lines], [' there is no integration nope', ' held is held'])
        self.world.keyturn('rollback', 'held')

    def test_log_follows_from_a_time(self):
        self.world.add('followed')
        time.sleep(2)
        before = {e['Rotation'] for e in self.world.history('followed')}
        log = self.follow('log', 'followed', '-f', '--since', '1s', '--json')
        time.sleep(0.5)
        self.world.keyturn('rotate', 'followed')
        self.assertNotIn(json.loads(log.stdout.readline())['rotation'], before)

    def test_watch_and_log_follow(self):
        self.world.add('watched')
        self.world.wait_key('watched')
        watch, log = self.follow('watch', '--json'), self.follow('log', 'watched', '-f', '--json')
        self.assertEqual(json.loads(log.stdout.readline())['integration'], 'watched')
        time.sleep(0.5)  # neither says when it listens
        # is announced, and changes no state
        self.world.keyturn('edit', 'watched', env={'VISUAL': 'sed -i s/^RotateAfter=.*/RotateAfter=60d/'})
        self.world.keyturn('rotate', 'watched', '--compromised', '--wait')
        seen = []
        while ('rotation-state', 'idle') not in seen:
            line = json.loads(watch.stdout.readline())
            if line['name'] == 'watched':
                seen.append((line['event'], line.get('state') or line.get('generation')))
        self.assertIn(('key-changed', 2), seen)
        self.assertEqual(len(seen), len(set(seen)), seen)
        while not json.loads(log.stdout.readline())['message'].endswith('is gone'):
            pass

    def test_watch_begins_before_keyturnd(self):
        self.world.stop_daemon()
        watch = self.follow('watch', '--json')
        time.sleep(0.5)  # it does not say when it listens
        self.assertIsNone(watch.poll())
        self.world.start_daemon()
        self.world.keyturn('rotate', 'crm', '--compromised', '--wait')
        seen = []
        while ('crm', 'rotation-state', 'idle') not in seen or len(seen) < 3:
            line = json.loads(watch.stdout.readline())
            seen.append((line['name'], line['event'], line.get('state')))
        self.assertIn(('crm', 'rotation-state', 'creating'), seen)
        self.assertIn(('crm', 'key-changed', None), seen)


class Edit(Client):
    def edit(self, editor):
        return self.run_keyturn('edit', 'crm', env={'VISUAL': editor})

    def test_edit(self):
        path = self.world.config / 'integrations' / 'crm.conf'
        before = path.read_text()
        done = self.edit('sed -i s/^RotateAfter=.*/RotateAfter=1s/')
        self.assertEqual((done.returncode, path.read_text()), (1, before))
        self.assertRegex(done.stderr, r'\Akeyturn: \S+/crm.conf:\d+: RotateAfter: [^\n]+\n\Z')
        done = self.edit('sed -i s/^RotateAfter=1s/RotateAfter=60d/')
        self.assertEqual((done.returncode, done.stdout), (0, 'crm: taken in.\n'), done.stderr)
        self.assertEqual(path.read_text(), before.replace('RotateAfter=90d', 'RotateAfter=60d'))
        self.assertEqual(self.world.integration('crm')['RotateAfter'], 60 * 86400 * 10**6)
        self.assertEqual(self.edit('true').stdout, 'crm: nothing is changed.\n')
        # What a failed editor left is nobody's text the next time.
        self.assertEqual(self.edit('sh -c "echo RotateAfter=50d >>$1; false" sh').returncode, 1)
        self.assertEqual(self.edit('true').stdout, 'crm: nothing is changed.\n')
        self.assertEqual([p.name for p in path.parent.iterdir()], ['crm.conf'])


if __name__ == '__main__':
    unittest.main()
