# SPDX-License-Identifier: LGPL-2.1-or-later
"""Integrations that have to outlive kills and faults: a watcher of what is handed out, and the verdict at the end.

    with Account() as account:
        with Watch(account, 'crm') as watch:
            ...
        violations = watch.violations + account.verdict('crm')
"""
import collections
import os
import pathlib
import re
import signal
import subprocess
import threading
import time

from running import Running
from wire import BusError
from world import KEYTURN, wait_for

OURS = re.compile(r'(.+) \[kt [0-9a-f]{8}\.[0-9]+\]')
JANUARY = '2026-01-05T09:00:00Z'
SCOPES = ['contacts:read']


class Died(Exception):
    """keyturnd is no more."""


class Account(Running):
    """A world with quick time-outs, and keys at HueChat that are none of keyturn's business."""

    def __init__(self, api='Timeout=1s', sandbox=(), **options):
        super().__init__(**options)
        self.api, self.sandbox_options = api, sandbox
        self.quiet = threading.Lock()  # held while keyturnd is being started
        self.foreign = []

    def start_sandbox(self, *options):
        sandbox = super().start_sandbox(*self.sandbox_options, *options)
        self.write_config(api=self.api)
        return sandbox

    def surround(self, name):
        """Keys that are easily taken for that integration's: of the same name, and made by another keyturn."""
        for other in (name, f'{name} [kt 0badcafe.1]', f'{name} 2'):
            self.foreign.append(self.sandbox.create_key(other, permissions=SCOPES)['id'])

    # keyturnd's lives

    def alive_now(self):
        return self.daemon is not None and self.daemon.poll() is None

    def processes_left(self):
        """keyturnd's helpers that outlived it."""
        left = []
        for stat in pathlib.Path('/proc').glob('[0-9]*/stat'):
            try:
                fields = stat.read_text().rsplit(')', 1)[1].split()
            except OSError:
                continue
            if int(fields[3]) == self.daemon.pid and fields[0] not in 'ZX':
                left.append(int(stat.parent.name))
        return left

    def bury(self, sig=signal.SIGKILL):
        """Ends keyturnd alone, if it has not ended by itself; its helpers have to go with it."""
        with self.quiet:
            if self.alive_now():
                self.daemon.send_signal(sig)
            self.daemon.wait(20)
            wait_for(lambda: not self.processes_left(), 5, 'the helpers to die with keyturnd')
            wait_for(lambda: not self.owned(KEYTURN), what='keyturnd to leave the bus')

    def revive(self, kill_at=None):
        """Starts keyturnd anew; kill_at: where it ends itself, before:N or after:N."""
        self.bury()
        with self.quiet:
            self.start_daemon(env={'KEYTURN_KILL_AT': kill_at} if kill_at else None)

    def say(self, *arguments, stdin=''):
        """The command's result, whatever it is; Died if keyturnd did not outlive it."""
        try:
            done = self.keyturn(*arguments, stdin=stdin, check=False, timeout=100)
        except subprocess.TimeoutExpired as error:
            raise AssertionError(str(error)) from error
        if not self.alive_now():
            raise Died
        return done

    def insist(self, *arguments, stdin=''):
        """The command, and again while keyturnd has only just been started."""
        deadline = time.monotonic() + 10
        while (done := self.keyturn(*arguments, stdin=stdin, check=False)).returncode != 0:
            if 'try again in a moment' not in done.stderr or time.monotonic() > deadline:
                raise AssertionError(f'keyturn {arguments[0]}: {done.stderr}')
            time.sleep(0.02)

    def look_up(self, name):
        """The properties of an integration; None: there is none."""
        try:
            return self.integration(name)
        except BusError as error:
            if not self.alive_now():
                raise Died from error
            if error.name in ('org.keyturn1.Error.NoSuchIntegration', 'org.freedesktop.DBus.Error.UnknownObject'):
                return None
            time.sleep(0.05)  # its end may not have come round yet
            if not self.alive_now():
                raise Died from error
            raise

    # The verdict

    def verdict(self, name, expected='key', scopes=None):
        """What is wrong with an integration that has come to rest, as texts. expected: key, none or gone."""
        wrong = []
        keys = self.sandbox.keys()
        ours = [k for k in keys if k['deleted_at'] is None and (m := OURS.fullmatch(k['name'])) and m[1] == name
                and k['id'] not in self.foreign]
        properties = self.look_up(name)
        if (properties is None) != (expected == 'gone'):
            wrong.append(f'lost: {name} is {"gone" if properties is None else "still there"}')
        if expected == 'key' and properties is not None:
            wrong += self.verdict_on_key(name, properties, keys, scopes or SCOPES)
            ours = [k for k in ours if k['id'] != properties['KeyId']]
        wrong += [f'orphan: {k["name"]} …{k["last4"]}' for k in ours]
        wrong += [f'foreign: {k["name"]} was deleted' for k in keys if k['id'] in self.foreign and not k['valid']]
        items = [a for _, a, _ in self.items() if a.get('integration') == name]
        wanted = [properties['KeyId']] if expected == 'key' and properties is not None else []
        if sorted(i['key-id'] for i in items) != wanted:
            wrong.append(f'keyring: it holds {[i["key-id"] for i in items]} and not {wanted}')
        return wrong

    def verdict_on_key(self, name, properties, keys, scopes):
        try:
            secret, generation = self.fetch_by_socket(name)
        except BusError as error:
            return [f'lost: {name} hands out nothing: {error}']
        key = next((k for k in keys if k['id'] == properties['KeyId']), None)
        if key is None or key['last4'] != secret[-4:] or generation != properties['Generation']:
            return [f'lost: {name} hands out …{secret[-4:]}, which is not {properties["KeyId"]}']
        wrong = []
        if not key['valid'] or self.probe(secret) != 200:
            wrong.append(f'invalid: {name} hands out …{secret[-4:]}, which does not work')
        if key['access'] != 'custom' or sorted(key['permissions']) != sorted(scopes):
            wrong.append(f'permissions: {name} has {key["access"]} {key["permissions"]}')
        return wrong


class Watch(threading.Thread):
    """Fetches a key again and again, as an application does, and compares it with what HueChat knows."""

    def __init__(self, account, name, pause=0.05):
        super().__init__(daemon=True)
        self.account, self.name_watched, self.pause = account, name, pause
        self.violations = []
        self.fetches = 0
        self.refusals = collections.Counter()
        self.ending = threading.Event()

    def __enter__(self):
        self.bus = self.account.connect()
        self.start()
        return self

    def __exit__(self, *exc):
        self.ending.set()
        self.join(60)
        self.bus.close()

    def run(self):
        while not self.ending.wait(self.pause):
            with self.account.quiet:
                if self.account.alive_now():
                    self.look()

    def keys(self):
        return {k['last4']: k for k in self.account.sandbox.keys()}

    def look(self):
        before = self.keys()
        try:
            secret, _ = self.account.fetch_by_socket(self.name_watched, self.bus)
        except BusError as error:
            self.refusals[error.name.rsplit('.', 1)[1]] += 1
            return
        self.fetches += 1
        last4 = secret[-4:]
        key = before.get(last4)
        if key is not None:
            good = key['valid']
        else:
            key = self.keys().get(last4)
            good = key is not None and (key['valid'] or key['deleted_at'] is not None)
        if not good:
            self.violations.append(f'invalid: …{last4} was handed out at {time.time():.3f}: {key}')
