#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""keyturn doctor and keyturn audit: each thing that they look for is made, and found; and nothing where all is well."""
import json
import os
import pathlib
import shutil
import subprocess
import time
import unittest

from running import Running
from world import World, build_root, landlock_version, wait_for

OLD = time.strftime('%Y-%m-%d', time.gmtime(time.time() - 200 * 86400))


class Checks(unittest.TestCase):
    def setUp(self):
        self.world = self.enterContext(Running())

    def run_keyturn(self, *arguments, **more):
        return self.world.keyturn(*arguments, check=False, **more)

    def lines(self, *arguments):
        """(exit status, [(subject, level, message, way_out)]) of one run."""
        done = self.run_keyturn('--json', *arguments)
        self.assertEqual(done.stderr, '')
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        return done.returncode, [(x['subject'], x['level'], x['message'], x['way_out']) for x in lines]


class Doctor(Checks):
    def doctor(self):
        status, lines = self.lines('doctor')
        self.assertEqual(status, 1 if 'fail' in [line[1] for line in lines] else 0, lines)
        return status, {line[0]: line[1:] for line in lines}

    def test_all_is_well(self):
        self.world.add('crm')
        status, lines = self.doctor()
        self.assertEqual(status, 0)
        for subject in ('bus', 'keyturnd', 'keyring', 'management key test', 'API contract test', 'integrations',
                        'files', 'linger'):
            self.assertEqual(lines[subject][0], 'ok', lines[subject])
        self.assertEqual(lines['landlock'][0], 'ok' if landlock_version() else 'warn')
        # What is not here: it says so, and is not silent.
        self.assertEqual((lines['units'][0], lines['clock'][0]), ('warn', 'warn'))
        self.assertIn('kB', lines['memory'][1])

    def test_a_locked_keyring(self):
        self.world.lock_keyring()
        wait_for(lambda: self.world.bus.get('org.keyturn1', '/org/keyturn1', 'org.keyturn1.Manager',
                                            'KeyringState') == 'locked', what='keyturnd to see the lock')
        status, lines = self.doctor()
        self.assertEqual((status, lines['keyring'][:2]), (1, ('fail', 'it is locked')))
        self.world.unlock_keyring()
        wait_for(lambda: self.doctor()[0] == 0, what='doctor to be content again')

    def test_no_keyring(self):
        self.world.kill_keyring()
        status, lines = self.doctor()
        self.assertEqual((status, lines['keyring'][0]), (1, 'fail'))

    def test_no_management_key(self):
        self.world.add('crm')
        self.world.keyturn('logout', 'test')
        status, lines = self.doctor()
        self.assertEqual(status, 1)
        self.assertEqual(lines['management key test'], ('fail', 'it was forgotten', 'keyturn login test'))
        self.assertNotIn('API contract test', lines)

    def test_an_open_file(self):
        self.world.add('crm')
        path = self.world.config / 'integrations' / 'crm.conf'
        path.chmod(0o666)
        status, lines = self.doctor()
        self.assertEqual((status, lines['files']), (1, ('fail', f'others may change {path}', f'chmod go-w {path}')))
        subprocess.run(lines['files'][2].split(), check=True)
        self.assertEqual(self.doctor()[0], 0)

    def test_an_open_state(self):
        self.world.state.chmod(0o755)
        self.assertEqual(self.doctor()[1]['files'][0], 'fail')

    def test_what_waits_for_a_person(self):
        self.world.add('hand', '--dashboard')
        self.world.import_made('hand', ('contacts:read',), None, '--created', OLD)
        status, lines = self.doctor()
        self.assertEqual((status, lines['hand'][0], lines['hand'][2]), (1, 'fail', 'see keyturn status hand'))

    def test_no_daemon(self):
        self.world.stop_daemon()
        status, lines = self.doctor()
        self.assertEqual((status, lines['keyturnd'][0], lines['files'][0]), (1, 'fail', 'ok'))
        self.assertIn('systemctl --user start keyturnd', lines['keyturnd'][1])

    def test_no_bus(self):
        self.world.env['DBUS_SESSION_BUS_ADDRESS'] = f'unix:path={self.world.root}/nowhere'
        self.assertEqual(self.doctor()[1]['bus'][0], 'fail')

    def test_for_people(self):
        done = self.world.keyturn('doctor')
        self.assertRegex(done.stdout, r'\A(?:(?:ok  |warn) [^\n]+: [^\n]+\n)+\Z')


class Integrations(Checks):
    def audit(self, *folders):
        status, lines = self.lines('audit', *map(str, folders))
        self.assertEqual(status, 1 if lines else 0, lines)
        return lines

    def test_nothing(self):
        self.world.add('crm')
        self.assertEqual(self.audit(), [])
        self.assertEqual(self.world.keyturn('audit').stdout, 'Nothing was found.\n')

    def test_full_access(self):
        self.world.add('wide', '--full', scopes=())
        (line,) = self.audit()
        self.assertEqual(line[:3], ('wide', 'warn', 'its key has full access'))
        self.assertIn('keyturn edit wide', line[3])

    def test_age_and_use(self):
        self.world.add('old', '--dashboard', '--rotate-after', 'infinity')
        self.world.import_made('old', ('contacts:read',), None, '--created', OLD)
        found = {message: way_out for _, _, message, way_out in self.audit()}
        self.assertIn('keyturn rotate old', found.values())
        self.assertTrue(any('days old' in message for message in found), found)
        self.assertIn('its keys are to be rotated after no time at all', found)

    def test_a_live_key_in_development(self):
        self.world.login('live')
        self.world.add('prod', env='live')
        program = self.world.root / 'crm-staging'
        shutil.copy('/bin/sleep', program)
        process = subprocess.Popen([build_root() / 'client' / 'keyturn', 'exec', 'prod', '--', program, '60'],
                                   env=self.world.env)
        try:
            wait_for(lambda: 'crm-staging' in pathlib.Path(f'/proc/{process.pid}/comm').read_text(), what='exec')
            self.assertEqual(self.audit(), [('prod', 'fail', 'its live key was fetched by crm-staging',
                                             'give it an integration with --env test')])
        finally:
            process.kill()
            process.wait()


class Files(Checks):
    def setUp(self):
        super().setUp()
        self.world.add('crm')
        self.key = self.world.fetch('crm')
        self.other = self.world.sandbox.create_key('other', env='live', permissions=['contacts:read'])['key']
        self.folder = self.world.root / 'project'
        self.folder.mkdir()

    def audit(self, *options):
        done = self.run_keyturn('audit', str(self.folder), *options)
        for key in (self.key, self.other):
            self.assertNotIn(key[8:-4], done.stdout + done.stderr)
        return done

    def write(self, name, text):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def git(self, *arguments, folder=None):
        identity = ['-c', 'user.name=n', '-c', 'user.email=n@example.org', '-c', 'commit.gpgsign=false']
        done = subprocess.run(['git', '-C', folder or self.folder, *identity, *arguments], check=True,
                              capture_output=True, text=True, env=self.world.env)
        return done.stdout.strip()

    def commit(self, message, folder=None):
        self.git('add', '-A', folder=folder)
        self.git('commit', '-q', '-m', message, folder=folder)
        return self.git('rev-parse', '--short', 'HEAD', folder=folder)

    def test_nothing(self):
        self.write('.env', 'HUECHAT_API_KEY=sk_live_your_key_here\n')
        self.write('image', b'\0' + self.key.encode())
        self.write('large', self.key + '\n' * 1024 * 1024)
        os.symlink(self.world.root / 'run', self.folder / 'link')
        os.mkfifo(self.folder / 'fifo')
        self.assertEqual((self.audit().returncode, self.audit().stdout), (0, 'Nothing was found.\n'))

    def test_plain_text(self):
        env = self.write('.env', f'# mine\nA=1\nHUECHAT_API_KEY={self.key}\n')
        script = self.write('web/app.js', f'const key = "{self.other}";\n')
        done = self.audit()
        self.assertEqual(done.returncode, 1)
        first, second = done.stdout.splitlines()
        self.assertEqual(first, f'warn {env}:3: sk_test_…{self.key[-4:]} (crm) is plain text: take it out, then '
                                'keyturn rotate crm --compromised')
        self.assertEqual(second, f'fail {script}:1: sk_live_…{self.other[-4:]} is plain text, and perhaps on its way '
                                 'to browsers: take it out, then delete the key at HueChat')

    def test_every_key_of_a_line(self):
        self.write('a', f'{self.key} {self.other}\n{self.key}')
        self.assertEqual([line.split()[1][-3:-1] for line in self.audit().stdout.splitlines()], [':1', ':1', ':2'])

    def test_what_git_remembers(self):
        self.git('init', '-q')
        self.write('config.py', f'KEY = "{self.key}"\n')
        commit = self.commit('one')
        self.write('config.py', 'import os\nKEY = os.environ["HUECHAT_API_KEY"]\n')
        self.commit('two')
        self.git('checkout', '-q', '-b', 'side')
        self.write('other', self.other)
        self.commit('three')
        self.git('checkout', '-q', '-')
        done = self.audit()
        self.assertEqual(done.returncode, 1)
        lines = done.stdout.splitlines()
        self.assertEqual(len(lines), 2, lines)
        line = next(x for x in lines if 'config.py' in x)
        self.assertRegex(line, rf'\Awarn {self.folder}/config.py: sk_test_…{self.key[-4:]} \(crm\) is in the history of '
                               rf'git, commit {commit} of \d{{4}}-\d\d-\d\d: keyturn rotate crm --compromised\Z')
        self.assertIn('fail', next(x for x in lines if '/other: sk_live_…' in x))

    def test_repositories_below(self):
        below = self.folder / 'a' / 'b'
        below.mkdir(parents=True)
        self.git('init', '-q', folder=below)
        self.write('a/b/file', self.key)
        self.commit('one', folder=below)
        (below / 'file').unlink()
        (line,) = self.audit().stdout.splitlines()
        self.assertIn(f'{below}/file: ', line)

    def test_a_folder_in_a_repository(self):
        self.git('init', '-q')
        self.write('sub/file', self.key)
        self.write('else/file', self.other)
        self.commit('one')
        self.folder = self.folder / 'sub'
        self.assertEqual(len(self.audit().stdout.splitlines()), 2)  # the file, and its history

    def test_nothing_of_the_repository_is_run(self):
        """Its settings may name programs, and may be somebody else's."""
        self.git('init', '-q')
        self.write('.gitattributes', '* diff=evil\n')
        self.write('file', self.key)
        self.commit('one')
        mark = self.world.root / 'mark'
        for name in ('diff.external', 'diff.evil.textconv', 'diff.evil.command', 'core.fsmonitor', 'core.pager',
                     'gpg.program', 'pager.log'):
            self.git('config', name, f'touch {mark};')
        self.git('config', 'log.showSignature', 'true')
        self.assertEqual(len(self.audit().stdout.splitlines()), 2)
        self.assertFalse(mark.exists())

    def plant(self, folder=None, **settings):
        """A repository that lacks a file's content and says where to get it: git would ask there by itself."""
        folder = folder or self.folder
        folder.mkdir(exist_ok=True)
        self.git('init', '-q', folder=folder)
        (folder / 'file').write_text(f'{self.key}\n')
        self.commit('one', folder=folder)
        blob = self.git('rev-parse', 'HEAD:file', folder=folder)
        (folder / '.git' / 'objects' / blob[:2] / blob[2:]).unlink()
        (folder / 'file').unlink()
        for name, value in {'core.repositoryFormatVersion': '1', 'extensions.partialClone': 'evil',
                            'remote.evil.promisor': 'true', **settings}.items():
            self.git('config', name, value, folder=folder)

    def ways_to_fetch(self, mark):
        """Settings by which a fetch would run a program, which would make the mark."""
        program = self.world.root / 'program'
        program.write_text(f'#!/bin/sh\ntouch {mark}\n')
        program.chmod(0o755)
        return {
            'uploadpack': {'remote.evil.url': str(self.folder), 'remote.evil.uploadpack': f'{program};'},
            'file': {'remote.evil.url': f'file://{self.folder}', 'remote.evil.uploadpack': f'{program};',
                     'protocol.allow': 'always', 'protocol.file.allow': 'always'},
            'ext': {'remote.evil.url': f'ext::{program}', 'protocol.ext.allow': 'always'},
            'vcs': {'remote.evil.url': str(program), 'remote.evil.vcs': 'ext', 'protocol.ext.allow': 'always'},
            'ssh': {'remote.evil.url': 'ssh://localhost/x', 'core.sshCommand': str(program)},
            'proxy': {'remote.evil.url': 'git://localhost/x', 'core.gitProxy': str(program)},
        }

    def test_nothing_is_fetched_for_a_repository(self):
        mark = self.world.root / 'mark'
        project = self.folder
        for way, settings in self.ways_to_fetch(mark).items():
            for below in '', 'below':
                with self.subTest(way=way, below=below):
                    self.folder = project / f'{way}-{below}'
                    self.folder.mkdir()
                    self.plant(self.folder / below, **settings)
                    mark.unlink(missing_ok=True)
                    self.assertIn("its history of git can't be read (git failed)", self.audit().stdout)
                    self.assertFalse(mark.exists())

    def test_nothing_is_fetched_because_the_environment_says_so(self):
        mark = self.world.root / 'mark'
        self.plant(**self.ways_to_fetch(mark)['ext'])
        self.world.env |= {'GIT_ALLOW_PROTOCOL': 'ext:file', 'GIT_NO_LAZY_FETCH': '0'}
        self.audit()
        self.assertFalse(mark.exists())

    def test_nothing_of_a_submodule_is_run(self):
        """git shows the changes of one by another git, with the submodule's settings."""
        mark = self.world.root / 'mark'
        self.git('init', '-q')
        inner = self.write('inner', self.key)
        self.commit('outer')
        inner.unlink()
        inner.mkdir()
        self.git('init', '-q', folder=inner)
        for text in 'one', self.key:
            (inner / 'file').write_text(text)
            self.commit('inner', folder=inner)
            self.commit('outer')
        self.git('config', 'diff.external', f'touch {mark};', folder=inner)
        self.git('config', 'diff.submodule', 'diff')
        self.audit()
        self.assertFalse(mark.exists())

    def test_the_environment_names_no_other_repository(self):
        """As git's own hooks are started, for instance."""
        self.git('init', '-q')
        self.write('file', self.key)
        self.commit('one')
        other = self.world.root / 'elsewhere'
        other.mkdir()
        self.git('init', '-q', folder=other)
        (other / 'file').write_text(self.other)
        self.commit('two', folder=other)
        before = self.audit().stdout
        self.assertEqual(len(before.splitlines()), 2)
        mark = self.world.root / 'mark'
        self.world.env |= {'GIT_DIR': str(other / '.git'), 'GIT_WORK_TREE': str(other),
                           'GIT_OBJECT_DIRECTORY': str(other / '.git' / 'objects'),
                           'GIT_EXTERNAL_DIFF': f'touch {mark};', 'GIT_TRACE': str(mark)}
        self.assertEqual(self.audit().stdout, before)
        self.assertFalse(mark.exists())

    def one_commit(self):
        self.git('init', '-q')
        self.write('file', self.key)
        self.commit('one')
        (self.folder / 'file').unlink()

    def test_a_repository_of_no_files(self):
        """git would open them, before it asks whose the repository is, and wait for ever."""
        for name in 'HEAD', 'config', 'packed-refs', 'commondir', 'shallow':
            with self.subTest(name=name):
                self.one_commit()
                path = self.folder / '.git' / name
                path.unlink(missing_ok=True)
                os.mkfifo(path)
                self.assertIn(f"its history of git can't be read (its {name} is no file)", self.audit().stdout)
                shutil.rmtree(self.folder / '.git')

    def test_what_git_would_read_for_ever(self):
        self.one_commit()
        self.git('config', 'mailmap.file', '/dev/zero')
        self.git('config', 'diff.orderFile', '/dev/zero')
        self.assertIn('is in the history of git', self.audit().stdout)

    def hang(self):
        self.one_commit()
        os.mkfifo(self.world.root / 'fifo')
        self.git('config', 'include.path', str(self.world.root / 'fifo'))

    def test_a_git_that_hangs(self):
        self.hang()
        self.assertIn("its history of git can't be read (git hangs)", self.audit().stdout)

    def test_git_ends_with_the_command(self):
        self.hang()
        process = subprocess.Popen([build_root() / 'client' / 'keyturn', 'audit', self.folder], env=self.world.env,
                                   stdout=subprocess.DEVNULL)
        children = pathlib.Path(f'/proc/{process.pid}/task/{process.pid}/children')
        git, = wait_for(lambda: children.read_text().split(), what='git')
        process.kill()
        process.wait()
        wait_for(lambda: not os.path.exists(f'/proc/{git}') or ') Z ' in pathlib.Path(f'/proc/{git}/stat').read_text(),
                 what='the end of git')

    def test_a_history_that_cannot_be_read(self):
        (self.folder / '.git').mkdir()
        (line,) = self.audit().stdout.splitlines()
        self.assertIn("its history of git can't be read (git failed): if you trust it, see what git -C ", line)

    def test_a_folder_that_is_not_there(self):
        self.folder = self.folder / 'nowhere'
        done = self.audit()
        self.assertEqual(done.returncode, 1)
        self.assertIn("nowhere: it can't be read (No such file or directory)", done.stdout)

    def test_an_odd_name(self):
        self.write('a\x1b[2Jb', self.key)
        self.assertNotIn('\x1b', self.audit().stdout)

    def test_units(self):
        units = self.world.root / 'config' / 'systemd' / 'user'
        units.mkdir(parents=True)
        (units / 'crm.service').write_text(f'[Service]\nEnvironment=HUECHAT_API_KEY={self.key}\nExecStart=/bin/true\n')
        done = self.run_keyturn('audit')
        self.assertEqual(done.returncode, 1)
        self.assertIn(f'{units}/crm.service:2: sk_test_…{self.key[-4:]} (crm) is in a unit', done.stdout)

    def test_without_keyturnd(self):
        self.write('file', self.key)
        self.world.stop_daemon()
        lines = self.audit().stdout.splitlines()
        self.assertEqual([line.split(':')[0] for line in lines], ['fail keyturnd', f'warn {self.folder}/file'])


class NotHere(unittest.TestCase):
    def test_no_daemon_at_all(self):
        with World() as world:
            done = world.keyturn('doctor', check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn('fail keyturnd: keyturnd is not running', done.stdout)


if __name__ == '__main__':
    unittest.main()
