# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the units promise: little exposure, nothing that systemd finds fault with, a journal that explains itself."""
import contextlib
import json
import pathlib
import re
import shutil
import unittest

import guest
from guest import integration, journal, keyturn, run, show, systemctl, wait_for
from world import landlock_version

EXPOSURE = {'keyturnd.service': 1.1, 'keyturn-keyring.service': 1.1, 'keyturn-remind.service': 1.1,
            'keyturn-keyring-setup.service': 1.5}
SYSTEM_UNITS = pathlib.Path('/usr/lib/systemd/system')
USER_UNITS = pathlib.Path('/usr/lib/systemd/user')


def entries(*options):
    lines = run('journalctl', '--no-pager', '-b', '-u', 'keyturnd', '-o', 'json', *options).stdout.splitlines()
    return [json.loads(line) for line in lines]


class Units(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        guest.add_user('alice')
        guest.enable()
        cls.sandbox = guest.start_sandbox()
        guest.use_sandbox(cls.sandbox)
        guest.log_in(cls.sandbox)
        guest.add('crm', '--allow', 'unit:crm.service')

    def test_exposure(self):
        for unit, most in EXPOSURE.items():
            words = run('systemd-analyze', 'security', '--no-pager', unit).stdout.splitlines()[-1]
            self.assertLessEqual(float(re.search(r': ([0-9.]+) ', words).group(1)), most, words)

    def test_verify(self):
        units = sorted(SYSTEM_UNITS.glob('keyturn*'))
        self.assertGreaterEqual(len(units), 4)
        manuals = [] if shutil.which('man') else ['--man=no']
        self.assertEqual(run('systemd-analyze', 'verify', *manuals, *units).stderr, '')

    def test_helpers_are_inside(self):
        """Both helpers ran since the login; what is left of them is in the unit, confined."""
        pids = [int(p) for p in pathlib.Path(self.group()).read_text().split()]
        names = {}
        for pid in pids:
            status = pathlib.Path(f'/proc/{pid}/status').read_text()
            name = re.search(r'^Name:\s+(\S+)', status, re.M).group(1)
            names[name] = int(re.search(r'^Seccomp_filters:\s+(\d+)', status, re.M).group(1))
            self.assertRegex(status, r'CapBnd:\s+0000000000000000')
            self.assertRegex(status, r'NoNewPrivs:\s+1')
            self.assertRegex(pathlib.Path(f'/proc/{pid}/limits').read_text(), r'Max core file size\s+0\s')
        self.assertIn('keyturn-huechat', names)
        self.assertGreater(names['keyturn-huechat'], names['keyturnd'])

    @contextlib.contextmanager
    def drop_in(self, unit, text):
        """Settings that a unit has for a while."""
        path = pathlib.Path(f'/run/systemd/system/{unit}.d/test.conf')
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f'[Service]\n{text}\n')
        systemctl('daemon-reload')
        try:
            yield
        finally:
            path.unlink()
            systemctl('daemon-reload')

    def test_landlock(self):
        """The unit lets the helpers have it; without it the work goes on, and keyturnd says so."""
        if landlock_version() == 0:
            self.skipTest('this kernel has no Landlock')
        warning = 'The kernel offers keyturnd no Landlock'
        self.assertNotIn(warning, journal('keyturnd'))
        try:
            with self.drop_in('keyturnd.service', 'SystemCallFilter=~landlock_create_ruleset'):
                systemctl('restart', 'keyturnd')
            guest.wait_for_keyring()
            self.assertIn(warning, journal('keyturnd'))
            guest.log_in(self.sandbox)
        finally:
            systemctl('restart', 'keyturnd')
            guest.wait_for_keyring()

    def test_the_reminder_reaches_no_key(self):
        """Another program in its place, which it would be if it were broken into."""
        for argv in (f'busctl --address={guest.KEYRING_BUS} list', 'head -c1 /var/lib/keyturn/ledger.db',
                     'ls /var/lib/keyturn'):
            run(*argv.split(), user='keyturn')
            with self.drop_in('keyturn-remind.service', f'ExecStart=\nExecStart={argv}'):
                self.assertNotEqual(systemctl('start', 'keyturn-remind', check=False).returncode, 0, argv)
            systemctl('reset-failed', 'keyturn-remind')
        with self.drop_in('keyturn-remind.service', 'ExecStart=\nExecStart=keyturn --system list'):
            systemctl('start', 'keyturn-remind')

    def test_memory_is_limited(self):
        for unit in 'keyturnd', 'keyturn-keyring':
            self.assertEqual(show(unit, 'MemoryMax'), str(256 * 1024 * 1024), unit)

    def group(self):
        group = show('keyturnd', 'ControlGroup')
        return next(f for f in (f'/sys/fs/cgroup{p}{group}/cgroup.procs' for p in ('', '/unified', '/systemd'))
                    if pathlib.Path(f).exists())

    def test_no_secret_in_the_journal(self):
        key = next(k for k in self.sandbox.keys(deleted_at=None) if k['name'].startswith('crm'))
        everything = run('journalctl', '--no-pager', '-b', '-o', 'verbose').stdout
        for secret in ('sk_test_', 'sk_live_'):
            self.assertNotIn(secret, everything)
        self.assertEqual(integration('crm')['Last4'], key['last4'])

    def test_fields(self):
        guest.fetcher('crm.service', 'crm', User='alice')
        guest.fetched_by('crm.service')
        systemctl('stop', 'crm.service')
        guest.fetcher('thief.service', 'crm', User='alice')
        guest.fetched_by('thief.service')
        systemctl('stop', 'thief.service')
        for event in 'fetched', 'refused':
            wait_for(lambda: len(entries(f'KEYTURN_EVENT={event}')) == 1, what=event)
        fetched, refused = entries('KEYTURN_EVENT=fetched')[0], entries('KEYTURN_EVENT=refused')[0]
        self.assertEqual((fetched['KEYTURN_INTEGRATION'], fetched['KEYTURN_CALLER_UNIT']), ('crm', 'crm.service'))
        self.assertEqual(fetched['KEYTURN_LAST4'], integration('crm')['Last4'])
        self.assertEqual((refused['KEYTURN_INTEGRATION'], refused['KEYTURN_CALLER_UNIT']), ('crm', 'thief.service'))
        explained = run('journalctl', '--no-pager', '-b', '-x', '-u', 'keyturnd', 'KEYTURN_EVENT=refused').stdout
        self.assertIn('Subject: Somebody was refused', explained)
        self.assertIn('thief.service', explained.split('Subject', 1)[1])
        states = run('journalctl', '--no-pager', '-b', '-x', '-u', 'keyturnd', 'KEYTURN_STATE=done').stdout
        self.assertIn('is in the state done now', states)

    def test_keyring_is_explained(self):
        systemctl('stop', 'keyturn-keyring')
        guest.wait_for_keyring('absent')
        try:
            explained = run('journalctl', '--no-pager', '-b', '-x', '-u', 'keyturnd', '-n', '1').stdout
            self.assertIn('Subject: The keyring can not be used', explained)
        finally:
            systemctl('start', 'keyturn-keyring')
            guest.wait_for_keyring()

    def test_watchdog(self):
        """A keyturnd that hangs is ended and started anew."""
        dropin = pathlib.Path('/run/systemd/system/keyturnd.service.d')
        dropin.mkdir(parents=True, exist_ok=True)
        (dropin / 'watchdog.conf').write_text('[Service]\nWatchdogSec=1s\nRestartSec=100ms\n')
        systemctl('daemon-reload')
        systemctl('restart', 'keyturnd')
        try:
            systemctl('kill', '--kill-whom=main', '--signal=STOP', 'keyturnd')
            wait_for(lambda: show('keyturnd', 'NRestarts') == '1', 15, 'the watchdog')
            guest.wait_for_keyring()
        finally:
            (dropin / 'watchdog.conf').unlink()
            systemctl('daemon-reload')
            systemctl('restart', 'keyturnd')
            guest.wait_for_keyring()


if __name__ == '__main__':
    guest.main(Units)
