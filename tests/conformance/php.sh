#!/usr/bin/env bash
# PHP itself against the test portal's view of PHP, on some thousand inputs. Needs php and python3.
# Last line: "N passed, N failed".
set -euo pipefail
cd "$(dirname "$0")/../.."

target="${CARGO_TARGET_DIR:-target}"
dir="$(mktemp -d "${TMPDIR:-/tmp}/conformance.XXXXXX")"
trap 'rm -rf "$dir"' EXIT

cargo build --quiet --locked --package test-portal --example php
python3 tests/conformance/php_inputs.py 8000 >"$dir/inputs"
php -n tests/conformance/php.php <"$dir/inputs" >"$dir/php"
"$target/debug/examples/php" <"$dir/inputs" >"$dir/portal"

total="$(wc -l <"$dir/inputs")"
failed="$(paste -d '\n' "$dir/inputs" "$dir/php" "$dir/portal" | awk '
    NR % 3 == 1 { input = $0 }
    NR % 3 == 2 { php = $0 }
    NR % 3 == 0 && php != $0 {
        if (++failed <= 10) printf "%s\n  PHP    %s\n  portal %s\n", input, php, $0 > "/dev/stderr"
    }
    END { print failed + 0 }')"
echo "$((total - failed)) passed, $failed failed"
[ "$failed" -eq 0 ]
