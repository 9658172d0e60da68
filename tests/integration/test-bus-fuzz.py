#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every method of keyturnd on the bus, called in any shape by strangers: it answers each call in one line, hands out
its keys, and is as large afterwards as before.

    KEYTURN_FUZZ_CALLS=5000 KEYTURN_FUZZ_SEED=7 KEYTURN_FUZZ_METHOD=Rotate test-bus-fuzz.py
"""
import os
import pathlib
import re
import sqlite3
import unittest

from running import Running
from strangers import Fuzzer, methods_of
from wire import BusError
from world import wait_for

CALLS = int(os.environ.get('KEYTURN_FUZZ_CALLS', '150'))  # of each method, in each test
SEED = os.environ.get('KEYTURN_FUZZ_SEED', '20261123')
METHOD = os.environ.get('KEYTURN_FUZZ_METHOD')
# What may be more at the end: pages that the allocator keeps, SQLite's cache, a helper that was started.
MEMORY_KIB = 48 * 1024
DESCRIPTORS = 8
# Freed memory is kept by the sanitizer to find its use; within the measure that is allowed.
SANITIZER = 'quarantine_size_mb=8'


class Size:
    """What keyturnd uses."""

    def __init__(self, pid):
        status = pathlib.Path(f'/proc/{pid}/status').read_text()
        self.memory = int(re.search(r'VmRSS:\s+(\d+)', status)[1])
        self.descriptors = len(os.listdir(f'/proc/{pid}/fd'))

    def __str__(self):
        return f'{self.memory} KiB, {self.descriptors} descriptors'


class Strangers(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        options = [o for o in (os.environ.get('ASAN_OPTIONS'), SANITIZER) if o]
        os.environ['ASAN_OPTIONS'] = ':'.join(options)
        self.world = self.enterContext(Running())
        for name in ('crm', 'victim'):
            self.world.add(name)
            self.world.wait_state(name, 'idle')
        self.world.add('empty', '--no-issue')
        self.key = self.world.fetch('crm')
        self.methods = [m for m in methods_of(self.world.bus) if METHOD in (None, m[1])]

    def fuzz(self, calls, known):
        problems = set()
        for method in self.methods:
            fuzzer = Fuzzer(self.world, method, SEED)
            try:
                fuzzer.run(calls, known)
            except (OSError, EOFError, BusError) as error:
                problems.add(f'{method}: the bus: {error!r}')
            problems |= {f'{method[0]}.{method[1]}: {p}' for p in fuzzer.problems}
            if self.world.daemon.poll() is not None:
                self.fail(f'keyturnd ended in {method}, seed {SEED}: {self.world.log("keyturnd")[-6000:]}')
        self.assertEqual('\n'.join(sorted(problems)), '', f'seed {SEED}')

    def is_small_again(self, before):
        """Waits for what ends by itself: uploads, operations, helpers."""
        def holds():
            now = Size(self.world.daemon.pid)
            return now.memory <= before.memory + MEMORY_KIB and now.descriptors <= before.descriptors + DESCRIPTORS
        try:
            wait_for(holds, 60)
        except AssertionError:
            self.fail(f'before: {before}; now: {Size(self.world.daemon.pid)}; seed {SEED}')

    def is_sound(self):
        """Keys are handed out and made, keyturnd ends well and without a word of a sanitizer, its ledger is whole."""
        self.assertEqual(self.world.fetch('crm'), self.key)
        self.assertEqual(self.world.probe(self.key), 200)
        self.world.login()
        self.world.add('afterwards')
        self.assertEqual(self.world.probe(self.world.fetch('afterwards')), 200)
        self.assertEqual(self.world.stop_daemon(), 0)
        # Looking for leaks fails in a helper that ends, since it is confined; that is no finding.
        self.assertNotRegex(self.world.log('keyturnd'), r'ERROR: \w*Sanitizer|runtime error|CRITICAL|assertion')
        with sqlite3.connect(self.world.state / 'ledger.db') as ledger:
            self.assertEqual(ledger.execute('PRAGMA integrity_check').fetchall(), [('ok',)])
        ledger.close()
        self.world.start_daemon()
        wait_for(lambda: self.world.keyturn('get', 'crm', check=False).stdout == self.key, what='the same key')

    def all_hold(self, known):
        self.fuzz(min(CALLS, 30), known)  # what is allocated once
        before = Size(self.world.daemon.pid)
        self.fuzz(CALLS, known)
        print(f'seed {SEED}, {len(self.methods)} methods, {CALLS} calls each: before {before}; '
              f'after {Size(self.world.daemon.pid)}')
        self.is_small_again(before)
        self.is_sound()

    def test_callers_that_are_known(self):
        self.all_hold(known=True)

    def test_calls_in_flight_on_new_connections(self):
        self.all_hold(known=False)


if __name__ == '__main__':
    unittest.main()
