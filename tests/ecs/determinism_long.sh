#!/usr/bin/env bash
# The battle of test_determinism for longer, on 1, 2 and 4 workers, a line with the three
# hashes per 10,000 ticks:
#     tests/ecs/determinism_long.sh [TICKS [PROGRAM]]
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.."
exec "${2:-build/dev/bin/test_determinism}" --ticks "${1:-100000}"
