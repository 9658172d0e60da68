# SPDX-License-Identifier: LGPL-2.1-or-later
# fish completion for keyturn(1)

set -g __keyturn_verbs get exec list status due login logout add import edit reload remove rotate resume rollback \
    confirm-deleted revoke log watch explain doctor audit check remind metrics

# Names alone: what else keyturnd may say is not for a shell.
function __keyturn_names
    set -l mode
    contains -- --system (commandline -opc); and set mode --system
    keyturn $mode list 2>/dev/null | env LC_ALL=C awk 'NR > 1 { if (NF == 0) exit; if ($1 ~ /^[a-z0-9][a-z0-9._-]*$/ && length($1) <= 64) print $1 }'
end

function __keyturn_units
    systemctl list-unit-files --no-legend --plain 2>/dev/null | awk '{ print $1 }'
end

function __keyturn_command
    set -l words (commandline -opc) (commandline -ct)
    set -l at (contains -i -- -- $words)
    complete -C "$words[$(math $at + 1)..-1]"
end

complete -c keyturn -f
complete -c keyturn -l system -d 'Talk to the keyturnd of the system'
complete -c keyturn -l json -d 'Print JSON'
complete -c keyturn -s h -l help -d 'Show help'
complete -c keyturn -l version -d 'Show the version'

set -l none "not __fish_seen_subcommand_from $__keyturn_verbs"
complete -c keyturn -n $none -a get -d 'Print a key, alone on standard output'
complete -c keyturn -n $none -a exec -d 'Run a command with a key in its environment'
complete -c keyturn -n $none -a list -d 'Show every key in a table'
complete -c keyturn -n $none -a status -d 'Show one integration in full, or how all is'
complete -c keyturn -n $none -a due -d 'Show which keys are due for rotation'
complete -c keyturn -n $none -a login -d 'Store the management key of live or test'
complete -c keyturn -n $none -a logout -d 'Forget the management key of live or test'
complete -c keyturn -n $none -a add -d 'Define an integration and issue its first key'
complete -c keyturn -n $none -a import -d 'Take a key in that was made elsewhere'
complete -c keyturn -n $none -a edit -d "Edit an integration's file, and check it"
complete -c keyturn -n $none -a reload -d 'Take all files in anew'
complete -c keyturn -n $none -a remove -d 'Forget an integration'
complete -c keyturn -n $none -a rotate -d 'Replace keys by new ones'
complete -c keyturn -n $none -a resume -d 'Let a held rotation go on'
complete -c keyturn -n $none -a rollback -d 'Go back to the old key'
complete -c keyturn -n $none -a confirm-deleted -d 'Say that the old key is deleted in the dashboard'
complete -c keyturn -n $none -a revoke -d 'Delete the current key at HueChat, without another'
complete -c keyturn -n $none -a log -d 'Show the history'
complete -c keyturn -n $none -a watch -d 'Print what happens, a line each'
complete -c keyturn -n $none -a explain -d 'Tell why somebody may fetch a key, or may not'
complete -c keyturn -n $none -a doctor -d 'Tell what is well, what is not, and the way out'
complete -c keyturn -n $none -a audit -d "Check HueChat's advice on keys, and files for keys"
complete -c keyturn -n $none -a check -d 'One line for a monitoring system'
complete -c keyturn -n $none -a remind -d 'Tell journal and desktop what a person has to do'
complete -c keyturn -n $none -a metrics -d 'Print metrics for Prometheus'

set -l named get exec status import edit remove rotate resume rollback confirm-deleted revoke log explain
complete -c keyturn -n "__fish_seen_subcommand_from $named" -a '(__keyturn_names)'
complete -c keyturn -n '__fish_seen_subcommand_from login logout' -a 'live test'
complete -c keyturn -n '__fish_seen_subcommand_from audit' -a '(__fish_complete_directories)'
complete -c keyturn -n '__fish_seen_subcommand_from explain' -a 'pid: unit: user: sender:'

complete -c keyturn -n '__fish_seen_subcommand_from exec import' -x -l var -d 'Variable of the key'
complete -c keyturn -n '__fish_seen_subcommand_from exec; and contains -- -- (commandline -opc)' \
    -a '(__keyturn_command)'
complete -c keyturn -n '__fish_seen_subcommand_from due' -x -l within -d 'Also what is due in this time'
complete -c keyturn -n '__fish_seen_subcommand_from due' -l exit-code -d 'End in 1 if something is due'
complete -c keyturn -n '__fish_seen_subcommand_from login import' -x -l id -d "The key's id at HueChat"
complete -c keyturn -n '__fish_seen_subcommand_from import' -x -l created -d 'When it was created'
complete -c keyturn -n '__fish_seen_subcommand_from import' -r -F -l from-env -d 'Read it out of a .env file'
complete -c keyturn -n '__fish_seen_subcommand_from remove' -l revoke -d 'Delete its keys at HueChat first'
complete -c keyturn -n '__fish_seen_subcommand_from revoke' -l force -d 'Even while somebody uses the key'
complete -c keyturn -n '__fish_seen_subcommand_from rotate' -l due -d 'All keys whose time has come'
complete -c keyturn -n '__fish_seen_subcommand_from rotate' -l compromised -d 'Delete the old key without waiting'
complete -c keyturn -n '__fish_seen_subcommand_from rotate' -l wait -d 'Show progress until the old key is gone'
complete -c keyturn -n '__fish_seen_subcommand_from log' -s f -l follow -d 'Go on, with what is added'
complete -c keyturn -n '__fish_seen_subcommand_from log' -x -l since -d 'Only what is newer'
complete -c keyturn -n '__fish_seen_subcommand_from check' -x -l warn -d 'Warn this long before a key is due'
complete -c keyturn -n '__fish_seen_subcommand_from check' -x -l crit -d 'Critical this long before'

set -l add '__fish_seen_subcommand_from add'
complete -c keyturn -n $add -x -l env -a 'live test' -d Environment
complete -c keyturn -n $add -x -l scope -d 'A permission' -a 'contacts:read contacts:write conversations:read
    conversations:write channels:read channels:write webhooks:manage admin:read admin:write'
complete -c keyturn -n $add -l full -d 'Full access'
complete -c keyturn -n $add -x -l rotate-after -d 'Age of a key at its end'
complete -c keyturn -n $add -x -l overlap -d 'How long both keys work'
complete -c keyturn -n $add -x -l max-overlap -d 'The same while the old key is used'
complete -c keyturn -n $add -x -l on-still-used -a 'hold delete' -d 'What then'
complete -c keyturn -n $add -x -l delivery -a 'any pipe' -d 'How it is handed out'
complete -c keyturn -n $add -x -l allow -a 'any user: group: unit:' -d 'Who may fetch'
complete -c keyturn -n $add -x -l reload -a '(__keyturn_units)' -d 'A unit to reload after a change'
complete -c keyturn -n $add -x -l restart -a '(__keyturn_units)' -d 'A unit to restart after a change'
complete -c keyturn -n $add -x -l start -a '(__keyturn_units)' -d 'A unit to start after a change'
complete -c keyturn -n $add -l dashboard -d 'A person makes and deletes the keys'
complete -c keyturn -n $add -l no-issue -d 'Without a first key'
