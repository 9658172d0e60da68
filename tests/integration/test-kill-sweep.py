# SPDX-License-Identifier: LGPL-2.1-or-later
"""keyturnd is killed at every transition of its ledger, and at random instants; nothing is lost and nothing is left.

The transitions need a build with -Dkill-points=true. --long (or KEYTURN_LONG=1): every transition, before and after,
and 200 random instants; --seed=N replays the random ones, --only=KIND,... takes those kinds of life alone.
"""
import collections
import concurrent.futures
import json
import os
import random
import re
import subprocess
import sys
import threading
import time
import unittest

import lives
from survival import Account, Died, Watch
from wire import BusError
from world import build_root

LONG = '--long' in sys.argv or os.environ.get('KEYTURN_LONG') == '1'
SEED = next((int(a.split('=')[1]) for a in sys.argv if a.startswith('--seed=')), int(time.time()))
ONLY = next((a.split('=')[1].split(',') for a in sys.argv if a.startswith('--only=')), None)
WORKERS = 6
STRIDE = 1 if LONG else 4
INSTANTS = 200 if LONG else 12
PATIENCE = 200  # keys so new that HueChat may not know them everywhere are given a minute
MANY = 100  # transitions; no life has that many
FEW = 10    # and so many those that need a world of their own
LIVES = [kind for kind in lives.ALL if not ONLY or kind.__name__ in ONLY]


class Figures:
    """What was done and what went wrong, of any number of lives."""

    def __init__(self):
        self.counts = collections.Counter()
        self.wrong = []

    def __getitem__(self, name):
        return self.counts[name]

    def __setitem__(self, name, number):
        self.counts[name] = number

    def take(self, other):
        self.counts.update(other.counts)
        self.wrong += other.wrong


def carry_on(life, properties, deadline):
    """One more step; True when nothing is left to be done."""
    if life.is_over(properties):
        return True
    if properties is not None and properties['RotationState'] == 'held':
        raise AssertionError(f'held: {properties["Attention"]}')
    if time.monotonic() > deadline:
        raise AssertionError(f'stuck in {properties}')
    life.act(properties)
    time.sleep(0.03)
    return False


def live(life, timer):
    """To its end, whatever happens to keyturnd; returns how often that died."""
    account, deaths = life.account, 0
    deadline = time.monotonic() + PATIENCE
    if timer:
        timer.start()
    while True:
        try:
            if carry_on(life, account.look_up(life.name), deadline):
                break
        except Died:
            deaths += 1
            account.revive()
    if timer:
        timer.cancel()
        timer.join()
    if not account.alive_now():
        deaths += 1
    return deaths


def run_life(life, kill_at=None, after=None):
    """One life with one kill: at a transition, or some seconds in. Returns (deaths, what is wrong, watch)."""
    account, deaths, wrong = life.account, 0, []
    life.prepare()
    account.surround(life.name)
    with Watch(account, life.name) as watch:
        try:
            account.revive(kill_at)
            deaths = live(life, threading.Timer(after, account.daemon.kill) if after is not None else None)
            account.revive()  # what is only in memory does not count
            wrong = life.verdict()
        except (AssertionError, BusError, OSError) as error:
            wrong = [f'other: {error!r}']
    account.sandbox.set_faults()
    return deaths, wrong + watch.violations, watch


def tally(figures, life, label, result):
    deaths, wrong, watch = result
    figures['lives'] += 1
    figures['kills'] += deaths
    figures['fetches'] += watch.fetches
    figures['rotations'] += len({e['Rotation'] for e in life.account.history()
                                 if e['Rotation'] and e['Integration'] == life.name})
    for text in wrong:
        figures[text.split(':')[0]] += 1
        figures.wrong.append(f'{label}: {text}')
    if wrong:
        figures.wrong.append(f'refused: {dict(watch.refusals)}\n{life.account.log("keyturnd")[-6000:]}')


def world_of(kind):
    return Account(api=kind.api, login=not kind.has_world_of_its_own)


def sweep(kind, when, numbers):
    """A kind of life, killed at the first of these transitions, and at the others until it lives through."""
    figures = Figures()
    with world_of(kind) as account:
        for n in numbers:
            life = kind(account, f'{kind.__name__.lower()}-{when}-{n}')
            label = f'{kind.__name__} killed {when} transition {n}'
            result = run_life(life, kill_at=f'{when}:{n}')
            tally(figures, life, label, result)
            if not result[0]:
                break
    return figures


def strike(seed, count):
    """Kills at random instants."""
    figures, chance = Figures(), random.Random(seed)
    with Account() as account:
        for n in range(count):
            kind = chance.choice([kind for kind in LIVES if not kind.has_world_of_its_own])
            life = kind(account, f'{kind.__name__.lower()}-{n}')
            after = chance.uniform(0, kind.typical)
            result = run_life(life, after=after)
            tally(figures, life, f'{kind.__name__} killed after {after:.3f} s (--seed={seed})', result)
    return figures


def jobs(has_kill_points):
    for kind in LIVES if has_kill_points else []:
        for when, first in (('before', 1), ('after', 1 + STRIDE // 2)):
            if kind.has_world_of_its_own:
                for n in range(first if LONG else first + STRIDE, FEW, STRIDE):
                    yield sweep, (kind, when, [n])
            else:
                yield sweep, (kind, when, range(first, MANY, STRIDE))
    for n in range(WORKERS) if not ONLY else []:
        yield strike, (SEED + n, INSTANTS // WORKERS)


def has_kill_points():
    """Whether keyturnd is a build for this sweep."""
    return b'KEYTURN_KILL_AT' in (build_root() / 'daemon' / 'keyturnd').read_bytes()


class KillSweep(unittest.TestCase):
    def test_only_builds_for_tests_can_be_told_to_die(self):
        options = subprocess.run(['meson', 'introspect', '--buildoptions', str(build_root())], capture_output=True,
                                 check=True)
        wanted = next(o['value'] for o in json.loads(options.stdout) if o['name'] == 'kill-points')
        self.assertEqual(has_kill_points(), wanted)

    def test_nothing_is_lost(self):
        """Without kill points: the random instants alone."""
        figures, begun = Figures(), time.monotonic()
        with concurrent.futures.ProcessPoolExecutor(WORKERS) as pool:
            for future in [pool.submit(job, *arguments) for job, arguments in jobs(has_kill_points())]:
                figures.take(future.result())
        print(f'{figures["kills"]} kills in {figures["lives"]} lives, {figures["rotations"]} rotations, '
              f'{figures["fetches"]} fetches, {time.monotonic() - begun:.0f} s: {figures["orphan"]} orphans, '
              f'{figures["lost"]} lost keys, {figures["invalid"]} invalid hand-outs, {figures["foreign"]} foreign '
              f'keys deleted, {len(figures.wrong)} complaints (--seed={SEED})', flush=True)
        self.assertEqual(figures.wrong, [], '\n'.join(figures.wrong))
        self.assertGreater(figures['kills'], figures['lives'] / 6)


if __name__ == '__main__':
    unittest.main(argv=[a for a in sys.argv if not re.match('--(long|seed=|only=)', a)])
