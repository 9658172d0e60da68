# SPDX-License-Identifier: LGPL-2.1-or-later
"""Another user of the machine calls each method in any shape: the right service still gets its key, and keyturnd is
as large as before."""
import os
import pathlib
import re
import unittest

import guest
from guest import PLACE, SYSTEM_BUS, fetched_by, fetcher, journal, keyturn, run, show
from world import wait_for

SEED, CALLS = '20261123', '20'
MEMORY_KIB, DESCRIPTORS = 32 * 1024, 8


def size():
    """(KiB, descriptors) of keyturnd."""
    pid = show('keyturnd', 'MainPID')
    status = pathlib.Path(f'/proc/{pid}/status').read_text()
    return int(re.search(r'VmRSS:\s+(\d+)', status)[1]), len(os.listdir(f'/proc/{pid}/fd'))


class Strangers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        guest.add_user('crm')
        guest.enable()
        sandbox = guest.start_sandbox()
        guest.use_sandbox(sandbox)
        guest.log_in(sandbox)
        for name in ('crm', 'victim'):
            guest.add(name, '--allow', 'unit:crm.service')
        fetcher('crm.service', 'crm', User='crm')
        cls.folder = PLACE / 'stranger'
        cls.folder.mkdir()
        run('chown', 'nobody', cls.folder)

    def call(self, seed, calls):
        """What was answered wrongly."""
        return run('python3', '-B', PLACE / 'strangers.py', SYSTEM_BUS, self.folder, seed, calls, user='nobody',
                   timeout=80).stdout

    def is_small_again(self, before):
        memory, descriptors = size()
        return memory <= before[0] + MEMORY_KIB and descriptors <= before[1] + DESCRIPTORS

    def test_strangers(self):
        key, pid = fetched_by('crm.service')['key'], show('keyturnd', 'MainPID')
        self.call('first', '3')  # what is allocated once
        before = size()
        self.assertEqual(self.call(SEED, CALLS), '')
        self.assertEqual(show('keyturnd', 'MainPID'), pid, 'the same process')
        wait_for(lambda: self.is_small_again(before), 40, f'the size of before: {before}')
        self.assertEqual(fetched_by('crm.service').get('key'), key)
        self.assertNotRegex(journal('keyturnd'), 'CRITICAL|assertion|core dump')
        self.assertNotIn(' fetched, by nobody', journal('keyturnd'))


guest.main(Strangers)
