# Shared by ./run, ./check and .ci/*: packages and builds.  Sourced; needs $root.

say() { printf '%s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# What the program needs; ./check adds to it.
run_packages=(cmake ninja-build gcc libc6-dev pkgconf libuv1-dev libwolfssl-dev
  libcivetweb-dev libcjson-dev libsqlite3-dev libinih-dev libxxhash-dev libzstd-dev
  zlib1g-dev liburing-dev libssl-dev)

have_node() {
  local version
  command -v npm >/dev/null && version=$(node --version 2>/dev/null) || return 1
  version=${version#v}
  ((${version%%.*} >= 18))
}
# A Node of one's own is as good as Debian's.
have_node || run_packages+=(nodejs npm)

# missing_packages <package>...: prints those that are not installed
missing_packages() {
  local package installed
  installed=" $(dpkg-query -W -f '${db:Status-Status}=${Package} ' "$@" 2>/dev/null || true)"
  for package; do
    [[ $installed == *" installed=$package "* ]] || printf '%s\n' "$package"
  done
}

# need_packages <package>...: installs what is missing and asks nothing
need_packages() {
  local missing root_command=()
  if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    [[ -e $root/build/release/build.ninja ]] || say "This is not Debian: please provide" \
      "what these Debian packages contain: $*"
    return
  fi
  mapfile -t missing < <(missing_packages "$@")
  ((${#missing[@]})) || return 0
  say "Reef needs packages that are not installed here: ${missing[*]}"
  if ((EUID != 0)); then
    command -v sudo >/dev/null || die "Please run as root: apt-get install ${missing[*]}"
    say "Installing them needs root: sudo may ask for your password."
    root_command=(sudo)
  fi
  say "Installing…"
  local apt=("${root_command[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0)
  local log
  log=$(mktemp)
  # A failed update is not fatal: what is known already may be enough.
  "${apt[@]}" update >"$log" 2>&1 </dev/null || true
  if ! "${apt[@]}" install -y --no-install-recommends "${missing[@]}" >>"$log" 2>&1 </dev/null; then
    cat "$log" >&2
    rm -f "$log"
    die "Installing failed: apt-get install ${missing[*]}"
  fi
  rm -f "$log"
}

# quietly <log file> <text> <command>...: shows the text, and on a terminal
# ninja's counter, only when the command takes longer than two seconds; the
# output only when it fails.
quietly() {
  local log=$1 text=$2 pid status=0 shown='' counter
  shift 2
  "$@" >"$log" 2>&1 </dev/null &
  pid=$!
  trap 'kill "$pid" 2>/dev/null; exit 130' INT TERM
  local start=$SECONDS
  while kill -0 "$pid" 2>/dev/null; do
    if ((SECONDS - start >= 2)); then
      if [[ -t 2 ]]; then
        counter=$(grep -aoE '^\[[0-9]+/[0-9]+\]' "$log" | tail -n 1 || true)
        printf '\r%s… %s ' "$text" "$counter" >&2
        shown=newline
      elif [[ ! $shown ]]; then
        say "$text…"
        shown=yes
      fi
    fi
    sleep 0.1
  done
  wait "$pid" || status=$?
  trap - INT TERM
  [[ $shown != newline ]] || say ''
  # Without ninja's lines about what went well.
  ((status == 0)) || sed '/^\[[0-9]*\/[0-9]*\] /d' "$log" >&2
  return "$status"
}

# build <preset> [ninja argument]...: configures when needed, then builds
build() {
  local preset=$1 dir=$root/build/$1 fresh=()
  shift
  mkdir -p "$dir"
  if [[ ! -e $dir/build.ninja || $root/CMakePresets.json -nt $dir/build.ninja ]] ||
    ! grep -qsxF "CMAKE_HOME_DIRECTORY:INTERNAL=$root" "$dir/CMakeCache.txt"; then
    [[ ! -e $dir/CMakeCache.txt ]] || fresh=(--fresh)
    quietly "$dir/configure.log" "Configuring $preset" \
      cmake -S "$root" --preset "$preset" "${fresh[@]}" || return
  fi
  quietly "$dir/build.log" "Building $preset" ninja -C "$dir" "$@"
}
