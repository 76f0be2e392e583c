#!/bin/sh
# The main job on the embedded sandbox: plan, create, plan again, change, update, send, collect. Nothing leaves this machine.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
PATH="$root/.venv/bin:$PATH"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -R "$root/examples/scenarios/vk-sms/." "$work"
cd "$work"

# Show a command so that it can be copied, and run it.
run() {
    printf '\n$'
    for word; do
        case $word in
        *[!A-Za-z0-9_./=:@,-]*) printf " '%s'" "$word" ;;
        *) printf ' %s' "$word" ;;
        esac
    done
    printf '\n'
    "$@"
}

run cat scenarios/vk-sms.yaml
run omnictl plan --sandbox
run omnictl apply --sandbox --yes
run omnictl plan --sandbox
run sed -i.before 's/InfoSMS/BRAND/' scenarios/vk-sms.yaml
rm -f scenarios/vk-sms.yaml.before
run omnictl plan --sandbox
run omnictl apply --sandbox --yes
run omnictl output --sandbox --format dotenv
run omnictl send vk-sms --sandbox --to 41793026731 \
    --text 'VKONTAKTE=This is VK message.' --text 'SMS=This is the SMS failover message'
run omnictl reports pull --sandbox
printf '\nThat was the sandbox. With an account the same commands work without --sandbox.\n'
