#!/usr/bin/env bash
# The official Python SDK against the test portal. Needs python3 with venv; leaves everything under
# target/. Last line: "N passed, 0 failed".
set -euo pipefail
cd "$(dirname "$0")/../.."

target="${CARGO_TARGET_DIR:-target}"
python="$(bash tests/conformance/sdk.sh)"
dir="$(mktemp -d "${TMPDIR:-/tmp}/conformance.XXXXXX")"

cargo build --quiet --locked --example portal
"$target/debug/examples/portal" --dir "$dir" --contacts 120 >"$dir/output" &
portal=$!
trap 'kill "$portal" 2>/dev/null || true; wait "$portal" 2>/dev/null || true; rm -rf "$dir"' EXIT

# The portal prints its addresses once it listens.
for _ in $(seq 100); do
    control="$(sed -n 's/^control *//p' "$dir/output")"
    [ -n "$control" ] && break
    sleep 0.1
done
[ -n "$control" ] || { echo "the portal did not start" >&2; exit 1; }

"$python" tests/conformance/run.py "$control"
