#!/usr/bin/env bash
# Measures servers beside each other and prints the tables of docs/performance.md:
#
#     bench/wire/compare.sh [--servers LIST] [--rows LIST] [--rounds N] [--seconds S]
#                           [--build DIR]
#
#   --servers  of uv, reef, lws, ws; default: uv and those that are built or installed.
#              Behind reef may stand settings, so that one run compares them:
#              uv,reef,reef+server.egress=uv,reef+server.egress=uring+server.io_threads=2
#   --rows     of echo, fanout, idle, stall, connect, tcp, udp, tls, tls-idle and
#              tls-connect; default: all.  tcp and udp are for uv and reef only, uv
#              being a bare recvmmsg() and sendmmsg() then; with TLS it is libuv and
#              OpenSSL
#   --rounds   of which medians are taken, the servers by turns; default 3
#   --seconds  of a round; default 2
#   --build    the build with the programs; default build/release
#
# Every server has processor 0 to itself and reef-bench processor 1, where there are
# two.  Figures are processor time of the server, user and system, per message; in
# brackets what it is as a multiple of bare libuv's.  npm ws takes part after
# `npm ci --prefix bench/peers`.
set -euo pipefail

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd -P)
servers='' rounds=3 seconds=2
rows=echo,fanout,idle,stall,connect,tcp,udp,tls,tls-idle,tls-connect
bin=$root/build/release/bin

say() { printf '%s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

while (($#)); do
  case $1 in
    --servers) servers=${2-} ;;
    --rows) rows=${2-} ;;
    --rounds) rounds=${2-} ;;
    --seconds) seconds=${2-} ;;
    --build) bin=${2-}/bin ;;
    --help) sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "$0"; exit 0 ;;
    *) say "compare.sh: unknown option $1; see --help"; exit 2 ;;
  esac
  [[ ${2-} ]] || { say "compare.sh: $1 needs a value"; exit 2; }
  shift 2
done
[[ -x $bin/reef-bench ]] || die "compare.sh: there is no $bin/reef-bench; build it first"
bin=$(cd -- "$bin" && pwd -P)
if [[ ! $servers ]]; then
  servers=uv,reef
  [[ ! -x $bin/peer_lws ]] || servers+=,lws
  [[ ! -d $root/bench/peers/node_modules/ws ]] || servers+=,ws
fi
IFS=, read -ra server_list <<<"$servers"
for name in "${server_list[@]}"; do
  [[ $name =~ ^(uv|lws|ws|reef(\+.*)?)$ ]] || { say "compare.sh: unknown server $name"; exit 2; }
done
[[ $rows =~ ^((echo|fanout|idle|stall|connect|tcp|udp|tls|tls-idle|tls-connect)(,|$))+$ ]] ||
  { say "compare.sh: unknown rows $rows; see --help"; exit 2; }

pin=() client_pin=()
if (($(nproc) > 1)); then
  pin=(taskset -c 0) client_pin=(--cpu 1)
fi

work=$(mktemp -d)
server_pid='' load_pid=''
stop_server() {
  [[ $server_pid ]] || return 0
  kill "$server_pid" 2>/dev/null || true
  wait "$server_pid" 2>/dev/null || true
  server_pid=''
}
stop_load() {
  [[ $load_pid ]] || return 0
  kill "$load_pid" 2>/dev/null || true
  wait "$load_pid" 2>/dev/null || true
  load_pid=''
}
trap 'stop_load; stop_server; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

# A certificate for the peers; Reef makes its own.
need_certificate() {
  [[ ! -e $work/cert.pem ]] || return 0
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
    -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1 -keyout "$work/key.pem" \
    -out "$work/cert.pem" 2>"$work/log" || die "openssl req failed: $(cat "$work/log")"
}

# peer_command <uv|lws|ws> <kind> <size>: sets command and scheme
peer_command() {
  local flags=()
  [[ $2 != fanout ]] || flags=(--fanout)
  if [[ $2 == tls ]]; then
    need_certificate
    flags=(--tls "$work/cert.pem" "$work/key.pem")
  fi
  scheme=ws
  case $1,$2 in
    uv,tls) command=("$bin/peer_uv_tls_echo" "${flags[@]}") scheme=tcps ;;
    uv,udp) command=("$bin/peer_udp_echo") scheme=udp ;;
    uv,tcp) command=("$bin/peer_uv_echo") scheme=tcp+varint ;;
    uv,*) command=("$bin/peer_uv_echo" "${flags[@]}" --size "$3") scheme=tcp ;;
    lws,*) command=("$bin/peer_lws" "${flags[@]}") ;;
    ws,*) command=(node "$root/bench/peers/ws.mjs" "${flags[@]}") ;;
  esac
  [[ $1,$2 != [lw]*,tls ]] || scheme=wss
}

# reef_command <reef[+setting]...> <kind>: sets command and scheme
reef_command() {
  local settings setting
  command=("$bin/echo") scheme=ws
  [[ $2 != fanout ]] || command=("$bin/broadcast")
  command+=(--set websocket.listen=127.0.0.1:0 --set admin.listen=127.0.0.1:0
    --set websocket.max_sessions=20000)
  case $2 in
    tcp) command+=(--set tcp.listen=127.0.0.1:0) scheme=tcp+varint ;;
    udp) command+=(--set udp.listen=127.0.0.1:0) scheme=udp ;;
    tls) command+=(--set wss.listen=127.0.0.1:0 --set wss.dev=true) scheme=wss ;;
  esac
  IFS=+ read -ra settings <<<"$1"
  for setting in "${settings[@]:1}"; do command+=(--set "$setting"); done
}

# port_of <transport>: where the server listens, by its log; nothing if it does not yet
port_of() {
  sed -nE "s/.*listening port=([0-9]+)$/\1/p;
    s/.*transport=$1 addr=127\.0\.0\.1:([0-9]+).*/\1/p" "$work/log" | head -n 1
}

# start_server <server> <echo|fanout|tcp|udp|tls> <size>: sets server_pid, url, and
# with TLS the url of a client without it, where the server has both
start_server() {
  local name=$1 tries=0 port='' transport command scheme
  if [[ $name == reef* ]]; then
    reef_command "$name" "$2"
  else
    peer_command "$name" "$2" "$3"
  fi
  [[ -x $(command -v "${command[0]}") ]] || die "compare.sh: there is no ${command[0]}"
  transport=${scheme%+*}
  [[ $transport != ws ]] || transport=websocket
  : >"$work/log"
  (cd "$work" && exec "${pin[@]}" "${command[@]}" >/dev/null 2>"$work/log") &
  server_pid=$!
  while [[ ! $port ]]; do
    kill -0 "$server_pid" 2>/dev/null || die "$name ended: $(cat "$work/log")"
    ((++tries < 200)) || die "$name does not listen: $(cat "$work/log")"
    sleep 0.05
    port=$(port_of "$transport")
  done
  url=$scheme://127.0.0.1:$port
  plain_url=ws://127.0.0.1:$(port_of websocket)
}

# number <key>: of the JSON document on standard input
number() { sed -nE "s/.*\"$1\":([0-9.]+).*/\1/p"; }

# median <number>...
median() { printf '%s\n' "$@" | sort -g | sed -n "$((($# + 1) / 2))p"; }

calculate() { awk "BEGIN { printf \"$1\", $2 }"; }

declare -A seen=()   # "row server figure" → its values
declare -A agreed=() # server → version and cipher

# measure <row> <server> <kind> <size> <figures> <mode> [argument]...
measure() {
  local row=$1 name=$2 kind=$3 size=$4 figures=$5 mode=$6 json figure
  shift 6
  start_server "$name" "$kind" "$size"
  json=$("$bin/reef-bench" "$mode" "$url" "${client_pin[@]}" --pid "$server_pid" \
    --json "$@") || die "$name: reef-bench $mode $* failed; the server said: $(tail -n 3 "$work/log")"
  stop_server
  [[ $kind != tls ]] || agreed["$name"]=$(sed -nE 's/.*"version":"([^"]*)","cipher":"([^"]*)".*/\1 \2/p' <<<"$json")
  for figure in $figures; do
    seen["$row $name $figure"]+=" $(number "$figure" <<<"$json")"
  done
}

# figure <row> <server> <figure>: the median of what was seen
figure() {
  # shellcheck disable=SC2086 # the values are words
  median ${seen["$1 $2 $3"]}
}

title() { # server
  case $1 in
    uv) echo 'bare libuv' ;;
    lws) echo libwebsockets ;;
    ws) echo 'npm ws' ;;
    reef*) echo "${1//+/, }" ;;
  esac
}

heading() { # text before, then the servers, text behind
  local line="| $1 |" rule='|---|' name
  for name in "${server_list[@]}"; do
    line+=" $(title "$name") |"
    rule+='---|'
  done
  printf '%s\n' "$line ${2-reef-bench} |" "$rule---|"
}

# time_row <row> <kind> <size> [argument]...: CPU-µs per message, by turns
time_row() {
  local row=$1 kind=$2 size=$3 name round line value base='' mode=echo
  shift 3
  [[ $kind != fanout ]] || mode=fanout
  say "$row"
  for ((round = 0; round < rounds; round++)); do
    for name in "${server_list[@]}"; do
      measure "$row" "$name" "$kind" "$size" server_cpu_us "$mode" --size "$size" \
        --seconds "$seconds" "$@"
    done
  done
  [[ " ${server_list[*]} " != *' uv '* ]] || base=$(figure "$row" uv server_cpu_us)
  line="| $row |"
  for name in "${server_list[@]}"; do
    value=$(figure "$row" "$name" server_cpu_us)
    line+=" $(calculate %.3g "$value")"
    [[ ! $base || $name == uv ]] || line+=" ($(calculate %.2f "$value / $base"))"
    line+=' |'
  done
  printf '%s\n' "$line \`$mode --size $size $*\` |"
}

echo_rows() {
  printf '\nEcho, CPU-µs per message:\n\n'
  heading 'size, connections × in flight'
  time_row '16 B, 64 × 1' echo 16 --connections 64
  time_row '128 B, 64 × 1' echo 128 --connections 64
  time_row '128 B, 1000 × 1' echo 128 --connections 1000
  time_row '128 B, 64 × 16' echo 128 --connections 64 --pipeline 16
  time_row '4 KiB, 64 × 16' echo 4096 --connections 64 --pipeline 16
  time_row '64 KiB, 64 × 1' echo 65536 --connections 64
}

fanout_rows() {
  printf '\nFan-out, CPU-µs per delivery (W = broadcasts in flight):\n\n'
  heading 'size, members, W'
  time_row '128 B, 1000, W = 1' fanout 128 --connections 1000
  time_row '128 B, 1000, W = 16' fanout 128 --connections 1000 --window 16
  time_row '128 B, 5000, W = 1' fanout 128 --connections 5000
  time_row '4 KiB, 1000, W = 4' fanout 4096 --connections 1000 --window 4
}

idle_row() {
  local name line='| bytes each, load |' round
  say idle
  for ((round = 0; round < rounds; round++)); do
    for name in "${server_list[@]}"; do
      measure idle "$name" echo 128 'server_bytes_per_connection server_load' idle \
        --connections 10000 --seconds 5
    done
  done
  for name in "${server_list[@]}"; do
    line+=" $(calculate %.0f "$(figure idle "$name" server_bytes_per_connection)") B,"
    line+=" $(calculate %.2f "100 * $(figure idle "$name" server_load)") % |"
  done
  printf '\n10,000 idle connections:\n\n'
  heading ''
  printf '%s\n' "$line \`idle --connections 10000\` |"
}

# Four seconds before the first round: until then the socket takes what is not read.
stall_row() {
  local name line='| p99, ms |' round with without
  local arguments=(--size 1024 --connections 1000 --rate 50 --warmup 4s --seconds 5)
  say 'stalled reader'
  for ((round = 0; round < rounds; round++)); do
    for name in "${server_list[@]}"; do
      measure without "$name" fanout 1024 p99 fanout "${arguments[@]}"
      measure with "$name" fanout 1024 p99 fanout "${arguments[@]}" --stall 1
    done
  done
  for name in "${server_list[@]}"; do
    with=$(figure with "$name" p99) without=$(figure without "$name" p99)
    line+=" $(calculate %.1f "$with / 1000"), without $(calculate %.1f "$without / 1000")"
    line+=" ($(calculate %.2f "$with / $without")) |"
  done
  printf '\nOne of 1000 members does not read:\n\n'
  heading ''
  printf '%s\n' "$line \`fanout ${arguments[*]} --stall 1\` |"
}

connect_row() {
  local name line='| CPU-µs each |' left='| left behind |'
  say '100,000 connects'
  for name in "${server_list[@]}"; do
    measure connect "$name" echo 128 \
      'server_cpu_us server_descriptors_before server_descriptors_after server_memory_early server_memory_after' \
      connect --total 100000
  done
  for name in "${server_list[@]}"; do
    line+=" $(calculate %.1f "$(figure connect "$name" server_cpu_us)") |"
    left+=" $(calculate %d "$(figure connect "$name" server_descriptors_after) - $(figure connect "$name" server_descriptors_before)") descriptors,"
    left+=" $(calculate %.0f "($(figure connect "$name" server_memory_after) - $(figure connect "$name" server_memory_early)) / 1024") KiB |"
  done
  printf '\n100,000 connections opened and closed (memory after all against after a tenth):\n\n'
  heading ''
  printf '%s\n' "$line \`connect --total 100000\` |" "$left |"
}

# Those of the servers that speak nothing but WebSocket take no part.
without_websocket() {
  local name all=("${server_list[@]}")
  server_list=()
  for name in "${all[@]}"; do
    [[ $name == lws || $name == ws ]] || server_list+=("$name")
  done
}

tcp_rows() {
  local server_list=("${server_list[@]}")
  without_websocket
  printf '\nEcho over TCP, VarInt lengths, CPU-µs per message:\n\n'
  heading 'size, connections × in flight'
  time_row '128 B, 64 × 1, TCP' tcp 128 --connections 64
  time_row '128 B, 1000 × 1, TCP' tcp 128 --connections 1000
  time_row '128 B, 64 × 16, TCP' tcp 128 --connections 64 --pipeline 16
}

udp_rows() {
  local server_list=("${server_list[@]}")
  without_websocket
  printf '\nEcho over UDP, CPU-µs per message (bare: recvmmsg and sendmmsg):\n\n'
  heading 'size, sockets × in flight' | sed 's/bare libuv/bare/'
  time_row '128 B, 64 × 1, UDP' udp 128 --connections 64
  time_row '128 B, 64 × 16, UDP' udp 128 --connections 64 --pipeline 16
}

# tls_row <row> <size> [argument]...: CPU-µs per message by TLS, what of it TLS adds, in
# brackets as a multiple of bare libuv without
tls_row() {
  local row=$1 size=$2 name round line base='' added with
  shift 2
  say "$row"
  for ((round = 0; round < rounds; round++)); do
    for name in "${server_list[@]}"; do
      measure "$row plain" "$name" echo "$size" server_cpu_us echo --size "$size" \
        --seconds "$seconds" "$@"
      measure "$row" "$name" tls "$size" server_cpu_us echo --size "$size" \
        --seconds "$seconds" "$@"
    done
  done
  [[ " ${server_list[*]} " != *' uv '* ]] || base=$(figure "$row plain" uv server_cpu_us)
  line="| ${row% by TLS} |"
  for name in "${server_list[@]}"; do
    with=$(figure "$row" "$name" server_cpu_us)
    added=$(calculate %.6f "$with - $(figure "$row plain" "$name" server_cpu_us)")
    line+=" $(calculate %.3g "$with"): $(calculate %+.3g "$added")"
    [[ ! $base ]] || line+=" ($(calculate %.2f "$added / $base"))"
    line+=' |'
  done
  printf '%s\n' "$line \`echo --size $size $*\` |"
}

print_agreed() {
  local name
  printf '\nAgreed upon:'
  for name in "${server_list[@]}"; do
    printf ' %s: %s.' "$(title "$name")" "${agreed[$name]}"
  done
  printf '\n'
}

tls_rows() {
  printf '\nEcho by TLS, CPU-µs per message: what TLS adds (× bare libuv without):\n\n'
  heading 'size, connections × in flight'
  tls_row '128 B, 64 × 1 by TLS' 128 --connections 64
  tls_row '128 B, 64 × 16 by TLS' 128 --connections 64 --pipeline 16
  tls_row '4 KiB, 64 × 16 by TLS' 4096 --connections 64 --pipeline 16
  print_agreed
}

tls_idle_row() {
  local name line='| bytes each |' round
  say '2000 idle connections by TLS'
  for ((round = 0; round < rounds; round++)); do
    for name in "${server_list[@]}"; do
      measure tls-idle "$name" tls 128 server_bytes_per_connection idle \
        --connections 2000 --seconds 2
    done
  done
  for name in "${server_list[@]}"; do
    line+=" $(calculate %.0f "$(figure tls-idle "$name" server_bytes_per_connection)") B |"
  done
  printf '\n2000 idle connections by TLS:\n\n'
  heading ''
  printf '%s\n' "$line \`idle --connections 2000\` |"
}

# For eight seconds; these clients give way to the one that is measured.
start_handshakes() {
  local yield=(nice -n 19)
  ! chrt -i 0 true 2>/dev/null || yield=(chrt -i 0)
  "${yield[@]}" "$bin/reef-bench" connect "$url" "${client_pin[@]}" --seconds 8 \
    --at-once 200 --timeout 60 --json >"$work/load" 2>&1 &
  load_pid=$!
}

# p99_beside_handshakes <server>: of a client without TLS, alone and beside 200 that
# connect by TLS all the time; and how many of those connects there are a second
p99_beside_handshakes() {
  local name=$1 row json arguments=(--connections 50 --rate 2000 --seconds 5 --warmup 1s)
  for row in alone beside; do
    start_server "$name" tls 128
    [[ $row == alone ]] || start_handshakes
    json=$("$bin/reef-bench" rate "$plain_url" "${client_pin[@]}" --json \
      "${arguments[@]}") || die "$name: reef-bench rate failed"
    if [[ $row == beside ]]; then
      wait "$load_pid" || die "$name: connecting failed: $(cat "$work/load")"
      load_pid=''
      seen["beside $name rate"]+=" $(number connects_per_s <"$work/load")"
    fi
    stop_server
    seen["$row $name p99"]+=" $(number p99 <<<"$json")"
  done
}

tls_connect_row() {
  local name round full='| full handshake |' resumed='| resumed |' p99='| p99, ms |'
  local alone beside
  say '5000 connects by TLS'
  for ((round = 0; round < rounds; round++)); do
    for name in "${server_list[@]}"; do
      measure tls-full "$name" tls 128 server_cpu_us connect --total 5000
      measure tls-resumed "$name" tls 128 server_cpu_us connect --total 5000 --resume
      [[ $name != reef* ]] || p99_beside_handshakes "$name"
    done
  done
  for name in "${server_list[@]}"; do
    full+=" $(calculate %.0f "$(figure tls-full "$name" server_cpu_us)") |"
    resumed+=" $(calculate %.0f "$(figure tls-resumed "$name" server_cpu_us)") |"
    if [[ $name == reef* ]]; then
      alone=$(figure alone "$name" p99) beside=$(figure beside "$name" p99)
      p99+=" $(calculate %.2f "$beside / 1000") beside"
      p99+=" $(calculate %.0f "$(figure beside "$name" rate)")/s,"
      p99+=" $(calculate %.2f "$alone / 1000") alone |"
    else
      p99+=' – |'
    fi
  done
  printf '\nConnections by TLS, CPU-µs each; echo of others beside 200 handshakes:\n\n'
  heading ''
  printf '%s\n' "$full \`connect --total 5000\` |" \
    "$resumed \`connect --total 5000 --resume\` |" \
    "$p99 \`rate --connections 50 --rate 2000\` |"
  print_agreed
}

IFS=, read -ra row_list <<<"$rows"
for row in "${row_list[@]}"; do
  case $row in
    echo) echo_rows ;;
    fanout) fanout_rows ;;
    idle) idle_row ;;
    stall) stall_row ;;
    connect) connect_row ;;
    tcp) tcp_rows ;;
    udp) udp_rows ;;
    tls) tls_rows ;;
    tls-idle) tls_idle_row ;;
    tls-connect) tls_connect_row ;;
    *) die "compare.sh: unknown rows $row; see --help" ;;
  esac
done
