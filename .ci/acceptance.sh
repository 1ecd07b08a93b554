#!/usr/bin/env bash
# The product as its users use it: the demo whole and broken in every way, the same on Postgres and in the profile of
# the published Exchange traces, a lookup by hand without Go, the publishing proxy, and a short fuzz run.
set -euo pipefail
cd "$(dirname "$0")/.."
demo=bin/availdemo
fail() { echo "acceptance: $*" >&2; exit 1; }

echo '== demo'
$demo -once
echo '== demo in profile exchange'
$demo -once -profile exchange
for x in no-relationship relationship-off unknown-issuer wrong-audience expired-token no-external-url gateway-down database-down; do
	echo "== demo broken: $x"
	if out=$($demo -once -break "$x" 2>&1); then
		echo "$out"
		fail "-break $x ended with exit status 0"
	fi
	echo "$out" | grep -E '[✓✗]' || { echo "$out"; fail "-break $x printed no steps"; }
	[ "$(echo "$out" | grep -c '✗')" = 1 ] || { echo "$out"; fail "-break $x must fail exactly one step"; }
done
echo '== by hand'
docs/by-hand/run.sh
echo '== behind nginx'
deploy/nginx/test.sh
echo '== fuzz'
.ci/fuzz.sh "${FUZZTIME:-5s}"
