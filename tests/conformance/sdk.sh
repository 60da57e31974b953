#!/usr/bin/env bash
# The pinned official Python SDK in an environment of its own under target/; prints its Python. Needs
# python3 with venv.
set -euo pipefail
cd "$(dirname "$0")/../.."

sdk="b24pysdk==1.3.2"
venv="$(realpath --canonicalize-missing "${CARGO_TARGET_DIR:-target}")/conformance-venv"

if ! "$venv/bin/pip" freeze 2>/dev/null | grep -qx "$sdk"; then
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check "$sdk"
fi
echo "$venv/bin/python"
