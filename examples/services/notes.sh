#!/usr/bin/env bash
# Starts Jupyter Server in a temporary folder on loopback, sends it `examples/notes.yaml`, and stops it.
#
#     examples/services/notes.sh [MUSTER]      # the program to run, `muster` on the path if not given
#
# Needs Python 3 with venv. Exit code: that of the run.
set -euo pipefail

examples=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
muster=${1:-muster}
port=8877
folder=$(mktemp -d "${TMPDIR:-/tmp}/muster-notes.XXXXXX")
service_pid=
trap '[ -z "$service_pid" ] || kill "$service_pid" 2>/dev/null; rm -rf -- "$folder"' EXIT

python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet jupyter-server
mkdir "$folder/notes"
hash=$("$folder/venv/bin/python" -c 'from jupyter_server.auth import passwd; print(passwd("only-on-loopback"))')
"$folder/venv/bin/jupyter-server" --ip=127.0.0.1 --port="$port" --allow-root --ServerApp.open_browser=False \
    --ServerApp.root_dir="$folder/notes" --PasswordIdentityProvider.hashed_password="$hash" >"$folder/log" 2>&1 &
service_pid=$!
for ((tick = 0; tick < 200; tick++)); do
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && break
    sleep 0.1
done
"$muster" run "$examples/notes.yaml" --no-store
