# SPDX-License-Identifier: LGPL-2.1-or-later
"""Helper processes as seen from outside."""
import pathlib
import re
import subprocess
import sys

from world import wait_for

START_AND_SLEEP = '''
import socket, subprocess, sys, time
ours, theirs = socket.socketpair()
child = subprocess.Popen([sys.argv[1], '--bus-fd', str(theirs.fileno())], pass_fds=[ours.fileno(), theirs.fileno()])
print(child.pid, flush=True)
time.sleep(60)
'''


def confinement(pid):
    """What the kernel says of its name and its confinement."""
    text = pathlib.Path(f'/proc/{pid}/status').read_text()
    return dict(re.findall(r'(?m)^(Name|Seccomp|NoNewPrivs):\t(.*)$', text))


def has_ended(pid):
    try:
        return 'State:\tZ' in pathlib.Path(f'/proc/{pid}/status').read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True


def dies_with_its_parent(program, env):
    """Has another process start the helper, and kills that one; the socket stays open in the helper itself."""
    with subprocess.Popen([sys.executable, '-c', START_AND_SLEEP, program], stdout=subprocess.PIPE, text=True,
                          env=env) as parent:
        pid = int(parent.stdout.readline())
        wait_for(lambda: confinement(pid).get('Seccomp') == '2', what='the helper to be confined')
        parent.kill()
    return wait_for(lambda: has_ended(pid), what='the helper to die')


def may_look(pid):
    """Whether there is anything to be learnt: helpers hide their memory from all but root, and a sanitizer keeps
    what is freed."""
    try:
        with open(f'/proc/{pid}/mem', 'rb'), open(f'/proc/{pid}/maps') as maps:
            return 'libasan' not in maps.read()
    except PermissionError:
        return False


def find_in_memory(pid, needle):
    """Where the process has these bytes, outside of the files that it maps: a list of (mapping, around)."""
    found = []
    with open(f'/proc/{pid}/maps') as maps, open(f'/proc/{pid}/mem', 'rb', 0) as memory:
        for line in maps:
            start, end, mode, name = re.match(r'(\w+)-(\w+) (\S+) \S+ \S+ \S+\s*(.*)', line).groups()
            if not mode.startswith('rw') or name.startswith('[v'):
                continue
            memory.seek(int(start, 16))
            data = memory.read(int(end, 16) - int(start, 16))
            found += [(name, data[max(0, m.start() - 40):m.end() + 40]) for m in re.finditer(re.escape(needle), data)]
    return found
