#!/usr/bin/env bash
# Loads nginx, FastAPI and Express on loopback, and lays Muster's count of requests beside each service's own access log:
#
#     sent - cut off <= lines in the log <= sent
#
# so that the two are equal when nothing was cut off.
#
#     examples/services/check.sh [MUSTER]      # the program to run, `muster` on the path if not given
#
# Everything is installed in a temporary folder, which goes away at the end. What is missing on this machine is skipped
# with a word. Exit code: 0 when every comparison holds, 1 when one does not or none could be made.
set -uo pipefail

examples=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
muster=${1:-muster}
install_seconds=300
start_seconds=20
run_seconds=90
stop_seconds=10

folder=$(mktemp -d "${TMPDIR:-/tmp}/muster-check.XXXXXX")
service_pid=
checked=0
wrong=0

# Ends the service by its id: kindly first, then not.
stop() {
    [ -n "$service_pid" ] || return 0
    kill -TERM "$service_pid" 2>/dev/null
    for ((tick = 0; tick < stop_seconds * 10; tick++)); do
        kill -0 "$service_pid" 2>/dev/null || break
        sleep 0.1
    done
    kill -KILL "$service_pid" 2>/dev/null
    wait "$service_pid" 2>/dev/null
    service_pid=
}

trap 'stop; rm -rf -- "$folder"' EXIT
trap 'exit 130' INT TERM

skip() {
    printf '%-8s  skipped: %s\n' "$1" "$2"
}

has() {
    command -v "$1" >/dev/null 2>&1
}

# Connects and says nothing, which no service logs as a request.
listens() {
    (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

wait_until_it_listens() {
    for ((tick = 0; tick < start_seconds * 10; tick++)); do
        listens "$1" && return 0
        kill -0 "$service_pid" 2>/dev/null || return 1
        sleep 0.1
    done
    return 1
}

# Prints a row from the result document and the access log. Fails when they contradict each other.
compare() {
    python3 - "$@" <<'PYTHON'
import json
import sys

name, result_path, log_path, exit_code = sys.argv[1:]
with open(result_path, encoding="utf-8") as file:
    result = json.load(file)
with open(log_path, "rb") as file:
    lines = sum(1 for _ in file)
accounting = result["accounting"]
sent, cut_off = accounting["requests"]["sent"], accounting["iterations"]["cut_off"]
holds = sent > 0 and sent - cut_off <= lines <= sent
failed = sum(error["count"] for error in result["errors"])
grade = result["verdict"]["validity"]["grade"]
word = "ok" if holds else "WRONG"
print(f"{name:<8}  {sent:>8}  {cut_off:>7}  {lines:>9}  {failed:>6}  {grade:<8} {exit_code:>4}  {word}")
sys.exit(0 if holds else 1)
PYTHON
}

# check NAME PORT ACCESS_LOG COMMAND...: starts the service, runs its plan, ends the service, compares.
check() {
    local name=$1 port=$2 log=$3
    shift 3
    if listens "$port"; then
        skip "$name" "port $port is in use"
        return
    fi
    "$@" >"$folder/$name.out" 2>"$folder/$name.err" &
    service_pid=$!
    if ! wait_until_it_listens "$port"; then
        skip "$name" "it did not start: $(tail -n 1 "$folder/$name.err")"
        stop
        return
    fi
    local result="$folder/$name.json" code=0
    timeout --foreground --signal=INT --kill-after=10 "$run_seconds" \
        "$muster" run "$examples/$name.yaml" --quiet --no-store --json "$result" >"$folder/$name.report" 2>&1 || code=$?
    # The service writes its last lines before it ends.
    stop
    checked=$((checked + 1))
    if [ ! -s "$result" ]; then
        printf '%-8s  no result, exit code %s: %s\n' "$name" "$code" "$(tail -n 1 "$folder/$name.report")"
        wrong=$((wrong + 1))
    elif ! compare "$name" "$result" "$log" "$code"; then
        wrong=$((wrong + 1))
    fi
}

check_nginx() {
    has nginx || { skip nginx "there is no nginx"; return; }
    mkdir "$folder/nginx"
    check nginx 8091 "$folder/nginx/access.log" \
        nginx -p "$folder/nginx" -e stderr -c "$examples/services/nginx.conf"
}

check_fastapi() {
    local place="$folder/fastapi"
    cp -R "$examples/services/fastapi" "$place"
    python3 -m venv "$place/venv" >"$folder/install" 2>&1 || { skip fastapi "python3 makes no venv"; return; }
    timeout --foreground "$install_seconds" "$place/venv/bin/pip" install --quiet --disable-pip-version-check \
        -r "$place/requirements.txt" >"$folder/install" 2>&1 || { skip fastapi "$(tail -n 1 "$folder/install")"; return; }
    # Uvicorn's access log goes to standard output, all its other words to standard error.
    check fastapi 8092 "$folder/fastapi.out" \
        "$place/venv/bin/python" -m uvicorn app:app --app-dir "$place" --host 127.0.0.1 --port 8092
}

check_express() {
    local place="$folder/express"
    has node && has npm || { skip express "there is no node or no npm"; return; }
    cp -R "$examples/services/express" "$place"
    timeout --foreground "$install_seconds" npm install --prefix "$place" --no-audit --no-fund --no-package-lock \
        >"$folder/install" 2>&1 || { skip express "$(tail -n 1 "$folder/install")"; return; }
    check express 8093 "$folder/express.out" env PORT=8093 node "$place/server.js"
}

has "$muster" || { echo "there is no program $muster: give its path, or install it with cargo install --path coordinator"; exit 1; }
has python3 || { echo "there is no python3, which reads the results"; exit 1; }
has timeout || { echo "there is no timeout, which bounds every run"; exit 1; }

printf '%-8s  %8s  %7s  %9s  %6s  %-8s %4s\n' service sent "cut off" "log lines" errors validity exit
check_nginx
check_fastapi
check_express
if [ "$checked" -eq 0 ]; then
    echo "nothing could be compared"
    exit 1
fi
[ "$wrong" -eq 0 ]
