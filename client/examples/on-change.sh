#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Runs a command with the key of an integration, and starts it anew whenever the key changes:
#     on-change.sh crm ./crm-server
set -u
name=$1
shift
exec 3< <(exec keyturn watch)
watcher=$!
trap 'kill "$watcher" "$child" 2>/dev/null' EXIT
trap 'exit 1' INT TERM HUP

while :; do
    keyturn exec "$name" -- "$@" 3<&- &
    child=$!
    changed=
    while [[ -z $changed ]] && read -r _ _ integration event _ <&3; do
        [[ "$integration $event" == "$name key-changed" ]] && changed=yes
    done
    [[ -n $changed ]] || exit 1
    kill "$child"
    wait "$child"
done
