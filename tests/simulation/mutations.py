#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A mutation is one change to the real code that breaks one promise. The simulation has to catch each.

mutations.py make NAME SOURCE-ROOT OUTPUT    writes the changed file
mutations.py check SIMULATION                runs each mutant, beside that program, and expects its invariant to break
mutations.py list                            name and file, a line each
"""
import pathlib
import subprocess
import sys

# name: (file, [(text, its replacement)…], the invariants of which one has to break)
MUTATIONS = {
    'unproved-swap': ('daemon/core/rotation-stored.c', [
        ('switch (rotation_verdict(e)) {', 'switch (VERDICT_VALID) {'),
    ], {1}),
    'rollback-after-swap': ('daemon/core/rotation.c', [
        ('    if (!rotation_is_swapped(r)) {', '    if (true) {'),
    ], {1}),
    'shared-key-deleted': ('tests/simulation/process.c', [
        ('.old_is_current = is_anybodys(s, app, r),', '.old_is_current = false && is_anybodys(s, app, r),'),
    ], {1}),
    'create-without-intent': ('daemon/rotator.c', [
        ('    if (save(rotator, slot))\n        return true;\n    slot->unsaved_at = 0; /* the create',
         '    if (true)\n        return true;\n    slot->unsaved_at = 0; /* the create'),
    ], {2}),
    'act-before-save': ('daemon/rotator.c', [
        ('while (save(rotator, slot) && perform', 'while ((save(rotator, slot), true) && perform'),
    ], {2, 3}),
    'blind-post': ('daemon/core/rotation-creating.c', [
        ('    if (r->sent_at != 0 && !r->seen.have_secret) {', '    if (false) {'),
    ], {3}),
    'no-late-listing': ('daemon/core/rotation-over.c', [
        ('    if (r->outcome_unknown || is_young', '    if (false && is_young'),
    ], {3}),
    'stray-left': ('daemon/core/rotation-removal.c', [
        ('        r->target_id = g_strdup(key->id);\n', '        return false;\n        r->target_id = g_strdup(key->id);\n'),
    ], {3}),
    'any-rid-is-ours': ('daemon/core/rotation-record.c', [
        ('    if (!g_str_has_prefix(key_name, prefix))\n',
         '    if (g_str_has_prefix(key_name, base_name(r)) && strstr(key_name, "[kt ") != NULL)\n        return true;\n'
         '    if (!g_str_has_prefix(key_name, prefix))\n'),
    ], {1, 4}),
    'adopt-any-match': ('daemon/core/rotation-identity.c', [
        ('    if (matches > 1) {', '    if (false) {'),
        ('    } else if (matches == 1) {', '    } else if (matches >= 1) {'),
    ], {4}),
    'one-timer-for-all': ('daemon/rotator.c', [
        ('        next = MIN(next, due_at(value));', '        next = due_at(value);'),
    ], {5}),
    'supplied-key-waits': ('daemon/core/rotation-dashboard.c', [
        ('    r->next_at = 0;\n    r->seen.have_secret', '    r->seen.have_secret'),
    ], {5}),
    'secret-in-message': ('tests/simulation/huechat.c', [
        ('    huechat_answer(q, 201, "");', '    huechat_answer(q, 201, q->made->secret);'),
    ], {6}),
    'gate-1': ('daemon/core/rotation-gates.c', [
        ('(since_date == 0 || date == 0 || date >= usec_add(since_date, span))', 'true'),
    ], {7}),
    'gate-2': ('daemon/core/rotation-gates.c', [
        ('    if (!new_is_proved(r, f->now))\n', '    if (false)\n'),
    ], {7}),
    'gate-3': ('daemon/core/rotation-gates.c', [
        ('    if (!old_is_still(r, f->now))\n', '    if (false)\n'),
    ], {7}),
    'gate-4': ('daemon/core/rotation-gates.c', [
        ('    if (f->older_holders > 0)\n', '    if (false)\n'),
    ], {7}),
    'always-compromised': ('daemon/core/rotation-gates.c', [
        ('    if (r->compromised) {', '    if (true) {'),
    ], {7}),
    'probe-with-the-old-key': ('daemon/core/rotation-draining.c', [
        ('        return f->keyring_ready ? STEP(ACTION_PROBE_NEW) : WAIT;\n    return try_gates',
         '        return f->keyring_ready ? STEP(ACTION_PROBE_OLD) : WAIT;\n    return try_gates'),
    ], {7}),
    'no-back-off': ('daemon/core/rotation.c', [
        ('    r->next_at = usec_add(now, wait);', '    r->next_at = usec_add(now, wait / 1000);'),
    ], {7}),
    'disk-for-nothing': ('daemon/core/rotation-record.c', [
        ('    return equal;', '    return false;'),
    ], {7}),
}


def make(name, root, output):
    file, changes, _ = MUTATIONS[name]
    text = (pathlib.Path(root) / file).read_text()
    for old, new in changes:
        if text.count(old) != 1:
            sys.exit(f'mutations: {name}: {file} has {text.count(old)} of {old!r}')
        text = text.replace(old, new)
    pathlib.Path(output).write_text(text)


def check(simulation):
    failed = []
    for name, (_, _, expected) in MUTATIONS.items():
        run = subprocess.run([f'{simulation}-{name}', '--rotations', '60000'], capture_output=True, text=True,
                             timeout=240)
        first = run.stdout.split('\n', 1)[0]
        caught = run.returncode == 1 and any(first.startswith(f'invariant {n} ') for n in expected)
        print(f'{"caught" if caught else "NOT CAUGHT"}  {name}: {first}', flush=True)
        if not caught:
            failed.append(name)
    sys.exit(f'not caught: {", ".join(failed)}' if failed else 0)


if __name__ == '__main__':
    if sys.argv[1] == 'make':
        make(*sys.argv[2:])
    elif sys.argv[1] == 'check':
        check(sys.argv[2])
    else:
        print(''.join(f'{name} {file}\n' for name, (file, _, _) in MUTATIONS.items()), end='')
