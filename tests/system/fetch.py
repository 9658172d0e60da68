# SPDX-License-Identifier: LGPL-2.1-or-later
"""fetch.py INTEGRATION FILE: a service that fetches its key over D-Bus, writes what it got, and stays."""
import json
import os
import pathlib
import signal
import subprocess
import sys

from wire import BusError, Connection
from world import KEYTURN, KEYTURN_PATH, MANAGER

with Connection.on_bus('unix:path=/run/dbus/system_bus_socket') as bus:
    try:
        got = {'key': bus.call(KEYTURN, KEYTURN_PATH, MANAGER, 'GetKey', 's', sys.argv[1])}
    except BusError as error:
        got = {'error': error.name, 'message': str(error)}
pathlib.Path(sys.argv[2]).write_text(json.dumps(got))
if 'NOTIFY_SOCKET' in os.environ:
    subprocess.run(['systemd-notify', '--ready'], check=True)
signal.pause()
