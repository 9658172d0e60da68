# SPDX-License-Identifier: LGPL-2.1-or-later
"""A whole fleet is due at once, on a plan of 100 requests a minute: not one 429.

--long (or KEYTURN_LONG=1): 1,000 integrations instead of 200.
"""
import os
import sys
import time
import unittest

from running import NAME
from survival import JANUARY, SCOPES, Account, Watch
from world import KEYTURN, KEYTURN_PATH, wait_for

LONG = '--long' in sys.argv or os.environ.get('KEYTURN_LONG') == '1'
SIZE = 1000 if LONG else 200
WINDOW = 1  # seconds that the plan's minute lasts here
ASLEEP, AWAKE = (NAME.replace('Overlap=2s', f'Overlap=1s\nRotateAfter={after}') for after in ('infinity', '90d'))


class Fleet(unittest.TestCase):
    def enter(self, account):
        account.__enter__()
        self.addCleanup(account.close)
        return account

    def all_properties(self, account):
        objects = account.bus.call(KEYTURN, KEYTURN_PATH, 'org.freedesktop.DBus.ObjectManager', 'GetManagedObjects')
        return [i['org.keyturn1.Integration'] for i in objects.values() if 'org.keyturn1.Integration' in i]

    def test_fleet_that_is_due_at_once(self):
        """As many keys of January as there are integrations, all taken in before the first one is due."""
        account = self.enter(Account(sandbox=('--plan', '1000000')))
        sandbox = account.sandbox
        names = [f'crm-{n}' for n in range(SIZE)]
        for name in names:
            account.write_definition(name, ASLEEP)
        account.revive()
        account.insist('list')
        for name in names:
            made = sandbox.create_key(f'Legacy {name}', permissions=SCOPES, created_at=JANUARY)
            wait_for(lambda: account.keyturn('import', name, stdin=made['key'], check=False).returncode == 0,
                     what=f'the import of {name}')
        account.bury()
        for name in names:
            account.write_definition(name, AWAKE)
        account.kill(sandbox.process)
        account.sandbox_options = ('--plan', 'free', '--window', str(WINDOW), '--port', str(sandbox.port))
        account.start_sandbox()
        before, begun = len(account.sandbox.requests()), time.monotonic()
        account.revive()
        with Watch(account, names[-1], pause=2) as watch:
            wait_for(lambda: all(p['Generation'] == 2 and p['RotationState'] == 'idle'
                                 for p in self.all_properties(account)) or time.sleep(1), 3 * SIZE, 'the fleet')
        requests = account.sandbox.requests()[before:]
        refused = [r for r in requests if r['status'] == 429]
        seconds = time.monotonic() - begun
        print(f'{SIZE} rotations in {seconds:.0f} s, {len(requests)} requests, {len(refused)} times 429', flush=True)
        self.assertEqual(refused, [])
        self.assertEqual(watch.violations, [])
        alive = account.sandbox.keys(valid=True, origin='api')
        self.assertEqual(len(alive), SIZE)
        self.assertEqual(account.sandbox.keys(valid=True, origin='dashboard'), [])


if __name__ == '__main__':
    unittest.main(argv=[a for a in sys.argv if a != '--long'])
