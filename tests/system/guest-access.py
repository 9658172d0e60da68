# SPDX-License-Identifier: LGPL-2.1-or-later
"""Each service gets its own key and no other; who gets none, why, and where that is written."""
import ctypes
import json
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import unittest

import guest
from guest import PLACE, fetched_by, fetcher, journal, keyturn, manager, run, show, systemctl

LIBC = ctypes.CDLL(None, use_errno=True)
# Where control groups may be mounted: version 2, version 1, or both.
GROUPS = '/sys/fs/cgroup', '/sys/fs/cgroup/systemd', '/sys/fs/cgroup/unified'
# Lets go of its pid, and asks for a key over the connection that the bus still thinks to be of that pid.
LETTING_GO = '''
import json, os, pathlib, sys, time
from guest import *
bus = system_bus()
if os.fork():
    os._exit(0)
wait_for(pathlib.Path(sys.argv[2]).exists, what='the other process')
try:
    print(bus.call(KEYTURN, KEYTURN_PATH, MANAGER, 'GetKey', 's', sys.argv[1]))
except BusError as error:
    print(error.name)
'''
SYS_CLONE3 = 435
DENIED = 'org.freedesktop.DBus.Error.AccessDenied'


def fork_as(pid):
    """As fork(), but the child has that pid: what luck, or many forks, might bring about."""
    pids = (ctypes.c_int * 1)(pid)
    # flags pidfd child_tid parent_tid exit_signal stack stack_size tls set_tid set_tid_size cgroup
    arguments = (ctypes.c_uint64 * 11)(0, 0, 0, 0, signal.SIGCHLD, 0, 0, 0, ctypes.addressof(pids), 1, 0)
    child = LIBC.syscall(SYS_CLONE3, arguments, ctypes.sizeof(arguments))
    if child < 0:
        raise OSError(ctypes.get_errno(), 'clone3')
    return child


def enter(unit):
    """Moves this process into the unit's control group."""
    group = show(unit, 'ControlGroup')
    for folder in GROUPS:
        procs = pathlib.Path(f'{folder}{group}/cgroup.procs')
        if procs.exists():
            procs.write_text(str(os.getpid()))


def add(name, *rules):
    allow = [word for rule in rules for word in ('--allow', rule)]
    guest.add(name, *allow)


def refusals(name):
    return [e['Message'] for e in manager('GetHistory', 'st', name, 0) if e['Event'] == 'refused']


class Access(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        for name, *groups in (('alice',), ('bob', 'billing'), ('carol',)):
            for group in groups:
                run('groupadd', '--force', group)
            guest.add_user(name, *groups)
        guest.enable()
        cls.sandbox = guest.start_sandbox()
        guest.use_sandbox(cls.sandbox)
        guest.log_in(cls.sandbox)
        add('by-unit', 'unit:crm.service')
        add('by-user', 'user:bob')
        add('by-group', 'group:billing+unit:bills.service')
        add('nobodys')

    def get(self, unit, name, **settings):
        fetcher(unit, name, **settings)
        got = fetched_by(unit)
        systemctl('stop', unit)
        return got

    def assertRefused(self, got):
        self.assertEqual(got.get('error', 'a key'), DENIED)

    def test_each_its_own(self):
        keys = {}
        for unit, user, mine in (('crm.service', 'alice', 'by-unit'), ('bob.service', 'bob', 'by-user'),
                                 ('bills.service', 'bob', 'by-group')):
            for name in ('by-unit', 'by-user', 'by-group', 'nobodys'):
                got = self.get(unit, name, User=user)
                if name == mine or (user == 'bob' and name == 'by-user'):
                    keys[name] = got['key']
                    self.assertEqual(self.sandbox.call('GET', '/v2/contacts', key=got['key']).status, 200)
                else:
                    self.assertRefused(got)
        self.assertEqual(len(set(keys.values())), 3)

    def test_other_uid_and_unit(self):
        before = len(refusals('by-unit'))
        self.assertRefused(self.get('other.service', 'by-unit', User='alice'))
        self.assertRefused(self.get('other.service', 'by-unit', User='root'))
        self.assertEqual(len(refusals('by-unit')), before + 2)
        self.assertIn('(alice), unit other.service', refusals('by-unit')[-2])
        self.assertIn('by-unit: refused', journal('keyturnd'))

    def test_login_shell(self):
        done = run('keyturn', '--system', 'get', 'by-user', user='bob')
        self.assertTrue(done.stdout.startswith('sk_test_'))
        done = run('keyturn', '--system', 'get', 'by-unit', user='alice', check=False)
        self.assertEqual((done.returncode, done.stdout), (1, ''))

    def test_more_groups_than_fit_at_first(self):
        names = [f'many{number:02}' for number in range(70)]
        with open('/etc/group', 'a', encoding='ascii') as groups:
            groups.writelines(f'{name}:x:{5000 + number}:joiner\n' for number, name in enumerate(names))
        guest.add_user('joiner')
        for name in (names[0], names[-1]):
            add(f'of-{name}', f'group:{name}')
            done = run('keyturn', '--system', 'get', f'of-{name}', user='joiner')
            self.assertTrue(done.stdout.startswith('sk_test_'))

    def test_what_a_service_starts_as_somebody_else(self):
        """As cron starts a crontab's programs: in its control group, as their own user."""
        out = PLACE / 'fetched' / 'crontab'
        out.unlink(missing_ok=True)
        guest.write_unit('crm.service', '[Service]\nType=notify\nNotifyAccess=all\nUMask=0\nExecStart=/usr/bin/setpriv '
                         '--reuid=carol --regid=carol --init-groups '
                         f'python3 -B {PLACE}/fetch.py by-unit {out}\n')
        systemctl('start', 'crm.service')
        try:
            self.assertRefused(json.loads(out.read_text()))
            self.assertIn('not believed to be of unit crm.service', refusals('by-unit')[-1])
        finally:
            systemctl('stop', 'crm.service')

    def test_process_moved_into_allowed_cgroup(self):
        """Which takes root; the uid is the intruder's still."""
        fetcher('crm.service', 'by-unit', User='alice')
        fetched_by('crm.service')
        group = show('crm.service', 'ControlGroup')
        moves = ' && '.join(f'echo $$ >{f}{group}/cgroup.procs' for f in GROUPS if pathlib.Path(f + group).is_dir())
        out = PLACE / 'fetched' / 'moved'
        script = f'{moves} && exec runuser -u carol -- python3 -B {PLACE}/fetch.py by-unit {out}'
        intruder = subprocess.Popen(['sh', '-c', script], env={'PATH': os.environ['PATH']})
        try:
            guest.wait_for(lambda: out.exists() and out.read_text(), what='the intruder')
            self.assertRefused(json.loads(out.read_text()))
            self.assertIn('not believed to be of unit crm.service', refusals('by-unit')[-1])
        finally:
            intruder.kill()
            intruder.wait()
            systemctl('stop', 'crm.service')

    def test_pid_reused_under_another_uid(self):
        """The bus knows the pid that connected; by now it is another's, of an allowed unit."""
        fetcher('crm.service', 'by-unit', User='alice')
        fetched_by('crm.service')
        ready = PLACE / 'fetched' / 'reused'
        ready.unlink(missing_ok=True)
        thief = subprocess.Popen(['setpriv', '--reuid=carol', '--regid=carol', '--init-groups', 'python3', '-Bc',
                                  LETTING_GO, 'by-unit', ready], stdout=subprocess.PIPE, text=True,
                                 env={'PATH': os.environ['PATH'], 'PYTHONPATH': str(PLACE)})
        thief.wait(10)
        child = fork_as(thief.pid)
        if child == 0:
            try:
                enter('crm.service')
                os.setuid(pwd.getpwnam('alice').pw_uid)
                ready.touch()
                signal.pause()
            finally:
                os._exit(1)
        try:
            self.assertEqual(child, thief.pid)
            self.assertEqual(thief.stdout.read().strip(), DENIED)
            # A bus that pinned the process knows that it ended.
            self.assertRegex(refusals('by-unit')[-1], 'not believed to be of unit crm.service|does not say who calls')
        finally:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            thief.stdout.close()
            systemctl('stop', 'crm.service')

    def test_a_holder_whose_pid_is_anothers_now(self):
        """Else whoever takes the pid keeps the rotation from ending."""
        script = ('from guest import *\nbus = system_bus()\n'
                  'bus.call(KEYTURN, KEYTURN_PATH, MANAGER, "GetKey", "s", "by-user")\nprint("got", flush=True)\ninput()\n')
        holder = subprocess.Popen(['setpriv', '--reuid=bob', '--regid=bob', '--init-groups', 'python3', '-Bc', script],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                  env={'PATH': os.environ['PATH'], 'PYTHONPATH': str(PLACE)})
        self.assertEqual(holder.stdout.readline(), 'got\n')
        guest.wait_for(lambda: self.alive_of('by-user', holder.pid) is True, what='the holder to be noted')
        holder.communicate('\n')
        child = fork_as(holder.pid)
        if child == 0:
            os.setuid(pwd.getpwnam('carol').pw_uid)
            signal.pause()
            os._exit(1)
        try:
            self.assertEqual(child, holder.pid)
            self.assertIs(self.alive_of('by-user', holder.pid), False)
        finally:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)

    def alive_of(self, name, pid):
        return next((h['Alive'] for h in manager('GetHolders', 's', name) if h['Pid'] == pid), None)

    def test_explain(self):
        """The process is hidden from keyturnd: that it runs as its unit's user is taken for granted, and said."""
        fetcher('crm.service', 'by-unit', User='alice')
        fetched_by('crm.service')
        pid = show('crm.service', 'MainPID')
        self.assertEqual(manager('Explain', 'ss', 'by-unit', f'pid:{pid}'),
                         (True, 'unit:crm.service', f'uid {pwd.getpwnam("alice").pw_uid} (alice), unit crm.service '
                          '(advisory)', 'advisory'))
        self.assertEqual(manager('Explain', 'ss', 'by-unit', 'unit:crm.service')[3], 'strong')
        allowed, _, _, strength = manager('Explain', 'ss', 'by-unit', 'user:carol')
        self.assertFalse(allowed)
        systemctl('stop', 'crm.service')

    def test_managing_takes_an_administrator(self):
        for arguments in (('rotate', 'by-unit'), ('remove', 'by-unit'), ('log',), ('reload',)):
            done = run('keyturn', '--system', *arguments, user='carol', check=False)
            self.assertEqual(done.returncode, 1, done.stdout)
            self.assertIn('org.keyturn1.manage', done.stderr)
        run('keyturn', '--system', 'list', user='carol')

    def test_who_floods_is_a_count(self):
        """Two hundred fetches and twenty orders of somebody who may do neither: a line each, and two counts."""
        script = ('from guest import *\nwith system_bus() as bus:\n'
                  '    for member, signature, *args in [("GetKey", "s", "nobodys")] * 200 + [("Reload", "")] * 20:\n'
                  '        try:\n'
                  '            bus.call(KEYTURN, KEYTURN_PATH, MANAGER, member, signature, *args)\n'
                  '        except BusError as error:\n'
                  f'            assert error.name == "{DENIED}", error\n'
                  '        else:\n'
                  '            raise AssertionError(member)\n')
        guest.add_user('dave')
        run('python3', '-Bc', script, user='dave', env={'PYTHONPATH': str(PLACE)})
        of_dave = 'dave', f'uid {pwd.getpwnam("dave").pw_uid}'
        systemctl('restart', 'keyturnd')  # ends the minute
        guest.wait_for_keyring()
        told = [(e['Integration'], e['Count']) for e in manager('GetHistory', 'st', '', 0)
                if e['Event'] == 'refused' and e['Caller'].split(',')[0] in of_dave]
        for name, calls in ('', 20), ('nobodys', 200):
            counts = [count for integration, count in told if integration == name]
            self.assertEqual(sum(counts), calls, told)
            self.assertLessEqual(len(counts), 4, told)  # two minutes, where somebody else's refusal began the first
        self.assertRegex(journal('keyturnd'), r'nobodys: refused \d+ more times: no rule: nobody may')

    def test_polkit_can_let_somebody_manage(self):
        rules = pathlib.Path('/etc/polkit-1/rules.d/10-test.rules')
        rules.parent.mkdir(parents=True, exist_ok=True)
        text = PLACE / 'rules'
        text.write_text('polkit.addRule(function (action, subject) {\n'
                        '    if (action.id == "org.keyturn1.manage" && subject.user == "bob")\n'
                        '        return polkit.Result.YES;\n});\n')
        shutil.copy(text, rules.with_suffix('.new'))
        rules.with_suffix('.new').rename(rules)
        systemctl('restart', 'polkit')
        try:
            guest.wait_for(lambda: run('keyturn', '--system', 'log', user='bob', check=False).returncode == 0,
                           what='polkit to read its rules')
            self.assertEqual(run('keyturn', '--system', 'log', user='carol', check=False).returncode, 1)
        finally:
            rules.unlink()

    def test_who_asks_for_everything_all_the_time(self):
        """Is told to wait after a while, and alone: nobody else is."""
        script = ('from guest import *\n'
                  'everything = KEYTURN, KEYTURN_PATH, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects"\n'
                  'said = set()\n'
                  'with system_bus() as bus:\n'
                  '    for _ in range(25):\n'
                  '        for serial in [bus.start_call(*everything) for _ in range(100)]:\n'
                  '            try:\n'
                  '                bus.wait_reply(serial)\n'
                  '                said.add("shown")\n'
                  '            except BusError as error:\n'
                  '                said.add(error.name)\n'
                  'print(*sorted(said))\n')
        done = run('python3', '-Bc', script, user='carol', env={'PYTHONPATH': str(PLACE)}, timeout=60)
        self.assertEqual(done.stdout.split(), ['org.keyturn1.Error.Busy', 'shown'])
        self.assertIn('by-user', run('keyturn', '--system', 'list', user='alice').stdout)

    def test_nobody_takes_the_name(self):
        systemctl('stop', 'keyturnd')
        try:
            script = ('from guest import *\nwith system_bus() as bus:\n'
                      '    print(bus.ask_bus("RequestName", "su", KEYTURN, 0))\n')
            done = run('python3', '-Bc', script, user='carol', check=False, env={'PYTHONPATH': str(PLACE)})
            self.assertIn('AccessDenied', done.stderr)
        finally:
            systemctl('start', 'keyturnd')
            guest.wait_for_keyring()


if __name__ == '__main__':
    guest.main(Access)
