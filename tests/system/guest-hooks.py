# SPDX-License-Identifier: LGPL-2.1-or-later
"""What systemd does for keyturnd after a swap, by the least right."""
import unittest

import guest
from guest import INTEGRATIONS, PLACE, fetched_by, fetcher, integration, keyturn, run, show, systemctl, wait_for

ONESHOT = '[Service]\nType=oneshot\nExecStart={command}\n'
DRAINS = ('--rotate-after', '1h', '--overlap', '5s', '--max-overlap', '1h')


def counting(name, **settings):
    """A service that is reloaded by fetching again, and counts how often it was started and reloaded."""
    got = PLACE / 'fetched' / name
    fetcher(name, 'crm', ExecReload=f'/bin/sh -c "echo >>{got}.reloads"',
            ExecStartPre=f'/bin/sh -c "echo >>{got}.starts"', **settings)
    fetched_by(name)


def count(name, what):
    path = PLACE / 'fetched' / f'{name}.{what}'
    return len(path.read_text()) if path.exists() else 0


def as_keyturn(*arguments):
    """systemctl as the account that keyturnd runs as."""
    return systemctl('--no-ask-password', *arguments, user='keyturn', check=False)


class Hooks(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        guest.add_user('alice')
        guest.enable()
        cls.sandbox = guest.start_sandbox()
        guest.use_sandbox(cls.sandbox)
        guest.log_in(cls.sandbox)
        for name in ('one.service', 'two.service', 'stranger.service'):
            guest.write_unit(name, '[Service]\nExecStart=/bin/sleep infinity\n')
        guest.write_unit('three.service', ONESHOT.format(command='/bin/true'))
        guest.add('crm', '--allow', 'user:alice', *DRAINS,
                  '--reload', 'one.service', '--restart', 'two.service', '--start', 'three.service')

    def rotate(self):
        before = integration('crm')['Generation']
        keyturn('rotate', 'crm')
        wait_for(lambda: integration('crm')['Generation'] == before + 1, what='the swap')

    def test_1_rotation_acts_on_units(self):
        counting('one.service', User='alice')
        counting('two.service', User='alice')
        guest.write_unit('three.service', ONESHOT.format(command=f'/bin/sh -c "echo >>{PLACE}/fetched/hook"'))
        self.rotate()
        wait_for(lambda: (count('one.service', 'reloads'), count('one.service', 'starts')) == (1, 1), what='a reload')
        wait_for(lambda: count('two.service', 'starts') == 2, what='a restart')
        wait_for(lambda: show('two.service', 'ActiveState') == 'active', what='the end of the restart')
        wait_for((PLACE / 'fetched' / 'hook').exists, what='a start')
        self.assertEqual(integration('crm')['Attention'], '')

    def test_2_old_key_goes_when_nobody_holds_it(self):
        old = [k for k in self.sandbox.keys(deleted_at=None) if k['name'].startswith('crm')]
        self.assertEqual(len(old), 2)
        systemctl('stop', 'one.service', 'two.service')
        wait_for(lambda: len([k for k in self.sandbox.keys(deleted_at=None) if k['name'].startswith('crm')]) == 1, 60,
                 'the old key to be deleted')

    def test_3_unit_that_fails_calls_attention(self):
        guest.write_unit('three.service', ONESHOT.format(command='/bin/false'))
        wait_for(lambda: integration('crm')['RotationState'] == 'idle', 60, 'the end of the first rotation')
        self.rotate()
        wait_for(lambda: 'three.service did not take' in integration('crm')['Attention'], what='attention')

    def test_3_until_a_person_has_started_it(self):
        guest.write_unit('three.service', ONESHOT.format(command='/bin/true'))
        systemctl('start', 'three.service')
        wait_for(lambda: 'three.service' not in integration('crm')['Attention'], what='attention to go')

    def test_4_no_more_than_named(self):
        for arguments in (('stop', 'one.service'), ('restart', 'one.service'), ('start', 'stranger.service'),
                          ('try-restart', 'stranger.service'), ('reload-or-try-restart', 'two.service'),
                          ('start', 'debug-shell.service'), ('start', 'poweroff.target'), ('daemon-reload',),
                          ('mask', '--runtime', 'stranger.service'), ('kill', 'one.service')):
            done = as_keyturn(*arguments)
            self.assertNotEqual(done.returncode, 0, arguments)
        self.assertEqual(as_keyturn('try-restart', 'two.service').returncode, 0)
        self.assertEqual(show('stranger.service', 'ActiveState'), 'inactive')

    def test_5_not_even_by_a_file_of_roots(self):
        text = '[Integration]\nEnvironment=test\nAccess=full\nStartUnits=debug-shell.service;emergency.service\n'
        (INTEGRATIONS / 'evil.conf').write_text(text)
        try:
            self.assertNotEqual(as_keyturn('start', 'debug-shell.service').returncode, 0)
            self.assertNotEqual(as_keyturn('start', 'emergency.service').returncode, 0)
        finally:
            (INTEGRATIONS / 'evil.conf').unlink()

    def test_6_refusal_is_told(self):
        """And still when the rotation has ended well, which it does here long after the unit's job."""
        self.sandbox.set_faults({'call': 'list', 'fault': 'delay', 'seconds': 2, 'count': 0})
        self.addCleanup(self.sandbox.set_faults)
        keyturn('add', 'odd', '--env', 'test', '--full', '--restart', 'systemd-logind.service')
        wait_for(lambda: 'polkit does not let keyturnd' in integration('odd')['Attention'], what='attention')
        wait_for(lambda: integration('odd')['RotationState'] == 'idle', 30, 'the end of the rotation')
        self.assertIn('polkit does not let keyturnd', integration('odd')['Attention'])

    def test_6_unit_that_comes_back_by_itself(self):
        fetcher('five.service', 'five', User='alice', ExecReload='/bin/false')
        guest.add('five', '--allow', 'unit:five.service', '--reload', 'five.service')
        fetched_by('five.service')
        keyturn('rotate', 'five', '--compromised')
        wait_for(lambda: 'five.service did not take' in integration('five')['Attention'], what='attention')
        fetched_by('five.service')
        wait_for(lambda: integration('five')['Attention'] == '', what='the unit to be well again')

    def test_7_name_with_an_escape(self):
        hook = PLACE / 'fetched' / 'escaped'
        guest.write_unit(r'a\x2db.service', ONESHOT.format(command=f'/bin/touch {hook}'))
        keyturn('add', 'escaped', '--env', 'test', '--full', '--start', r'a\x2db.service')
        wait_for(hook.exists, what='a start')

    def test_8_only_root_names_units(self):
        done = run('keyturn', '--system', 'add', 'mine', '--env', 'test', '--full', '--start', 'three.service',
                   user='alice', check=False)
        self.assertEqual(done.returncode, 1)
        self.assertFalse((INTEGRATIONS / 'mine.conf').exists())

    def test_9_one_job_for_two(self):
        """systemd makes one of them: both are told of its end, and neither waits the 90 s of a lost one."""
        guest.write_unit('four.service', '[Service]\nExecStart=/bin/sleep infinity\nExecReload=/bin/sleep 3\n')
        systemctl('start', 'four.service')
        for name in ('left', 'right'):
            keyturn('add', name, '--env', 'test', '--scope', 'contacts:read', *DRAINS, '--reload', 'four.service')
        wait_for(lambda: {integration(n)['RotationState'] for n in ('left', 'right')} == {'idle'}, 60, 'two first keys')
        for name in ('left', 'right'):
            keyturn('rotate', name, '--compromised')
        wait_for(lambda: {integration(n)['RotationState'] for n in ('left', 'right')} == {'idle'}, 45, 'two rotations')


if __name__ == '__main__':
    guest.main(Hooks)
