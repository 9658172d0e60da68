#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What keyturnd does when there is nothing to do: nothing, with nobody around it."""
import os
import unittest

from running import Running
from world import wait_for


class Idle(unittest.TestCase):
    def setUp(self):
        self.world = self.enterContext(Running())
        self.world.add('crm')
        self.world.wait_state('crm', 'idle')
        self.key = self.world.keyturn('get', 'crm').stdout

    def ticks(self):
        """Processor time of keyturnd until now."""
        with open(f'/proc/{self.world.daemon.pid}/stat', encoding='ascii') as stat:
            return sum(map(int, stat.read().rsplit(')', 1)[1].split()[11:13]))

    def test_helpers_end_and_no_time_is_spent(self):
        """Helpers go after thirty seconds without a call; what is in memory is handed out all the same."""
        before = self.ticks()
        wait_for(lambda: not self.world.children(), 50, 'the end of idle helpers')
        self.assertLess((self.ticks() - before) / os.sysconf('SC_CLK_TCK'), 0.5)
        self.assertEqual(self.world.keyturn('get', 'crm').stdout, self.key)
        self.assertEqual(self.world.children(), {})
        self.world.keyturn('rotate', 'crm', '--wait')
        self.assertEqual(self.world.probe(self.world.keyturn('get', 'crm').stdout), 200)


if __name__ == '__main__':
    unittest.main()
