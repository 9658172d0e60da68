#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The shells' completions, with a keyturn that tells of integrations whose names are commands: none is run, and none
is offered."""
import pathlib
import re
import subprocess
import tempfile
import unittest

COMPLETIONS = pathlib.Path(__file__).resolve().parents[2] / 'client' / 'completions'
GOOD = ['crm', '0.a_b-c', 'x' * 64]
BAD = ['$(touch${IFS}mark)', '`touch${IFS}mark`', '$HOME', '*', 'a;touch', 'A', '-rf', "a'b", 'x' * 65, '\x1b[2J', '~']


class Completions(unittest.TestCase):
    def setUp(self):
        self.root = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        table = '\n'.join(['NAME ENV', *(f'{name} test' for name in GOOD + BAD), '', '14 integrations, 0 due.', ''])
        (self.root / 'table').write_text(table)
        program = self.root / 'keyturn'
        program.write_text(f'#!/bin/sh\n[ "$*" = list ] && cat "{self.root}/table"\n')
        program.chmod(0o755)
        self.env = {'PATH': f'{self.root}:/usr/bin:/bin', 'HOME': '/nowhere', 'LANG': 'C.UTF-8'}

    def bash(self, *words):
        """What bash offers for the last of the words."""
        script = f'. "{COMPLETIONS}/bash/keyturn"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _keyturn; ' \
                 'printf "%s\\n" "${COMPREPLY[@]}"'
        done = subprocess.run(['bash', '-c', script, 'bash', 'keyturn', *words], env=self.env, cwd=self.root, check=True,
                              capture_output=True, text=True)
        self.assertNotIn('command not found', done.stderr)
        return done.stdout.splitlines()

    def test_bash(self):
        for verb in 'get', 'status', 'rotate', 'explain':
            self.assertEqual(sorted(self.bash(verb, '')), sorted(GOOD), verb)
        self.assertEqual(self.bash('status', 'c'), ['crm'])
        self.assertEqual(self.bash('status', '$(touch mark)'), [''])
        self.assertFalse((self.root / 'mark').exists())

    def test_bash_still_completes(self):
        self.assertEqual(sorted(self.bash('lo')), ['log', 'login', 'logout'])
        self.assertEqual(self.bash('login', 't'), ['test'])
        self.assertEqual(self.bash('remove', '--r'), ['--revoke'])
        self.assertEqual(self.bash('add', '--scope', 'webhooks'), ['webhooks:manage'])
        self.assertIn('contacts:write', self.bash('add', '--scope', ''))

    def test_names_of_each_shell(self):
        for path in 'bash/keyturn', 'zsh/_keyturn', 'fish/keyturn.fish':
            text = (COMPLETIONS / path).read_text()
            (program,) = re.findall(r"awk '(NR > 1[^']*)'", text)
            done = subprocess.run(['awk', program, self.root / 'table'], env=self.env | {'LC_ALL': 'C'}, check=True,
                                  capture_output=True, text=True)
            self.assertEqual(done.stdout.splitlines(), GOOD, path)


if __name__ == '__main__':
    unittest.main()
