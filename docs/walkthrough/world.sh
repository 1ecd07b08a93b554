#!/usr/bin/env bash
# Runs a command, or a shell, where the names and ports of the walkthrough are real and reach nobody else: a network of its
# own with its own DNS, a new folder to work in, and the binaries on the PATH. Everything ends with the command.
# Needs Linux, unshare (util-linux), ip (iproute2) and Go.
set -euo pipefail
if [ -z "${WALKTHROUGH:-}" ]; then
	cd "$(dirname "$0")/../.."
	WALKTHROUGH=$(mktemp -d)
	trap 'rm -rf "$WALKTHROUGH"' EXIT
	export WALKTHROUGH
	CGO_ENABLED=0 go build -o "$WALKTHROUGH/bin/" ./cmd/availd ./cmd/fedgateway ./docs/walkthrough/dnsserver
	unshare --map-root-user --net --mount --pid --fork --kill-child docs/walkthrough/world.sh "$@"
	exit
fi
ip link set lo up
echo 'nameserver 127.0.0.1' >"$WALKTHROUGH/resolv.conf"
mount --bind "$WALKTHROUGH/resolv.conf" /etc/resolv.conf
export PATH=$WALKTHROUGH/bin:$PATH
mkdir -p "$WALKTHROUGH/work"
cd "$WALKTHROUGH/work"
exec "${@:-bash}"
