# SPDX-License-Identifier: LGPL-2.1-or-later
"""A program that drives one of the daemon's parts, line by line."""
import queue
import signal
import subprocess
import threading

from world import build_root, die_with_test


class Driver:
    def __init__(self, world, name, *arguments):
        self.process = subprocess.Popen([build_root() / 'tests' / 'integration' / name, *arguments],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=world.env,
                                        start_new_session=True, preexec_fn=die_with_test)
        world.processes.append(self.process)
        self.lines = queue.Queue()
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            self.lines.put(line.decode().rstrip('\n'))

    def next(self, timeout=15):
        try:
            return self.lines.get(timeout=timeout)
        except queue.Empty:
            raise AssertionError(f'nothing came in {timeout} s') from None

    def expect(self, line, timeout=15):
        told = self.next(timeout)
        assert told == line, (told, line)

    def expect_nothing(self, seconds=0.5):
        try:
            raise AssertionError(self.lines.get(timeout=seconds))
        except queue.Empty:
            pass

    def command(self, line):
        self.process.stdin.write(line.encode() + b'\n')
        self.process.stdin.flush()

    def ask(self, line, answer):
        self.command(line)
        self.expect(answer)

    def helpers(self):
        """Pids of its children."""
        pid = self.process.pid
        with open(f'/proc/{pid}/task/{pid}/children') as children:
            return [int(child) for child in children.read().split()]

    def end(self):
        self.process.stdin.close()
        status = self.process.wait(10)
        self.process.stdout.close()
        assert status in (0, -signal.SIGKILL), status
