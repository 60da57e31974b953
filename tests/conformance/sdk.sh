#!/usr/bin/env bash
# The pinned Python clients in an environment of their own under target/; prints its Python. Needs
# python3 with venv.
set -euo pipefail
cd "$(dirname "$0")/../.."

clients=(b24pysdk==1.3.2 fast_bitrix24==1.8.14)
venv="$(realpath --canonicalize-missing "${CARGO_TARGET_DIR:-target}")/conformance-venv"

installed="$("$venv/bin/pip" freeze 2>/dev/null || true)"
for client in "${clients[@]}"; do
    if ! grep -qx "$client" <<<"$installed"; then
        python3 -m venv "$venv"
        "$venv/bin/pip" install --quiet --disable-pip-version-check "${clients[@]}"
        break
    fi
done
echo "$venv/bin/python"
