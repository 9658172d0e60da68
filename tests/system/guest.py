# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the tests of a booted machine share. They run in it as root, a process of keyturn-test.service; see machine.py.

A theme ends with guest.main(FirstBoot, SecondBoot): a class of tests a boot, all of which pass before the next.
"""
import contextlib
import json
import os
import pathlib
import pwd
import subprocess
import sys
import types
import unittest

from wire import BusError, Connection
from world import KEYTURN, KEYTURN_PATH, MANAGER, SECRETS, SECRETS_PATH, SERVICE, Sandbox, wait_for

PLACE = pathlib.Path('/opt/keyturn-test')
UNITS = pathlib.Path('/run/systemd/system')
INTEGRATIONS = pathlib.Path('/etc/keyturn/integrations')
BUS_CONFIG = pathlib.Path('/etc/dbus-1/system.d/zz-test.conf')
SYSTEM_BUS = 'unix:path=/run/dbus/system_bus_socket'
KEYRING_BUS = 'unix:path=/run/keyturn-keyring/bus'
PORT = 18080


def run(*argv, check=True, user=None, stdin='', timeout=30, env=None):
    """Runs a program, as another user if told so; check: it has to end in 0."""
    command = [str(a) for a in argv]
    if user:
        command = ['runuser', '-u', user, '--', *command]
    done = subprocess.run(command, input=stdin, text=True, capture_output=True, timeout=timeout,
                          env=os.environ | (env or {}))
    if check and done.returncode != 0:
        raise AssertionError(f'{command} ended in {done.returncode}: {done.stdout}{done.stderr}')
    return done


def systemctl(*arguments, **options):
    return run('systemctl', *arguments, **options)


def show(unit, name, *options):
    """A property of a unit."""
    return systemctl(*options, 'show', '--value', '-p', name, unit).stdout.strip()


def keyturn(*arguments, **options):
    """The command, for system mode."""
    return run('keyturn', '--system', *arguments, **options)


def journal(unit, *options):
    return run('journalctl', '--no-pager', '-b', '-u', unit, *options).stdout


def system_bus():
    return Connection.on_bus(SYSTEM_BUS)


def reload_bus():
    with system_bus() as bus:
        bus.ask_bus('ReloadConfig')


@contextlib.contextmanager
def bus_config(elements):
    """On top of the system bus's own, for the block. Limits hold for the connections made in it."""
    BUS_CONFIG.write_text('<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"\n'
                          ' "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">\n'
                          f'<busconfig>{elements}</busconfig>\n')
    reload_bus()
    try:
        yield
    finally:
        BUS_CONFIG.unlink()
        reload_bus()


def manager(member, signature='', *args):
    with system_bus() as bus:
        return bus.call(KEYTURN, KEYTURN_PATH, MANAGER, member, signature, *args)


def integration(name):
    with system_bus() as bus:
        path = bus.call(KEYTURN, KEYTURN_PATH, MANAGER, 'GetIntegration', 's', name)
        return bus.call(KEYTURN, path, 'org.freedesktop.DBus.Properties', 'GetAll', 's', 'org.keyturn1.Integration')


def add(name, *options, **more):
    """keyturn add. Once the key is there, its rotation has a closing look to do: that is waited for, since what a
    test compares may change till then."""
    done = keyturn('add', name, '--env', 'test', '--scope', 'contacts:read', *options, **more)
    if done.returncode == 0:
        wait_for(lambda: integration(name)['RotationState'] not in ('draining', 'deleting', 'deleted'), 60,
                 f'the first rotation of {name} to end')
    return done


def keyring_state():
    with system_bus() as bus:
        return bus.get(KEYTURN, KEYTURN_PATH, MANAGER, 'KeyringState')


def wait_for_keyring(state='unlocked', timeout=20):
    wait_for(lambda: keyring_state() == state, timeout, f'a keyring that is {state}')


def add_user(name, *groups):
    try:
        pwd.getpwnam(name)
    except KeyError:
        run('useradd', '--create-home', '--shell', '/bin/bash', '--user-group',
            *(['--groups', ','.join(groups)] if groups else []), name)


def write_unit(name, text):
    """A unit that lasts until the machine is off, and can be started as often as a test wants."""
    UNITS.mkdir(exist_ok=True)
    (UNITS / name).write_text(f'[Unit]\nStartLimitIntervalSec=0\n{text}')
    systemctl('daemon-reload')


def fetcher(name, integration_name, **settings):
    """A service that fetches a key over D-Bus and keeps it until it is stopped; start it with fetched_by()."""
    lines = '\n'.join(f'{key}={value}' for key, value in settings.items())
    write_unit(name, f'[Service]\nType=notify\nNotifyAccess=all\nUMask=0\nReadWritePaths=-{PLACE}/fetched\n{lines}\n'
                     f'ExecStart=/usr/bin/python3 -B {PLACE}/fetch.py {integration_name} {PLACE}/fetched/{name}\n')


def fetched_by(name, *options):
    """What the service got: {'key': ...} or {'error': ..., 'message': ...}."""
    folder = PLACE / 'fetched'
    folder.mkdir(exist_ok=True)
    folder.chmod(0o777)
    (folder / name).unlink(missing_ok=True)
    systemctl(*options, 'restart', name)
    return json.loads((folder / name).read_text())


def answers(sandbox):
    try:
        return sandbox.ledger() is not None
    except OSError:
        return False


def start_sandbox():
    """HueChat on loopback, as a service; settings that send keyturnd to it; keyturnd logged in."""
    keys = PLACE / 'management-keys'
    systemctl('reset-failed', 'sandbox.service', check=False)
    run('systemd-run', '--unit=sandbox', '--service-type=exec', 'keyturn-sandbox', '--port', PORT,
        '--management-key-file', keys, '--ledger', PLACE / 'sandbox-ledger')
    sandbox = Sandbox(types.SimpleNamespace(args=[]), PORT, keys)
    wait_for(keys.exists, what='the sandbox')
    wait_for(lambda: answers(sandbox), what='the sandbox to answer')
    return sandbox


def use_sandbox(sandbox):
    base = f'BaseURL={sandbox.url}/v2\n'
    pathlib.Path('/etc/keyturn/keyturn.conf').write_text(f'[API live]\n{base}[API test]\n{base}')
    if systemctl('is-active', 'keyturnd', check=False).returncode == 0:
        systemctl('reload', 'keyturnd')


def log_in(sandbox):
    keyturn('login', 'test', stdin=sandbox.management_key('test'))


def enable():
    systemctl('enable', '--now', 'keyturnd')
    wait_for_keyring()


def keyring_items():
    """What is in system mode's keyring: labels."""
    script = ('from guest import *\n'
              'with Connection.on_bus(KEYRING_BUS) as bus:\n'
              '    found, _ = bus.call(SECRETS, SECRETS_PATH, SERVICE, "SearchItems", "a{ss}", '
              '{"xdg:schema": "org.keyturn1.Key"})\n'
              '    print(json.dumps([bus.get(SECRETS, p, "org.freedesktop.Secret.Item", "Label") for p in found]))\n')
    done = run('python3', '-Bc', script, user='keyturn', env={'PYTHONPATH': str(PLACE)})
    return json.loads(done.stdout)


def bus_program():
    """What the system bus of this machine is: dbus-daemon, or dbus-broker-launch, cut short by the kernel."""
    return pathlib.Path(f'/proc/{show("dbus.service", "MainPID")}/comm').read_text().strip()


def main(*boots):
    counter = PLACE / 'boot'
    number = int(counter.read_text()) if counter.exists() else 0
    counter.write_text(str(number + 1))
    if not bus_program().startswith(os.environ['KEYTURN_BUS']):
        sys.exit(f'the bus is {bus_program()} instead of {os.environ["KEYTURN_BUS"]}')
    tests = unittest.defaultTestLoader.loadTestsFromTestCase(boots[number])
    passed = unittest.TextTestRunner(stream=sys.stderr, verbosity=2).run(tests).wasSuccessful()
    if passed and number + 1 < len(boots):
        (PLACE / 'again').touch()
    (PLACE / 'result').write_text('passed' if passed else 'failed')
