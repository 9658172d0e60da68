# SPDX-License-Identifier: LGPL-2.1-or-later
"""Services of a test's own on a bus, in the place of real ones."""
import contextlib
import threading

from wire import CALL


class BusService(threading.Thread):
    """Takes names on a bus, and meets each call in a thread of its own. Its connection has no timeout."""

    def __init__(self, bus, *names):
        super().__init__(daemon=True)
        self.bus = bus
        for name in names:
            if bus.ask_bus('RequestName', 'su', name, 0) != 1:
                raise AssertionError(f'{name} is somebody else\'s')
        self.start()

    def run(self):
        with contextlib.suppress(OSError, EOFError):
            while True:
                message = self.bus.receive()
                if message.kind == CALL:
                    self.meet(message)

    def meet(self, call):
        raise NotImplementedError
