# SPDX-License-Identifier: LGPL-2.1-or-later
"""Kinds of life that an integration may lead, each told by a person who says a thing again if keyturnd died over it."""
import collections
import re
import time

from survival import JANUARY, OURS, SCOPES, Died
from wire import BusError


class Life:
    """One integration. act() says what is left to be said, time and again; it is over when is_over()."""
    expected = 'key'
    overlap = '1s'
    typical = 2.0  # seconds
    api = 'Timeout=1s'
    has_world_of_its_own = False

    def __init__(self, account, name):
        self.account, self.name = account, name
        self.said = collections.Counter()
        self.refused = collections.Counter()

    def add(self, *options):
        self.account.insist('add', self.name, '--env', 'test', '--scope', 'contacts:read', '--overlap',
                            self.overlap, *options)

    def prepare(self):
        self.add()

    def say(self, *words, stdin=''):
        """Says it once more, unless that has been refused too often."""
        self.said[words] += 1
        done = self.account.say(*words, stdin=stdin)
        self.refused[words] += done.returncode != 0
        if self.refused[words] > 5:
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


class Management(Life):
    """The management key itself, which is a year old: the new one is tried after a minute, the old one stays a day."""
    api = 'Timeout=1s\nRotateManagementKey=yes'
    has_world_of_its_own = True

    def __init__(self, account, name):
        super().__init__(account, '@test')

    def prepare(self):
        self.made = self.account.sandbox.create_key('Operations', created_at='2025-12-05T09:00:00Z')

    def events(self, kind):
        try:
            return [e['Message'] for e in self.account.history('', kind) if e['Integration'] == self.name]
        except BusError as error:
            if self.account.alive_now():
                raise
            raise Died from error

    def act(self, properties):
        if not self.events('login'):
            self.say('login', 'test', stdin=self.made['key'])

    def is_over(self, properties):
        return bool(self.events('login')) and any(text.startswith('draining') for text in self.events('rotation'))

    def verdict(self):
        account, wrong = self.account, []
        new = [k for k in account.sandbox.keys(valid=True)
               if OURS.fullmatch(k['name']) and k['id'] not in account.foreign]
        secrets = {a['management']: secret.decode() for _, a, secret in account.items() if 'management' in a}
        wrong += [f'orphan: {k["name"]} …{k["last4"]}' for k in new[1:]]
        if not new or secrets.get(f'test:{new[0]["id"]}', '')[-4:] != new[0]['last4']:
            wrong.append(f'lost: the keyring has {list(secrets)}, HueChat {new}')
        if not account.sandbox.keys(id=self.made['id'])[0]['valid']:
            wrong.append('lost: the old management key is gone before its time')
        account.insist('add', 'crm', '--env', 'test', '--scope', 'contacts:read')
        return wrong + account.verdict('crm')


ALL = [Management, RollbackBefore, Add, Rotate, Imported, Compromised, Hurry, Revoke, Remove, RollbackAfter, Dashboard]
