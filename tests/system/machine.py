#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Boots a machine of its own for each theme: machine.py NAME [BUS] runs guest-NAME.py in it, as often as that wants.

The machine is this one's root folder under an overlay in memory, with keyturn installed as a package would, and a
real systemd in a container without a network. Nothing of it outlasts the run. It takes root, systemd-nspawn, and a
kernel that lets one mount and boot; where they lack the test is skipped, and says which.

BUS is dbus-daemon, which is what is meant where none is named, or dbus-broker: whichever this machine itself uses.
With KEYTURN_ROOT, a folder that tools/make-root made, the machine is that release's, and so is the build.
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
OWN_ROOT = pathlib.Path('/')
GUEST = 'opt/keyturn-test'
SKIPPED = 77
BOOT_TIMEOUT = 240
BUSES = 'dbus-daemon', 'dbus-broker'

TEST_UNIT = '''[Unit]
Description=Tests of keyturn
After=dbus.service systemd-logind.service

[Service]
Type=exec
Environment=KEYTURN_BUS={bus}
ExecStart=/usr/bin/python3 /{guest}/guest-{name}.py
StandardOutput=append:/{guest}/output
StandardError=append:/{guest}/output
ExecStopPost=/bin/sh -c 'journalctl --no-pager -o short-monotonic >/{guest}/journal'
ExecStopPost=/bin/systemctl --force --force poweroff
'''


def skip(why):
    print(f'skipped: {why}', file=sys.stderr)
    sys.exit(SKIPPED)


def into_own_mounts():
    """Goes on in a mount namespace that ends with us, with all its mounts."""
    if os.environ.get('KEYTURN_MOUNTS') == 'own':
        return
    if os.geteuid() != 0:
        skip('booting a machine takes root')
    for program in ('systemd-nspawn', 'unshare', 'mount'):
        if not shutil.which(program):
            skip(f'no {program} here: install systemd-container')
    if subprocess.run(['unshare', '--mount', 'true'], stderr=subprocess.DEVNULL).returncode != 0:
        skip('no mount namespaces here')
    os.environ['KEYTURN_MOUNTS'] = 'own'
    os.execvp('unshare', ['unshare', '--mount', '--propagation', 'private', sys.executable, *sys.argv])


def mount(*arguments):
    done = subprocess.run(['mount', *map(str, arguments)], capture_output=True, text=True)
    if done.returncode != 0:
        skip(f'this can\'t be mounted here: {done.stderr.strip()}')


def build_for_usr(build):
    """The build directory, or if that is for another prefix one inside it."""
    options = json.loads((build / 'meson-info' / 'intro-buildoptions.json').read_text())
    if next(o['value'] for o in options if o['name'] == 'prefix') == '/usr':
        return build
    own = build / 'system-build'
    if not (own / 'build.ninja').exists():
        subprocess.run(['meson', 'setup', own, HERE.parents[1], '--prefix=/usr', '-Dtests=false'], check=True)
    subprocess.run(['meson', 'compile', '-C', own], check=True)
    return own


class Bound:
    """Folders of this machine's, where another root sees them at the same places."""

    def __init__(self, root, *folders):
        self.places = [(folder, pathlib.Path(f'{root}{folder}')) for folder in folders]

    def __enter__(self):
        for folder, place in self.places:
            place.mkdir(parents=True, exist_ok=True)
            mount('--bind', folder, place)

    def __exit__(self, *exc):
        for _, place in reversed(self.places):
            subprocess.run(['umount', place], check=True)


class Machine:
    def __init__(self, name, bus, lower, place):
        self.name, self.bus, self.lower, self.place = name, bus, lower, place
        self.root = place / 'root'

    def make(self, build):
        """The root folder: ours or another release's below, memory above."""
        mount('-t', 'tmpfs', 'tmpfs', self.place)
        for folder in ('upper', 'work', 'root'):
            (self.place / folder).mkdir()
        mount('-t', 'overlay', 'overlay', '-o',
              f'lowerdir={self.lower},upperdir={self.place}/upper,workdir={self.place}/work', self.root)
        mount('-t', 'tmpfs', 'tmpfs', '/run')
        self.forget_services()
        self.choose_bus()
        self.install(build)
        self.install_tests()

    def forget_services(self):
        """What this machine runs and is not part of every Debian, its journal, and what an earlier keyturn left."""
        for folder in ('multi-user', 'timers', 'graphical'):
            shutil.rmtree(self.root / f'etc/systemd/system/{folder}.target.wants', ignore_errors=True)
        for path in ('etc/keyturn', 'etc/credstore.encrypted', 'var/lib/keyturn', 'var/log/journal',
                     'var/lib/systemd/credential.secret'):
            shutil.rmtree(self.root / path, ignore_errors=True)

    def choose_bus(self):
        """By the link that dbus-broker's package makes; without it the bus is dbus-daemon."""
        if self.bus == 'dbus-broker' and not (self.root / 'usr/bin/dbus-broker-launch').exists():
            skip('no dbus-broker there: install dbus-broker')
        for kind in ('system', 'user'):
            link = self.root / f'etc/systemd/{kind}/dbus.service'
            link.unlink(missing_ok=True)
            if self.bus == 'dbus-broker':
                link.symlink_to(f'/usr/lib/systemd/{kind}/dbus-broker.service')

    def install(self, build):
        """Another release's build is known to that release's meson alone."""
        if self.lower == OWN_ROOT:
            subprocess.run(['meson', 'install', '-C', build, '--no-rebuild', '--quiet', '--destdir', self.root],
                           check=True)
        else:
            with Bound(self.root, HERE.parents[1], build):
                subprocess.run(['chroot', self.root, 'meson', 'install', '-C', build, '--no-rebuild', '--quiet'],
                               check=True, env=os.environ | {'PYTHONDONTWRITEBYTECODE': '1'})
        subprocess.run(['chroot', self.root, 'journalctl', '--update-catalog'], check=True)

    def install_tests(self):
        tests = self.root / GUEST
        tests.mkdir(parents=True)
        shutil.copy(HERE.parents[1] / 'systemd' / 'after-install', tests)
        for source in (*HERE.glob('*.py'), *(HERE.parent / 'integration' / f'{n}.py' for n in ('strangers', 'wire', 'world'))):
            shutil.copy(source, tests)
        units = self.root / 'etc/systemd/system'
        (units / 'keyturn-test.service').write_text(TEST_UNIT.format(guest=GUEST, name=self.name, bus=self.bus))
        (units / 'multi-user.target.wants').mkdir(exist_ok=True)
        (units / 'multi-user.target.wants/keyturn-test.service').symlink_to('../keyturn-test.service')

    def nspawn(self, *arguments, timeout=BOOT_TIMEOUT):
        return subprocess.run(
            ['systemd-nspawn', '--quiet', f'--directory={self.root}', f'--machine=keyturn-{self.name}',
             '--register=no', '--keep-unit', '--private-network', '--link-journal=no', '--console=pipe',
             '--timezone=off', '--resolv-conf=off',
             '--system-call-filter=@memlock landlock_create_ruleset landlock_add_rule landlock_restrict_self',
             *(['--bind=/dev/fuse'] if os.path.exists('/dev/fuse') else []), *arguments],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors='replace',
            timeout=timeout, env=os.environ | {'SYSTEMD_NSPAWN_UNIFIED_HIERARCHY': '1'})

    def boot(self):
        """Boots until the tests have ended; returns whether they want another boot."""
        for name in ('result', 'again'):
            (self.root / GUEST / name).unlink(missing_ok=True)
        console = self.nspawn('--boot').stdout
        if not (self.root / GUEST / 'result').exists():
            plain = self.nspawn('/bin/true')
            if plain.returncode != 0:
                skip(f'systemd-nspawn can\'t run here: {plain.stdout.strip()}')
            self.fail(console)
        return (self.root / GUEST / 'again').exists()

    def read(self, name):
        path = self.root / GUEST / name
        return path.read_text(errors='replace') if path.exists() else ''

    def fail(self, more=''):
        for line in self.read('journal').splitlines()[-250:] + more.splitlines()[-60:]:
            print(line)
        print(self.read('output'), file=sys.stderr)
        sys.exit(1)

    def run(self):
        while self.boot():
            pass
        if self.read('result') != 'passed':
            self.fail()
        if os.environ.get('KEYTURN_JOURNAL'):
            print(self.read('journal'))
        print(self.read('output'), file=sys.stderr)


class ControlGroup:
    """One of our own, for the machine to make its own below: two in one would see each other's processes."""

    def __init__(self):
        self.folders = []
        for line in pathlib.Path('/proc/self/cgroup').read_text().splitlines():
            _, controller, path = line.split(':', 2)
            names = {'': ('unified', ''), 'name=systemd': ('systemd',)}.get(controller, ())
            mounts = [p for p in (pathlib.Path('/sys/fs/cgroup') / n for n in names) if (p / 'cgroup.procs').exists()]
            if mounts:
                self.folders.append(mounts[0] / path[1:] / f'keyturn-test-{os.getpid()}')

    def __enter__(self):
        for folder in self.folders:
            try:
                folder.mkdir()
            except OSError as error:
                skip(f'no control group can be made here: {error}')
            (folder / 'cgroup.procs').write_text(str(os.getpid()))

    def __exit__(self, *exc):
        for folder in self.folders:
            (folder.parent / 'cgroup.procs').write_text(str(os.getpid()))
            for path, _, _ in os.walk(folder, topdown=False):
                os.rmdir(path)


def main():
    name, bus = (*sys.argv[1:], BUSES[0])[:2]
    if bus not in BUSES:
        sys.exit(f'machine.py: no such bus: {bus}: it is one of {" ".join(BUSES)}')
    into_own_mounts()
    if 'KEYTURN_ROOT' in os.environ:
        other = pathlib.Path(os.environ['KEYTURN_ROOT']).resolve()
        lower, build = other / 'root', other / 'build'
    else:
        lower, build = OWN_ROOT, build_for_usr(pathlib.Path(os.environ['KEYTURN_BUILD']))
    with ControlGroup(), tempfile.TemporaryDirectory(prefix='kt-machine-') as place:
        machine = Machine(name, bus, lower, pathlib.Path(place))
        try:
            machine.make(build)
            machine.run()
        except subprocess.TimeoutExpired as expired:
            machine.fail(f'no end after {BOOT_TIMEOUT} s:\n{(expired.stdout or b"").decode(errors="replace")}')
        finally:
            subprocess.run(['umount', '--lazy', machine.root], stderr=subprocess.DEVNULL)
            subprocess.run(['umount', '--lazy', machine.place], stderr=subprocess.DEVNULL)


if __name__ == '__main__':
    main()
