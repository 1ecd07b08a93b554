#!/usr/bin/env bash
# The product as its users use it: the demo whole and broken in every way, the same on Postgres and in the profile of
# the published Exchange traces, a lookup by hand without Go, the publishing proxy, clients of others, every benchmark
# once (a benchmark that fails measures nothing), and a short fuzz run. Ends with "N passed, N failed".
set -uo pipefail
cd "$(dirname "$0")/.."
demo=bin/availdemo
passed=0 failed=0
out=$(mktemp)
trap 'rm -f "$out"' EXIT

# check NAME COMMAND…: runs it, and shows its output where it fails.
check() {
	local name=$1 start=$SECONDS
	shift
	if "$@" >"$out" 2>&1; then
		passed=$((passed + 1))
		echo "ok    $name ($((SECONDS - start)) s)"
	else
		failed=$((failed + 1))
		cat "$out"
		echo "FAIL  $name"
	fi
}

# whole ARGS…: eleven steps, all done, exit status 0.
whole() {
	local text
	text=$($demo -once "$@") || { echo "$text"; return 1; }
	echo "$text"
	[ "$(grep -c '^✓' <<<"$text")" = 11 ] && ! grep -q '^✗' <<<"$text"
}

# broken X STEP CAUSE ARGS…: every step before STEP done, STEP failed with CAUSE on one line, nothing after, exit status
# not 0.
broken() {
	local x=$1 step=$2 cause=$3 text
	shift 3
	if text=$($demo -once -break "$x" "$@" 2>&1); then
		echo "$text"
		echo 'exit status 0'
		return 1
	fi
	echo "$text"
	[ "$(grep -cE '^[✓✗]' <<<"$text")" = "$step" ] && [ "$(grep -c '^✗' <<<"$text")" = 1 ] &&
		grep -qE "^✗ +$step " <<<"$text" && grep -A1 '^✗' <<<"$text" | tail -n 1 | grep -qi -- "$cause"
}

check 'demo' whole
check 'demo -profile exchange' whole -profile exchange
check 'demo -postgres' whole -postgres
check 'break no-relationship' broken no-relationship 8 'no organization relationship'
check 'break relationship-off' broken relationship-off 8 'disabled'
check 'break unknown-issuer' broken unknown-issuer 7 'signature'
check 'break wrong-audience' broken wrong-audience 7 'audience'
check 'break expired-token' broken expired-token 7 'expired'
check 'break no-external-url' broken no-external-url 6 'ExternalEwsUrl'
check 'break gateway-down' broken gateway-down 3 'connection refused'
check 'break database-down' broken database-down 7 'store'
check 'break database-down -postgres' broken database-down 7 'store' -postgres
check 'by hand' docs/by-hand/run.sh
check 'behind nginx' deploy/nginx/test.sh
check 'clients of others' .ci/clients/run.sh
grep -E 'as the key has them|skipped' "$out" | sed 's/^/      /' || true
check 'walkthrough' go test -count=1 -run '^TestEveryCommand' ./docs/walkthrough
check 'benchmarks, once each' go test -count=1 -run '^$' -bench . -benchtime 1x ./...
check 'fuzz' .ci/fuzz.sh "${FUZZTIME:-5s}"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
