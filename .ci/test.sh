#!/usr/bin/env bash
# Every test, shuffled; with the race detector where a C compiler is there. Ends with the runner's own closing line.
set -euo pipefail
cd "$(dirname "$0")/.."
flags=(-shuffle=on -count=1 -timeout=20m)
if command -v gcc >/dev/null; then
	export CGO_ENABLED=1
	flags+=(-race)
fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT
status=0
go test -json "${flags[@]}" ./... >"$log" || status=$?
go run ./.ci/testsummary -ran docs/seed.tsv <"$log" || status=1
exit "$status"
