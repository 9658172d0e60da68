# SPDX-License-Identifier: LGPL-2.1-or-later
"""keyturnd is killed at every transition of its ledger, and at random instants; nothing is lost and nothing is left.

The transitions need a build with -Dkill-points=true. --long (or KEYTURN_LONG=1): every transition, before and after, and 200 random
instants; --seed=N replays the random ones, --only=KIND,... takes those kinds of life alone.
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

from survival import JANUARY, SCOPES, Account, Died, Watch
from world import build_root

LONG = '--long' in sys.argv or os.environ.get('KEYTURN_LONG') == '1'
SEED = next((int(a.split('=')[1]) for a in sys.argv if a.startswith('--seed=')), int(time.time()))
ONLY = next((a.split('=')[1].split(',') for a in sys.argv if a.startswith('--only=')), None)
WORKERS = 6
STRIDE = 1 if LONG else 4
INSTANTS = 200 if LONG else 12
PATIENCE = 100  # a key so new that it may not be listed yet is waited for, 60 s
MANY = 100  # transitions; no life has that many


class Life:
    """One integration. act() says what is left to be said, time and again; it is over when is_over()."""
    expected = 'key'
    overlap = '1s'
    typical = 2.0  # seconds
    own_account = False

    def __init__(self, account, name):
        self.account, self.name = account, name
        self.said = collections.Counter()

    def add(self, *options):
        self.account.insist('add', self.name, '--env', 'test', '--scope', 'contacts:read', '--overlap',
                            self.overlap, *options)

    def prepare(self):
        self.add()

    def say(self, *words, stdin=''):
        """Says it once more, unless that has been refused too often."""
        self.said[words] += 1
        done = self.account.say(*words, stdin=stdin)
        if done.returncode != 0 and self.said[words] > 5:
            raise AssertionError(f'keyturn {words}: {done.stderr}')
        return done

    def generation(self):
        return self.account.integration(self.name)['Generation']

    def act(self, state):
        raise NotImplementedError

    def has_what_it_wants(self, properties):
        return properties is not None and properties['Generation'] == 2

    def is_over(self, properties):
        return (self.has_what_it_wants(properties) and
                (properties is None or (properties['RotationState'] == 'idle' and
                                        not 0 < properties['DueAt'] < time.time() * 1e6)))

    def verdict(self):
        return self.account.verdict(self.name, self.expected)


class Add(Life):
    typical = 0.5

    def prepare(self):
        pass

    def act(self, properties):
        if properties is None:
            self.say('add', self.name, '--env', 'test', '--scope', 'contacts:read', '--overlap', self.overlap)
        elif properties['RotationState'] == 'idle':
            self.say('rotate', self.name)  # it was defined, and no more

    def has_what_it_wants(self, properties):
        return properties is not None and properties['Generation'] == 1


class Rotate(Life):
    words = ()

    def act(self, properties):
        if properties['RotationState'] == 'idle':
            self.say('rotate', self.name, *self.words)


class Compromised(Rotate):
    words = ('--compromised',)
    typical = 1.0


class Hurry(Life):
    """Compromised while a rotation is running: that one, and another."""
    typical = 2.5

    def act(self, properties):
        if properties['RotationState'] == 'idle':
            self.say('rotate', self.name, *(['--compromised'] if properties['Generation'] > 1 else []))
        elif properties['RotationState'] == 'draining' and properties['Generation'] == 2:
            self.say('rotate', self.name, '--compromised')

    def prepare(self):
        self.overlap = '2s'
        self.add()

    def has_what_it_wants(self, properties):
        return properties is not None and properties['Generation'] >= 3


class Imported(Life):
    """A key of January, without its id: it is due as soon as it is taken in."""
    typical = 2.5

    def prepare(self):
        self.add('--no-issue')
        self.made = self.account.sandbox.create_key(f'Legacy {self.name}', permissions=SCOPES, created_at=JANUARY)

    def act(self, properties):
        if properties['Generation'] == 0:
            self.say('import', self.name, stdin=self.made['key'])

    def verdict(self):
        wrong = super().verdict()
        if self.account.sandbox.keys(id=self.made['id'])[0]['valid']:
            wrong.append('orphan: the imported key is still there')
        return wrong


class Revoke(Life):
    expected = 'none'
    typical = 0.5

    def act(self, properties):
        if properties['RotationState'] == 'idle':
            self.say('revoke', self.name, '--force')

    def has_what_it_wants(self, properties):
        return properties is not None and properties['KeyId'] == ''


class Remove(Life):
    expected = 'gone'
    typical = 0.5

    def act(self, properties):
        if properties['RotationState'] == 'idle':
            self.say('remove', self.name, '--revoke')

    def has_what_it_wants(self, properties):
        return properties is None


class RollbackBefore(Life):
    """A new key that can't be tried yet is given up."""
    typical = 1.0
    is_given_up = False

    def prepare(self):
        self.add()
        self.account.sandbox.set_faults({'call': 'probe', 'fault': 'error-503', 'count': 0})

    def act(self, properties):
        if properties['RotationState'] == 'idle':
            self.is_given_up = self.said['rollback', self.name] > 0
            if not self.is_given_up:
                self.say('rotate', self.name)
        elif properties['RotationState'] == 'stored':
            self.say('rollback', self.name)
        if self.is_given_up:
            self.account.sandbox.set_faults()

    def has_what_it_wants(self, properties):
        return self.is_given_up and properties['Generation'] == 1


class RollbackAfter(Life):
    """Back to the old key while both are valid; a person who comes too late has the new one."""
    overlap = '2s'
    typical = 4.0

    def act(self, properties):
        if properties['RotationState'] == 'idle' and properties['Generation'] == 1:
            self.say('rotate', self.name)
        elif properties['RotationState'] == 'draining' and properties['Generation'] == 2:
            self.say('rollback', self.name)

    def has_what_it_wants(self, properties):
        return properties is not None and properties['Generation'] in (2, 3)


class Dashboard(Life):
    """A person creates the new key, and deletes the old one."""
    typical = 2.5

    def prepare(self):
        self.add('--dashboard')
        self.old = self.account.sandbox.create_key(self.name, permissions=SCOPES)
        self.account.insist('import', self.name, stdin=self.old['key'])
        self.new = None

    def act(self, properties):
        state = properties['RotationState']
        if state == 'idle':
            self.say('rotate', self.name)
        elif state == 'awaiting-key':
            wanted = re.search(r'named "([^"]+)" with the scopes ([a-z:;]+)', properties['Attention'])
            if wanted is None:
                return
            if self.new is None:
                self.new = self.account.sandbox.create_key(wanted[1], permissions=wanted[2].split(';'))
            self.say('import', self.name, stdin=self.new['key'])
        elif state == 'awaiting-deletion':
            if self.account.sandbox.keys(id=self.old['id'])[0]['valid']:
                self.account.sandbox.delete_key(self.old['id'])
            self.say('confirm-deleted', self.name)


LIVES = [RollbackBefore, Add, Rotate, Imported, Compromised, Hurry, Revoke, Remove, RollbackAfter, Dashboard]
LIVES = [kind for kind in LIVES if not ONLY or kind.__name__ in ONLY]


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
        except AssertionError as error:
            wrong = [f'other: {error}']
    account.sandbox.set_faults()
    return deaths, wrong + watch.violations, watch


def tally(figures, life, label, result):
    deaths, wrong, watch = result
    figures['lives'] += 1
    figures['kills'] += deaths
    figures['fetches'] += watch.fetches
    figures['rotations'] += len({e['Rotation'] for e in life.account.history(life.name) if e['Rotation']})
    for text in wrong:
        figures[text.split(':')[0]] += 1
        figures.wrong.append(f'{label}: {text}')
    if wrong:
        figures.wrong.append(f'refused: {dict(watch.refusals)}\n{life.account.log("keyturnd")[-6000:]}')


def sweep(kind, when, first):
    """A kind of life, killed at the first transition, and every further one until it lives through."""
    figures = Figures()
    with Account() as account:
        for n in range(first, MANY, STRIDE):
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
            kind = chance.choice(LIVES)
            life = kind(account, f'{kind.__name__.lower()}-{n}')
            after = chance.uniform(0, kind.typical)
            result = run_life(life, after=after)
            tally(figures, life, f'{kind.__name__} killed after {after:.3f} s (--seed={seed})', result)
    return figures


def jobs(has_kill_points):
    for kind in LIVES if has_kill_points else []:
        yield sweep, (kind, 'before', 1)
        yield sweep, (kind, 'after', 1 + STRIDE // 2)
    for n in range(WORKERS):
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
        self.assertGreater(figures['kills'], figures['lives'] / 2)


if __name__ == '__main__':
    unittest.main(argv=[a for a in sys.argv if not re.match('--(long|seed=|only=)', a)])
