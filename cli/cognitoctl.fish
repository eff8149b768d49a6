# fish completion for cognitoctl(1). A test compares it with `cognitoctl --help`.

# The words of the command line without options and their values.
function __cognitoctl_words
    set -l tokens (commandline -opc)
    set -e tokens[1]
    set -l is_value 0
    for token in $tokens
        if test $is_value = 1
            set is_value 0
            continue
        end
        switch $token
            case --color --accounts --allow-groups --ca-file --client --device-name --endpoint --file --for --group --issuer --jwks-uri --number --only --pool --print --region --root --service --shell --since --sudo-group --uid --user -n
                set is_value 1
            case '-*'
            case '*'
                printf '%s\n' $token
        end
    end
end

# __cognitoctl_at [COMMAND]: the next word is a command, of this one.
function __cognitoctl_at
    set -l words (__cognitoctl_words)
    test "$words" = "$argv"
end

# __cognitoctl_in COMMAND…: the next word belongs to this command.
function __cognitoctl_in
    set -l words (__cognitoctl_words)
    set -l count (count $argv)
    test (count $words) -ge $count
    and test "$words[1..$count]" = "$argv"
end

# __cognitoctl_argument NUMBER COMMAND…: the next word is this argument of the command.
function __cognitoctl_argument
    __cognitoctl_in $argv[2..-1]
    and test (count (__cognitoctl_words)) = (math (count $argv) - 2 + $argv[1])
end

function __cognitoctl_services
    for file in /etc/pam.d/* /usr/lib/pam.d/*
        test ! -f $file
        or string replace -r '.*/' '' $file
    end
end

# __cognitoctl_ids PATTERN COMMAND…: the ids that a command lists. Quiet if cognitod, or the permission, is missing.
function __cognitoctl_ids
    cognitoctl $argv[2..-1] --json 2>/dev/null | string match -ar '"id":"'$argv[1]'"' | string split -f 4 '"'
end

function __cognitoctl_accounts
    cognitoctl users list --json 2>/dev/null | string match -ar '"name":"[^"]*"' | string split -f 4 '"'
end

complete -c cognitoctl -f
complete -c cognitoctl -l help -s h -d 'Show this help, or a command\'s'
complete -c cognitoctl -l json -d 'Print one JSON object; --json=pretty indents it'
complete -c cognitoctl -l color -x -a 'auto always never' -d 'Use colors'
complete -c cognitoctl -l root -x -a '(__fish_complete_directories)' -d 'Use the files below DIR: an image or a chroot'
complete -c cognitoctl -n __cognitoctl_at -l version -d 'Show the version'

complete -c cognitoctl -n __cognitoctl_at -a mfa -d 'Show and change your second factors'
complete -c cognitoctl -n __cognitoctl_at -a sessions -d 'Show and end sessions'
complete -c cognitoctl -n __cognitoctl_at -a sign-out -d 'End all your sessions; as root another user\'s'
complete -c cognitoctl -n __cognitoctl_at -a setup -d 'Connect this machine to a user pool'
complete -c cognitoctl -n __cognitoctl_at -a doctor -d 'Check this machine; each fault comes with its fix'
complete -c cognitoctl -n __cognitoctl_at -a status -d 'Show the state of cognitod'
complete -c cognitoctl -n __cognitoctl_at -a log -d 'List recent sign-ins'
complete -c cognitoctl -n __cognitoctl_at -a explain -d 'Explain one sign-in, from the journal'
complete -c cognitoctl -n __cognitoctl_at -a login-test -d 'Sign in as a user without PAM, and show each step'
complete -c cognitoctl -n __cognitoctl_at -a policy -d 'Show what the configuration permits'
complete -c cognitoctl -n __cognitoctl_at -a identity -d 'Show and pin the Cognito account of a user'
complete -c cognitoctl -n __cognitoctl_at -a config -d 'Check and show the configuration'
complete -c cognitoctl -n __cognitoctl_at -a break-glass -d 'Accept local passwords in an emergency'
complete -c cognitoctl -n __cognitoctl_at -a users -d 'Manage accounts that no local file names'
complete -c cognitoctl -n __cognitoctl_at -a directory -d 'Manage lists of users from the user pool'
complete -c cognitoctl -n __cognitoctl_at -a image-prepare -d 'Remove what a machine image must not contain'

complete -c cognitoctl -n '__cognitoctl_at mfa' -a show -d 'Show your factors, and which is preferred'
complete -c cognitoctl -n '__cognitoctl_at mfa' -a setup -d 'Set up an authenticator app (TOTP)'
complete -c cognitoctl -n '__cognitoctl_at mfa' -a prefer -d 'Choose the factor that Cognito asks for'
complete -c cognitoctl -n '__cognitoctl_at mfa' -a disable -d 'Stop using a factor'
complete -c cognitoctl -n '__cognitoctl_in mfa show' -l refresh -d 'Ask the user pool, not the cache'
complete -c cognitoctl -n '__cognitoctl_in mfa setup' -l plain -d 'Show the otpauth URI, without QR code'
complete -c cognitoctl -n '__cognitoctl_in mfa setup' -l device-name -x -d 'Its name in the user pool'
complete -c cognitoctl -n '__cognitoctl_argument 1 mfa prefer' -a 'totp sms email none'
complete -c cognitoctl -n '__cognitoctl_argument 1 mfa disable' -a 'totp sms email'

complete -c cognitoctl -n '__cognitoctl_at sessions' -a list -d 'List your sessions; as root all users\''
complete -c cognitoctl -n '__cognitoctl_at sessions' -a end -d 'End one session and revoke its tokens'
complete -c cognitoctl -n '__cognitoctl_in sessions list' -l user -x -a '(__fish_complete_users)' -d 'Only this user\'s'
complete -c cognitoctl -n '__cognitoctl_in sessions list' -l full -d 'Cut nothing, however wide the table is'
complete -c cognitoctl -n '__cognitoctl_argument 1 sessions end' -a '(__cognitoctl_ids \'[0-9a-f]*\' sessions list)'

complete -c cognitoctl -n '__cognitoctl_in sign-out' -l yes -d 'Do not ask for confirmation'
complete -c cognitoctl -n '__cognitoctl_argument 1 sign-out' -a '(__fish_complete_users)'

complete -c cognitoctl -n '__cognitoctl_in setup' -l region -x -d 'such as eu-west-1'
complete -c cognitoctl -n '__cognitoctl_in setup' -l pool -x -d 'the user pool\'s id'
complete -c cognitoctl -n '__cognitoctl_in setup' -l client -x -d 'the app client\'s id'
complete -c cognitoctl -n '__cognitoctl_in setup' -l allow-groups -x -d 'Cognito groups whose members may sign in'
complete -c cognitoctl -n '__cognitoctl_in setup' -l endpoint -x -d 'a pool elsewhere than at AWS: its URL'
complete -c cognitoctl -n '__cognitoctl_in setup' -l issuer -x -d 'of --endpoint: what its tokens carry as `iss`'
complete -c cognitoctl -n '__cognitoctl_in setup' -l jwks-uri -x -d 'of --endpoint: where its keys are'
complete -c cognitoctl -n '__cognitoctl_in setup' -l ca-file -r -F -d 'of --endpoint: the certificates that its own must lead to'
complete -c cognitoctl -n '__cognitoctl_in setup' -l accounts -x -d 'names that need no local account, such as *.*'
complete -c cognitoctl -n '__cognitoctl_in setup' -l sudo-group -x -d 'Cognito groups whose members may use sudo'
complete -c cognitoctl -n '__cognitoctl_in setup' -l group -x -a '(__fish_complete_groups)' -d 'Unix group of the Cognito users'
complete -c cognitoctl -n '__cognitoctl_in setup' -l print -x -a 'cloud-init ansible' -d 'Print a template instead'
complete -c cognitoctl -n '__cognitoctl_in setup' -l yes -d 'Do not ask for confirmation'
complete -c cognitoctl -n '__cognitoctl_in setup' -l dry-run -d 'Show the steps, and change nothing'
complete -c cognitoctl -n '__cognitoctl_in setup' -l undo -d 'Take back what setup has changed'
complete -c cognitoctl -n '__cognitoctl_in setup' -l unchecked -d 'Write it even if the pool refuses'

complete -c cognitoctl -n '__cognitoctl_in doctor' -l all -d 'Show the passed checks, too'
complete -c cognitoctl -n '__cognitoctl_in doctor' -l only -x -a '(__cognitoctl_ids \'[a-z-]*\' doctor)' -d 'Only this check; may be repeated'
complete -c cognitoctl -n '__cognitoctl_in doctor' -l quiet -d 'Print no text: the exit status is 5 on a fault'

complete -c cognitoctl -n '__cognitoctl_in log' -l user -x -a '(__fish_complete_users)' -d 'Only this user\'s'
complete -c cognitoctl -n '__cognitoctl_in log' -l failed -d 'Only those that did not succeed'
complete -c cognitoctl -n '__cognitoctl_in log' -l number -s n -x -d 'At most so many; default: 10'
complete -c cognitoctl -n '__cognitoctl_in log' -l since -x -d 'Not older than this, such as 2h or 3d'
complete -c cognitoctl -n '__cognitoctl_in log' -l file -r -F -d 'A journal file instead of this machine\'s'

complete -c cognitoctl -n '__cognitoctl_in explain' -l last -d 'The last sign-in instead of an id'
complete -c cognitoctl -n '__cognitoctl_in explain' -l user -x -a '(__fish_complete_users)' -d 'With --last: of this user'
complete -c cognitoctl -n '__cognitoctl_in explain' -l file -r -F -d 'A journal file instead of this machine\'s'
complete -c cognitoctl -n '__cognitoctl_argument 1 explain' -a '(__cognitoctl_ids \'[0-9a-f]*\' log -n 20)'

complete -c cognitoctl -n '__cognitoctl_in login-test' -l service -x -a '(__cognitoctl_services)' -d 'The PAM service; default: sshd'
complete -c cognitoctl -n '__cognitoctl_argument 1 login-test' -a '(__fish_complete_users)'

complete -c cognitoctl -n '__cognitoctl_at policy' -a test -d 'Show the decisions about a user at a service'
complete -c cognitoctl -n '__cognitoctl_argument 1 policy test' -a '(__fish_complete_users)'
complete -c cognitoctl -n '__cognitoctl_argument 2 policy test' -a '(__cognitoctl_services)'

complete -c cognitoctl -n '__cognitoctl_at identity' -a list -d 'List all that are pinned'
complete -c cognitoctl -n '__cognitoctl_at identity' -a pin -d 'Bind USER to the account SUB'
complete -c cognitoctl -n '__cognitoctl_at identity' -a reset -d 'Remove the pin of USER'
complete -c cognitoctl -n '__cognitoctl_in identity list' -l full -d 'Cut nothing, however wide the table is'
complete -c cognitoctl -n '__cognitoctl_argument 1 identity pin' -a '(__fish_complete_users)'
complete -c cognitoctl -n '__cognitoctl_argument 1 identity reset' -a '(__fish_complete_users)'

complete -c cognitoctl -n '__cognitoctl_at config' -a check -d 'Check users.conf and cognitod.conf with its drop-ins'
complete -c cognitoctl -n '__cognitoctl_at config' -a show -d 'Print each setting of cognitod.conf, and where it is set'
complete -c cognitoctl -n '__cognitoctl_at config' -a get -d 'Print one setting of cognitod.conf'

complete -c cognitoctl -n '__cognitoctl_at break-glass' -a open -d 'Accept local passwords for a time'
complete -c cognitoctl -n '__cognitoctl_at break-glass' -a close -d 'Stop accepting them'
complete -c cognitoctl -n '__cognitoctl_at break-glass' -a status -d 'Show the policy, and whether a window is open'
complete -c cognitoctl -n '__cognitoctl_in break-glass open' -l for -x -d '1min to 24h'
complete -c cognitoctl -n '__cognitoctl_in break-glass open' -l user -x -a '(__fish_complete_users)' -d 'For this user; may be repeated'
complete -c cognitoctl -n '__cognitoctl_in break-glass open' -l all -d 'For all Cognito users'

complete -c cognitoctl -n '__cognitoctl_at users' -a add -d 'Add an account before its first sign-in'
complete -c cognitoctl -n '__cognitoctl_at users' -a list -d 'List all accounts'
complete -c cognitoctl -n '__cognitoctl_at users' -a show -d 'Show one account'
complete -c cognitoctl -n '__cognitoctl_at users' -a lock -d 'Refuse its sign-ins; uid and files stay'
complete -c cognitoctl -n '__cognitoctl_at users' -a unlock -d 'Permit its sign-ins again'
complete -c cognitoctl -n '__cognitoctl_at users' -a remove -d 'Remove it; name and uid stay taken'
complete -c cognitoctl -n '__cognitoctl_at users' -a set-shell -d 'Change its shell'
complete -c cognitoctl -n '__cognitoctl_at users' -a rebind -d 'Let the next full sign-in pin another Cognito account'
complete -c cognitoctl -n '__cognitoctl_at users' -a rename -d 'Change its name; the uid stays'
complete -c cognitoctl -n '__cognitoctl_at users' -a migrate -d 'Move all accounts to another user pool'
complete -c cognitoctl -n '__cognitoctl_at users' -a export -d 'Print all accounts and retired names as JSON'
complete -c cognitoctl -n '__cognitoctl_at users' -a import -d 'Add the accounts of an export'
complete -c cognitoctl -n '__cognitoctl_at users' -a adopt -d 'Bind the local account NAME to the account SUB'
complete -c cognitoctl -n '__cognitoctl_in users add' -l uid -x -d 'Its uid; default: by pool, name and fleet key'
complete -c cognitoctl -n '__cognitoctl_in users add' -l shell -r -F -d 'One of accounts.conf; default: its first one'
complete -c cognitoctl -n '__cognitoctl_in users list' -l full -d 'Cut nothing, however wide the table is'
complete -c cognitoctl -n '__cognitoctl_in users lock' -l terminate -d 'End its processes, too'
complete -c cognitoctl -n '__cognitoctl_in users remove' -l yes -d 'Do not ask for confirmation'
complete -c cognitoctl -n '__cognitoctl_argument 1 users show' -a '(__cognitoctl_accounts)'
complete -c cognitoctl -n '__cognitoctl_argument 1 users lock' -a '(__cognitoctl_accounts)'
complete -c cognitoctl -n '__cognitoctl_argument 1 users unlock' -a '(__cognitoctl_accounts)'
complete -c cognitoctl -n '__cognitoctl_argument 1 users remove' -a '(__cognitoctl_accounts)'
complete -c cognitoctl -n '__cognitoctl_argument 1 users set-shell' -a '(__cognitoctl_accounts)'
complete -c cognitoctl -n '__cognitoctl_argument 1 users rebind' -a '(__cognitoctl_accounts)'
complete -c cognitoctl -n '__cognitoctl_argument 1 users rename' -a '(__cognitoctl_accounts)'
complete -c cognitoctl -n '__cognitoctl_argument 2 users set-shell' -F
complete -c cognitoctl -n '__cognitoctl_argument 1 users import' -F
complete -c cognitoctl -n '__cognitoctl_argument 1 users adopt' -a '(__fish_complete_users)'

complete -c cognitoctl -n '__cognitoctl_at directory' -a status -d 'Show the last list, and whether one is held back'
complete -c cognitoctl -n '__cognitoctl_at directory' -a accept -d 'Lock the users whom the list lacks that is held back'

complete -c cognitoctl -n '__cognitoctl_in image-prepare' -l fleet-key -d 'Remove the fleet key, too'
complete -c cognitoctl -n '__cognitoctl_in image-prepare' -l yes -d 'Do not ask for confirmation'
