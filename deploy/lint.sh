#!/usr/bin/env bash
# Checks the deployment files by every means that needs no engine: what a tool is missing for is said, not passed over.
set -euo pipefail
cd "$(dirname "$0")"
if command -v systemd-analyze >/dev/null; then
	# The binary is not installed here; everything else must verify.
	out=$(systemd-analyze verify systemd/availd.service 2>&1 | grep -v -e '/usr/bin/availd is not executable' -e 'Failed to create' || true)
	if echo "$out" | grep -q 'availd.service:'; then echo "$out"; exit 1; fi
else
	echo 'deploy: systemd-analyze is not here; the unit was not verified'
fi
