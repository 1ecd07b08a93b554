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

# The image runs what its files say: the flags of the commands must exist.
bin=../bin/availd
if [ -x "$bin" ]; then
	for verb in serve migrate ready; do
		"$bin" "$verb" --help >/dev/null || { echo "deploy: availd has no verb $verb"; exit 1; }
	done
	for name in $(grep -ohE 'AVAILD_[A-Z_]+' Dockerfile compose.yaml systemd/availd.service | sort -u); do
		flag=$(tr 'A-Z_' 'a-z-' <<<"${name#AVAILD_}")
		"$bin" serve --help 2>&1 | grep -qE -- "--(${flag}|${flag%-file}) " || { echo "deploy: $name sets no flag of availd serve"; exit 1; }
	done
else
	echo 'deploy: bin/availd is not built; verbs and settings were not checked'
fi
