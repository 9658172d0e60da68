# SPDX-License-Identifier: LGPL-2.1-or-later
"""Gives the benchmark a world with one warm key, and runs it there: bench-fetch.py PROGRAM."""
import subprocess
import sys

from world import World

with World() as world:
    world.start_keyring()
    sandbox = world.start_sandbox()
    world.start_daemon()
    key = sandbox.create_key('bench', 'test', ['contacts:read'])['key']
    world.keyturn('add', 'bench', '--env', 'test', '--scope', 'contacts:read', '--no-issue')
    world.keyturn('import', 'bench', stdin=key)
    sys.exit(subprocess.run(sys.argv[1:], env=world.env, check=False).returncode)
