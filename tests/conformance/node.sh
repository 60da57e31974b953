#!/usr/bin/env bash
# The pinned JavaScript SDK in a folder of its own under target/; prints the folder. Needs npm.
set -euo pipefail
cd "$(dirname "$0")/../.."

sdk="@bitrix24/b24jssdk@2.2.0"
folder="$(realpath --canonicalize-missing "${CARGO_TARGET_DIR:-target}")/conformance-node"

if ! grep -qs "\"version\": \"${sdk##*@}\"" "$folder/node_modules/@bitrix24/b24jssdk/package.json"; then
    mkdir -p "$folder"
    echo '{"private": true}' >"$folder/package.json"
    npm install --prefix "$folder" --silent --no-audit --no-fund --ignore-scripts "$sdk" >&2
fi
echo "$folder"
