# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every fault of the sandbox on every call of a rotation; whatever HueChat does, nothing is lost and nothing is left.

A fault lasts until the rotation has ended or stands still, then all is well again. Where keyturnd is in a back-off
then, it is started anew, after which it looks and acts at once: the table marks that. Whoever is held is resumed.

The short form takes the faults that COMMON names; --long (or KEYTURN_LONG=1) takes all of them, and all pairs of single
faults; --pairs=N takes N of the pairs, --seed=N the same ones again, --table=FILE writes the table as Markdown.
"""
import collections
import concurrent.futures
import itertools
import os
import random
import re
import sys
import time
import unittest

from survival import Account, Died, Watch

LONG = '--long' in sys.argv or os.environ.get('KEYTURN_LONG') == '1'


def option(name, default):
    return next((a.split('=', 1)[1] for a in sys.argv if a.startswith(f'--{name}=')), default)


SEED = int(option('seed', int(time.time())))
PAIRS = int(option('pairs', 0))
WORKERS = 6
STILL = 2.0  # seconds without a request or a change of state
SPELL = 5  # seconds that a fault lasts at most
PATIENCE = 100
CALLS = ['create', 'list', 'get', 'probe', 'delete']

# What becomes of a rotation under each fault, call by call: done, held (then resumed, and done), aborted; - is a fault
# that the call does not know.
EXPECTED = '''
lose-reply               done     done     done     done     done
commit-late              done     done     done     done     done
cut-body                 done     done     done     done     done
reset                    done     done     done     done     done
not-found                held     done     done     done     held
wrong-path               done     done     done     done     done
rate-limit-header        done     done     done     done     done
rate-limit-body          done     done     done     done     done
error-401                done     done     done     done     done
error-403                done     done     done     done     done
error-422                held     done     done     done     done
error-500                done     done     done     done     done
error-502                done     done     done     done     done
error-503                done     done     done     done     done
html-503                 done     done     done     done     done
html-200                 done     done     done     done     done
html-403                 done     done     done     done     done
proxy-401                done     done     done     done     done
conflict-409             done     done     done     done     done
redirect                 done     done     done     done     done
slow                     done     done     done     done     done
delay                    done     done     done     done     done
huge-body                done     done     done     done     done
broken-json              done     done     done     done     done
wrong-types              done     done     done     done     done
missing-fields           done     done     done     done     done
wrong-clock              done     done     done     done     done
no-date                  done     done     done     done     done
unauthorized-for-a-while done     -        -        -        -
wrong-prefix             aborted  -        -        -        -
same-id                  held     -        -        -        -
forget-idempotency       done     -        -        -        -
widen-permissions        aborted  done     done     -        -
other-permissions        aborted  done     done     -        -
wrong-last4              aborted  done     held     -        -
no-last-used             done     done     done     -        -
still-valid              -        -        -        -        done
list-total-changes       -        done     -        -        -
list-duplicate           -        done     -        -        -
list-drops-one           -        done     -        -        -
endless-list             -        done     -        -        -
'''

COMMON = ['lose-reply', 'commit-late', 'cut-body', 'error-401', 'error-503', 'html-200', 'not-found', 'delay',
          'rate-limit-header', 'widen-permissions', 'same-id', 'list-drops-one', 'wrong-clock']

# Longer than Timeout=1s, shorter than what is waited for without a person.
SECONDS = {'delay': 3, 'slow': 3, 'unauthorized-for-a-while': 3, 'still-valid': 3, 'wrong-clock': 3600}


def expected():
    """{(fault, call): outcome}"""
    table = {}
    for line in EXPECTED.strip().splitlines():
        fault, *outcomes = line.split()
        table |= {(fault, call): outcome for call, outcome in zip(CALLS, outcomes) if outcome != '-'}
    return table


Result = collections.namedtuple('Result', 'faults outcome seconds creates restarts wrong log')


class Cell:
    """One integration whose rotation goes through some faults."""

    def __init__(self, account, name, faults):
        self.account, self.name, self.faults = account, name, faults
        self.restarts = 0
        self.was_held = False

    def requests(self):
        return self.account.sandbox.requests()

    def properties(self):
        return self.account.look_up(self.name)

    def settle(self, patience=PATIENCE):
        """Until the rotation is over, is held or stands still, or for so long; returns its state."""
        deadline, seen, since = time.monotonic() + patience, None, 0
        while time.monotonic() < deadline:
            state = self.properties()['RotationState']
            if state in ('idle', 'held'):
                return state
            now = (state, len(self.requests()))
            if now != seen:
                seen, since = now, time.monotonic()
            elif time.monotonic() - since > STILL:
                return state
            time.sleep(0.05)
        return state

    def recover(self):
        """All is well again: to the end, by whatever a person may do."""
        deadline = time.monotonic() + PATIENCE
        while (state := self.settle()) != 'idle':
            if state == 'held':
                if self.was_held:
                    raise AssertionError(f'held again: {self.properties()["Attention"]}')
                self.was_held = True
                self.account.keyturn('resume', self.name)
                continue
            if time.monotonic() > deadline:
                raise AssertionError(f'waits in {state}: {self.properties()}')
            self.restarts += 1
            self.account.revive()

    def run(self):
        account = self.account
        account.insist('add', self.name, '--env', 'test', '--scope', 'contacts:read', '--overlap', '1s')
        self.settle()
        account.surround(self.name)
        before, wrong, begun = len(self.requests()), [], time.monotonic()
        with Watch(account, self.name) as watch:
            account.sandbox.set_faults(*self.faults)
            try:
                account.keyturn('rotate', self.name)
                self.settle(SPELL)
                account.sandbox.set_faults()
                self.recover()
                seconds = time.monotonic() - begun
                wrong = account.verdict(self.name)
                outcome = 'done' if self.properties()['Generation'] > 1 else 'aborted'
            except (AssertionError, Died) as error:
                outcome, seconds, wrong = 'waiting', time.monotonic() - begun, [f'other: {error!r}']
                account.sandbox.set_faults()
        if self.was_held:
            outcome = 'held' if outcome == 'done' else f'held-{outcome}'
        creates = sum(r['method'] == 'POST' for r in self.requests()[before:])
        wrong += watch.violations
        return Result(self.faults, outcome + '*' * (self.restarts > 0), seconds, creates, self.restarts, wrong,
                      account.log('keyturnd')[-3000:] if wrong else '')


def run_cells(cells):
    """A few cells, one after another in one world."""
    results = []
    with Account() as account:
        for n, faults in enumerate(cells):
            results.append(Cell(account, f'crm-{n}', faults).run())
            account.revive()
    return results


def run_all(cells, share=8):
    with concurrent.futures.ProcessPoolExecutor(WORKERS) as pool:
        shares = [cells[i:i + share] for i in range(0, len(cells), share)]
        return [result for some in pool.map(run_cells, shares) for result in some]


def fault(name, call, count):
    return {'call': call, 'fault': name, 'count': count} | (
        {'seconds': SECONDS[name]} if name in SECONDS else {})


def text_of(result):
    text = f'{result.outcome} {result.seconds:.0f} s'
    return text + (f', {result.creates} creates' if result.creates != 1 else '')


def complaints(results):
    return [f'{[(f["fault"], f["call"]) for f in r.faults]}: {text}\n{r.log}' for r in results for text in r.wrong]


def count(results, kind):
    return sum(text.startswith(kind) for r in results for text in r.wrong)


def summary(results):
    return (f'{len(results)} rotations, {sum(r.restarts for r in results)} restarts: '
            f'{count(results, "orphan")} orphans, '
            f'{count(results, "lost")} lost keys, {count(results, "invalid")} invalid hand-outs, '
            f'{count(results, "foreign")} foreign keys deleted')


def print_table(results, file):
    cells = {(r.faults[0]['fault'], r.faults[0]['call']): text_of(r) for r in results}
    print('| fault | ' + ' | '.join(CALLS) + ' |\n|' + ' --- |' * (len(CALLS) + 1), file=file)
    for name in dict.fromkeys(name for name, _ in cells):
        print(f'| {name} | ' + ' | '.join(cells.get((name, call), '') for call in CALLS) + ' |', file=file)
    print(f'\n{summary(results)}', file=file, flush=True)


class FaultMatrix(unittest.TestCase):
    def test_one_by_one(self):
        table = expected()
        wanted = [key for key in table if LONG or key[0] in COMMON]
        results = run_all([[fault(*key, 0)] for key in wanted])
        print_table(results, sys.stdout)
        if option('table', None):
            with open(option('table', None), 'w', encoding='utf-8') as file:
                print_table(results, file)
        wrong = complaints(results)
        for key, result in zip(wanted, results):
            if result.outcome.rstrip('*') != table[key]:
                wrong.append(f'{key}: {result.outcome} and not {table[key]}')
        self.assertEqual(wrong, [], '\n'.join(wrong))

    @unittest.skipUnless(LONG or PAIRS, 'long')
    def test_in_pairs(self):
        # A use that one listing does not tell, and the next one does, keeps the old key for a day.
        single = [key for key in expected() if key != ('no-last-used', 'list')]
        pairs = list(itertools.combinations(single, 2))
        if PAIRS:
            pairs = random.Random(SEED).sample(pairs, PAIRS)
        results = run_all([[fault(*a, 1), fault(*b, 1)] for a, b in pairs], 25)
        print(f'pairs: {summary(results)} (--seed={SEED})', flush=True)
        wrong = complaints(results)
        self.assertEqual(wrong, [], '\n'.join(wrong))


if __name__ == '__main__':
    unittest.main(argv=[a for a in sys.argv if not re.match('--(long|seed=|pairs=|table=)', a)])
