# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a process still has in its memory."""
import re


def may_look(pid):
    """Whether there is anything to be learnt: helpers hide their memory from all but root, and a sanitizer keeps
    what is freed."""
    try:
        with open(f'/proc/{pid}/mem', 'rb'), open(f'/proc/{pid}/maps') as maps:
            return 'libasan' not in maps.read()
    except PermissionError:
        return False


def find(pid, needle):
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
