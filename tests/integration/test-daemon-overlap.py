#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The end of MaxOverlap, while somebody still holds the old key: held, or deleted where that is wanted."""
import unittest

from running import NAME, Running
from world import MANAGER, wait_for


class Overlap(unittest.TestCase):
    def setUp(self):
        self.world = self.enterContext(Running())
        self.world.write_definition('kept', NAME + 'MaxOverlap=5s\n')
        self.world.write_definition('dropped', NAME + 'MaxOverlap=5s\nOnStillUsed=delete\n')
        self.world.keyturn('reload')
        self.world.keyturn('rotate', 'kept', 'dropped', '--wait')

    def is_valid(self, process):
        return process.key[-4:] in self.world.last4s()

    def test_at_its_end(self):
        """HueChat's clock is read with a listing, which comes once a minute by then."""
        with self.world.holder('kept') as kept, self.world.holder('dropped') as dropped, \
                self.world.watching(MANAGER) as bus:
            self.world.manager('Rotate', 'sa{sv}', 'kept', {})
            self.world.manager('Rotate', 'sa{sv}', 'dropped', {})
            self.world.wait_state('kept', 'held', timeout=100)
            wait_for(lambda: not self.is_valid(dropped), 40, 'the deletion')
            self.assertTrue(self.is_valid(kept))
            said = self.world.integration('kept')['Attention']
            self.assertIn(f'pid {kept.pid}', said)
            while bus.next_signal().body != ['kept', said]:
                pass
            self.assertEqual(self.world.keyturn('check', check=False).returncode, 1, 'a warning')
        self.world.keyturn('resume', 'kept')
        wait_for(lambda: not self.is_valid(kept), 40, 'the deletion, as nobody holds it any more')


if __name__ == '__main__':
    unittest.main()
