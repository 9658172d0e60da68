#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A program that fetches its key for each batch of its work, with nothing but the standard library.

    fetch.py crm
"""
import json
import subprocess
import sys
import urllib.request


def key_of(name):
    """The current key. Fetching it again is cheap, and keeps a program from holding an old one."""
    return subprocess.run(['keyturn', 'get', name], check=True, capture_output=True, text=True).stdout


def status_of(name):
    """What keyturn status knows, as a dictionary."""
    done = subprocess.run(['keyturn', '--json', 'status', name], check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def main(name):
    status = status_of(name)
    request = urllib.request.Request(status['base_url'] + '/contacts?limit=1',
                                     headers={status['header_name']: key_of(name)})
    with urllib.request.urlopen(request, timeout=10) as answer:
        print(answer.status, json.load(answer)['data'])


if __name__ == '__main__':
    main(sys.argv[1])
