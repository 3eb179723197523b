#!/usr/bin/env bash
# How well-behaved clients fare while others mean harm: latency of a WebSocket echo at a
# steady rate, alone and beside each flood of bench/wire/flood.py, and what the server's
# memory has become afterwards.  Prints the table of docs/performance.md:
#
#     bench/wire/harm.sh [--rounds N] [--seconds S] [--build DIR]
#
#   --rounds   of which medians are taken, the floods by turns; default 3
#   --seconds  of a round; default 4
#   --build    the build with the programs; default build/release
#
# The server has processor 0 to itself, where there are two; both kinds of client share
# the other, so that a part of what a flood adds is theirs.
set -euo pipefail

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd -P)
rounds=3 seconds=4 bin=$root/build/release/bin

say() { printf '%s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

while (($#)); do
  case $1 in
    --rounds) rounds=${2-} ;;
    --seconds) seconds=${2-} ;;
    --build) bin=${2-}/bin ;;
    --help) sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "$0"; exit 0 ;;
    *) say "harm.sh: unknown option $1; see --help"; exit 2 ;;
  esac
  [[ ${2-} ]] || { say "harm.sh: $1 needs a value"; exit 2; }
  shift 2
done
[[ -x $bin/reef-bench ]] || die "harm.sh: there is no $bin/reef-bench; build it first"

pin=() client_pin=() flood_pin=()
if (($(nproc) > 1)); then
  pin=(taskset -c 0) client_pin=(--cpu 1) flood_pin=(taskset -c 1)
fi

work=$(mktemp -d)
server_pid='' flood_pid=''
stop() { # pid
  [[ $1 ]] || return 0
  kill "$1" 2>/dev/null || true
  wait "$1" 2>/dev/null || true
}
trap 'stop "$flood_pid"; stop "$server_pid"; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

address_of() { # transport
  sed -nE "s/.*transport=$1 addr=([0-9.:]+).*/\\1/p" "$work/log" | head -n 1
}

start_server() {
  local tries=0
  : >"$work/log"
  (cd "$work" && exec "${pin[@]}" "$bin/echo" --set websocket.listen=127.0.0.1:0 \
    --set wss.listen=127.0.0.1:0 --set wss.dev=true --set tcp.listen=127.0.0.1:0 \
    --set udp.listen=127.0.0.1:0 --set admin.listen=127.0.0.1:0 \
    --set udp.max_sessions=1000 >/dev/null 2>"$work/log") &
  server_pid=$!
  until [[ $(address_of udp) && $(address_of admin) ]]; do
    kill -0 "$server_pid" 2>/dev/null || die "the server ended: $(cat "$work/log")"
    ((++tries < 200)) || die "the server does not listen: $(cat "$work/log")"
    sleep 0.05
  done
}

memory_kib() { sed -nE 's/^VmRSS:\s*([0-9]+).*/\1/p' "/proc/$server_pid/status"; }

# number <key>: of the JSON document on standard input
number() { sed -nE "s/.*\"$1\":([0-9.]+).*/\1/p"; }

median() { printf '%s\n' "$@" | sort -g | sed -n "$((($# + 1) / 2))p"; }

declare -A p50=() p99=() sent=() grown=()

# measure <kind> <transport that is flooded>
measure() {
  local kind=$1 before json
  start_server
  before=$(memory_kib)
  if [[ $kind != quiet ]]; then
    "${flood_pin[@]}" python3 "$root/bench/wire/flood.py" "$kind" "$(address_of "$2")" \
      "$((seconds + 2))" >"$work/sent" &
    flood_pid=$!
  fi
  json=$("$bin/reef-bench" rate "ws://$(address_of websocket)" "${client_pin[@]}" \
    --connections 64 --rate 2000 --warmup 1s --seconds "$seconds" --json) ||
    die "reef-bench failed beside $kind; the server said: $(tail -n 3 "$work/log")"
  if [[ $kind != quiet ]]; then
    wait "$flood_pid" || die "the flood failed"
    flood_pid=''
    sent[$kind]=$(<"$work/sent")
  fi
  p50[$kind]+=" $(number p50 <<<"$json")"
  p99[$kind]+=" $(number p99 <<<"$json")"
  grown[$kind]+=" $(($(memory_kib) - before))"
  stop "$server_pid"
  server_pid=''
}

for ((round = 0; round < rounds; round++)); do
  say "round $((round + 1))"
  measure quiet -
  measure udp udp
  measure tls wss
  measure handshake wss
  measure tcp tcp
done

row() { # kind, title
  # shellcheck disable=SC2086 # the values are words
  printf '| %s | %s | %s | %s | %s |\n' "$2" "${sent[$1]-}" "$(median ${p50[$1]})" \
    "$(median ${p99[$1]})" "$(median ${grown[$1]})"
}
printf '| beside | sent in a round | p50, µs | p99, µs | memory grew, KiB |\n|---|---|---|---|---|\n'
row quiet 'nothing'
row udp 'datagrams from thousands of addresses'
row tls 'garbage instead of TLS'
row handshake 'TLS handshakes that stop half-way, 200 at a time'
row tcp 'wrong lengths on TCP'
