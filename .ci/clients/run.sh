#!/usr/bin/env bash
# Public clients of others against a running demo: what they print is what their users see.
set -euo pipefail
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
bin/availdemo -dir "$work/demo" >"$work/demo.out" 2>&1 &
demo=$!
trap 'kill $demo 2>/dev/null || true; wait $demo 2>/dev/null || true; rm -rf "$work"' EXIT
for _ in $(seq 600); do
	grep -q 'It stays up' "$work/demo.out" && break
	kill -0 $demo 2>/dev/null || { cat "$work/demo.out"; exit 1; }
	sleep 0.1
done
/usr/bin/python3 .ci/clients/exchangelib_freebusy.py "$work/demo/demo.json"
