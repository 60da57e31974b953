#!/usr/bin/env bash
# The clients that people use, and PHP itself, against the test portal. Needs what the other scripts
# here need; leaves everything under target/. Each part ends with a line "N passed, 0 failed".
set -euo pipefail
cd "$(dirname "$0")/../.."

target="${CARGO_TARGET_DIR:-target}"
python="$(bash tests/conformance/sdk.sh)"
node_folder="$(bash tests/conformance/node.sh)"
dir="$(mktemp -d "${TMPDIR:-/tmp}/conformance.XXXXXX")"
portal=
trap 'stop; rm -rf "$dir"' EXIT

cargo build --quiet --locked --example portal

stop() {
    [ -z "$portal" ] || kill "$portal" 2>/dev/null || true
    [ -z "$portal" ] || wait "$portal" 2>/dev/null || true
    portal=
}

# Runs a client against a portal of its own; the control interface's address comes last.
against_a_portal() {
    printf -- '-- %s\n' "$1"
    shift
    "$target/debug/examples/portal" --dir "$dir" --contacts 120 >"$dir/output" &
    portal=$!
    # The portal prints its addresses once it listens.
    control=
    for _ in $(seq 100); do
        control="$(sed -n 's/^control *//p' "$dir/output")"
        [ -z "$control" ] || break
        sleep 0.1
    done
    [ -n "$control" ] || { echo "the portal did not start" >&2; exit 1; }
    "$@" "$control"
    stop
}

against_a_portal b24pysdk "$python" tests/conformance/run.py
against_a_portal fast_bitrix24 "$python" tests/conformance/drain_fast.py
against_a_portal b24jssdk node tests/conformance/drain_js.mjs "$node_folder"
echo "-- PHP"
bash tests/conformance/php.sh
