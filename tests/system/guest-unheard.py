# SPDX-License-Identifier: LGPL-2.1-or-later
"""Signals that nobody sent, and answers that nobody reads: neither keeps keyturnd from anybody else."""
import contextlib
import os
import subprocess
import time
import unittest

import guest
from guest import PLACE, integration, journal, keyturn, run, show, systemctl, wait_for, write_unit

# What of keyturnd's nobody has read, until the bus takes no more: a fifth of what it is, so that it is reached soon.
UNREAD_MAX = '<limit name="max_incoming_bytes">25000000</limit>'
SLOW = '[Service]\nExecStart=/bin/sleep infinity\nExecReload=/bin/sleep 1\n'


@contextlib.contextmanager
def stranger(program, *words, user='mallory'):
    process = subprocess.Popen(['setpriv', f'--reuid={user}', '--regid=nogroup', '--clear-groups', 'python3', '-B',
                                PLACE / program, *words], text=True, stdout=subprocess.PIPE,
                               env={'PATH': os.environ['PATH']})
    try:
        if process.stdout.readline() != 'begun\n':
            raise AssertionError(f'{program} did not begin')
        yield
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


class Unheard(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        for user in ('alice', 'bob', 'mallory'):
            guest.add_user(user)
        cls.enterClassContext(guest.bus_config(UNREAD_MAX))
        guest.enable()
        cls.sandbox = guest.start_sandbox()
        guest.use_sandbox(cls.sandbox)
        guest.log_in(cls.sandbox)
        write_unit('slow.service', SLOW)
        systemctl('start', 'slow.service')
        for name, user, *more in (('crm', 'bob', '--reload', 'slow.service', '--overlap', '5s'), ('mine', 'alice')):
            guest.add(name, '--allow', f'user:{user}', *more)

    def get(self):
        """By a process and a connection of its own, which has to be asked about first."""
        return run('keyturn', '--system', 'get', 'crm', user='bob', timeout=15).stdout

    def test_names_that_have_not_gone(self):
        with stranger('forge.py', 'gone'):
            for _ in range(10):
                self.assertTrue(self.get().startswith('sk_test_'))
            for _ in range(5):
                guest.log_in(self.sandbox)

    def test_jobs_that_have_not_ended(self):
        wait_for(lambda: integration('crm')['RotationState'] == 'idle', 60, 'the first rotation to end')
        for result in ('failed', 'done'):
            with stranger('forge.py', 'job', result):
                keyturn('rotate', 'crm')
                wait_for(lambda: integration('crm')['RotationState'] in ('draining', 'deleting', 'deleted', 'idle'), 30,
                         'the swap')
                time.sleep(2)
            self.assertEqual(integration('crm')['Attention'], '')
            wait_for(lambda: integration('crm')['RotationState'] == 'idle', 90, 'the rotation to end')

    def test_what_keyturnd_has_not_told(self):
        with subprocess.Popen(['keyturn', '--system', 'watch'], stdout=subprocess.PIPE, text=True) as watch:
            time.sleep(1)
            with stranger('forge.py', 'keyturn'):
                time.sleep(2)
            watch.terminate()
            self.assertFalse("FORGED" in watch.stdout.read())

    def test_keys_that_are_not_read(self):
        with stranger('mute.py', 'mine', 'keys', user='alice'):
            time.sleep(3)
            for _ in range(3):
                self.assertTrue(self.get().startswith('sk_test_'))
            keyturn('status', 'crm')
        wait_for(lambda: run('keyturn', '--system', 'get', 'mine', user='alice', check=False).returncode == 0, 30,
                 'the share of who left to be free again')

    def test_answers_that_are_not_read(self):
        """Before the bus stops to take answers, keyturnd stops to give them."""
        with stranger('mute.py', 'crm', 'answers'):
            deadline = time.monotonic() + 15
            while time.monotonic() < deadline:
                self.assertTrue(self.get().startswith('sk_test_'))
        self.assertEqual(show('keyturnd', 'NRestarts'), '0')
        self.assertNotIn('takes nothing more', journal('keyturnd'))

    @unittest.skipIf(os.environ.get('KEYTURN_BUS') == 'dbus-broker', 'this bus ends who does not read')
    def test_the_bus_takes_nothing_more(self):
        """Nobody holds root back. keyturnd ends, and the next one is heard, while root still reads nothing."""
        begun = time.time()
        with stranger('mute.py', 'crm', 'answers', user='root'):
            wait_for(lambda: 'takes nothing more' in journal('keyturnd', '--since', f'@{begun}'), 120, 'keyturnd to notice')
            wait_for(lambda: run('keyturn', '--system', 'get', 'crm', user='bob', check=False).returncode == 0, 60,
                     'keyturnd to be heard again')


if __name__ == '__main__':
    guest.main(Unheard)
