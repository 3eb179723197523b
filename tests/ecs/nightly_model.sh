#!/usr/bin/env bash
# Random operations on a world and its model for some minutes, each seed in a process
# of its own:
#     tests/ecs/nightly_model.sh [MINUTES [FIRST_SEED [PROGRAM]]]
# Without a first seed it begins at one of the day.  Prints the seeds; the first one
# that fails is shrunk, printed for --replay, and ends the script with status 1.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.."
minutes=${1:-10}
first=${2:-$(($(date +%Y%m%d) * 1000000))}
program=${3:-build/dev/bin/test_world_model}

end=$((SECONDS + minutes * 60))
seed=$first
output=$(mktemp)
trap 'rm -f "$output"' EXIT
while ((SECONDS < end)); do
  # A long sequence now and then: more entities, older worlds.
  ops=$((seed % 10 == 0 ? 200000 : 20000))
  if ! "$program" --seed "$seed" --ops "$ops" >"$output" 2>&1; then
    printf 'seed %s fails: %s --seed %s --ops %s\n' "$seed" "$program" "$seed" "$ops"
    cat -- "$output"
    exit 1
  fi
  seed=$((seed + 1))
  ((seed % 500 != 0)) || printf '%6d s  seeds %s to %s\n' "$SECONDS" "$first" "$((seed - 1))"
done
printf '%6d s  seeds %s to %s: no difference\n' "$SECONDS" "$first" "$((seed - 1))"
