#!/usr/bin/env bash
# What the chat adds to a bare fan-out: the same broadcasts to a thousand members, by
# turns through examples/broadcast.c (a group and nothing else) and through the chat of
# reefd in one room.  The bare one is sent the eight bytes of `User 1: ` more, so that
# what goes out has one size.  Prints the table of docs/performance.md:
#
#     bench/wire/chat.sh [--members N] [--rounds N] [--seconds S] [--build DIR]
#
#   --members  of the room; default 1000
#   --rounds   of which medians are taken, the servers by turns; default 5
#   --seconds  of a round; default 3
#   --build    the build with the programs; default build/release
#
# The server has processor 0 to itself and reef-bench processor 1, where there are two.
# Figures are processor time of the server, user and system, per delivery.
set -euo pipefail

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd -P)
members=1000 rounds=5 seconds=3 bin=$root/build/release/bin

say() { printf '%s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

while (($#)); do
  case $1 in
    --members) members=${2-} ;;
    --rounds) rounds=${2-} ;;
    --seconds) seconds=${2-} ;;
    --build) bin=${2-}/bin ;;
    --help) sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "$0"; exit 0 ;;
    *) say "chat.sh: unknown option $1; see --help"; exit 2 ;;
  esac
  [[ ${2-} ]] || { say "chat.sh: $1 needs a value"; exit 2; }
  shift 2
done
for program in reef-bench broadcast reefd; do
  [[ -x $bin/$program ]] || die "chat.sh: there is no $bin/$program; build it first"
done
bin=$(cd -- "$bin" && pwd -P)

pin=() client_pin=()
if (($(nproc) > 1)); then
  pin=(taskset -c 0) client_pin=(--cpu 1)
fi

work=$(mktemp -d)
server_pid=''
stop_server() {
  [[ $server_pid ]] || return 0
  kill "$server_pid" 2>/dev/null || true
  wait "$server_pid" 2>/dev/null || true
  server_pid=''
}
trap 'stop_server; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

port() {
  sed -nE 's/.*transport=websocket addr=127\.0\.0\.1:([0-9]+).*/\1/p' "$work/log" | head -n 1
}

start_server() { # bare|chat
  local tries=0 command=("$bin/broadcast")
  [[ $1 == bare ]] || command=("$bin/reefd" --set plugins.enabled=chat)
  : >"$work/log"
  (cd "$work" && exec "${pin[@]}" "${command[@]}" --set websocket.listen=127.0.0.1:0 \
    --set admin.listen=127.0.0.1:0 --set websocket.max_sessions=20000 \
    >/dev/null 2>"$work/log") &
  server_pid=$!
  until [[ $(port) ]]; do
    kill -0 "$server_pid" 2>/dev/null || die "the server ended: $(cat "$work/log")"
    ((++tries < 200)) || die "the server does not listen: $(cat "$work/log")"
    sleep 0.05
  done
}

number() { sed -nE "s/.*\"$1\":([0-9.]+).*/\1/p"; }

# median <number>...
median() { printf '%s\n' "$@" | sort -g | sed -n "$((($# + 1) / 2))p"; }

calculate() { awk "BEGIN { printf \"$1\", $2 }"; }

declare -A seen=() # "server row" → its values

# measure <bare|chat> <row> <size> [argument]...
measure() {
  local server=$1 row=$2 size=$3 json join=()
  shift 3
  [[ $server == bare ]] && size=$((size + 8)) || join=(--join '/join reef')
  start_server "$server"
  json=$("$bin/reef-bench" fanout "ws://127.0.0.1:$(port)" "${client_pin[@]}" \
    --pid "$server_pid" --json --connections "$members" --seconds "$seconds" \
    --size "$size" "${join[@]}" "$@") ||
    die "$server: reef-bench failed; the server said: $(tail -n 3 "$work/log")"
  stop_server
  seen["$server $row"]+=" $(number server_cpu_us <<<"$json")"
}

# row <title> <size> [argument]...
row() {
  local title=$1 round bare chat
  shift
  say "$title"
  for ((round = 0; round < rounds; round++)); do
    measure bare "$title" "$@"
    measure chat "$title" "$@"
  done
  # shellcheck disable=SC2086 # the values are words
  bare=$(median ${seen["bare $title"]}) chat=$(median ${seen["chat $title"]})
  # shellcheck disable=SC2016 # it is to be shown as code
  printf '| %s | %s | %s (%s) | `fanout --connections %s --join "/join reef" --size %s` |\n' \
    "$title" "$(calculate %.3g "$bare")" "$(calculate %.3g "$chat")" \
    "$(calculate %.2f "$chat / $bare")" "$members" "$*"
}

printf '| size, broadcasts in flight | bare group | chat | reef-bench |\n|---|---|---|---|\n'
row '128 B, 1' 128
row '128 B, 16' 128 --window 16
row '1 KiB, 4' 1024 --window 4
