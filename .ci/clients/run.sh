#!/usr/bin/env bash
# Clients of others against a running demo: what each understands of own users' and partners' free/busy, in every view
# and two time zones, is compared with an answer key that dateutil computes from the calendar files; what it understands of
# the other operations, with the table of what the commands of world.sh have set. A client that is not installed is skipped with
# one line; those of Debian fail instead where CI=true.
# Usage: run.sh [CLIENT…]
set -euo pipefail
cd "$(dirname "$0")/../.."
here=.ci/clients
debian=(curl operations exchangelib exchangelib_calendar exchangelib_directory zeep davmail)
optional=(evolution) # half a desktop, and the right to mount
npm=(soap node_ews ews_javascript_api ews_javascript_api_calendar ews_javascript_api_directory)
packages=(ews-javascript-api@0.15.3 soap@1.13.0 node-ews@3.5.0 ntlm-client@0.1.1) # node-ews forgets to name the last
clients=("$@")
[ ${#clients[@]} -gt 0 ] || clients=("${debian[@]}" "${optional[@]}" "${npm[@]}")
export PATH="/usr/bin:$PATH" # Debian's Python has Debian's modules
python3 -c 'import dateutil' 2>/dev/null || { echo 'clients: skipped, there is no python3-dateutil for the answer key'; [ "${CI:-}" != true ]; exit; }

work=$(mktemp -d)
bin/availdemo -dir "$work/demo" >"$work/demo.out" 2>&1 &
demo=$!
trap 'kill $demo 2>/dev/null || true; wait $demo 2>/dev/null || true; rm -rf "$work"' EXIT
for _ in $(seq 600); do
	grep -q 'It stays up' "$work/demo.out" && break
	kill -0 $demo 2>/dev/null || { cat "$work/demo.out"; exit 1; }
	sleep 0.1
done

bash $here/world.sh "$work/demo" >"$work/world.out" 2>&1 || { cat "$work/world.out"; exit 1; }

# Everybody trusts the demo's authority; a client that makes instants of local times must not add a zone of its own.
ca="$work/demo/tls/ca.pem"
trusting=(env CURL_CA_BUNDLE="$ca" REQUESTS_CA_BUNDLE="$ca" NODE_EXTRA_CA_CERTS="$ca" TZ=UTC)
export NODE_PATH="$work/npm/node_modules"

# question NAME ZONE WINDOWS_ZONE: what is asked, and what is right.
question() {
	python3 $here/question.py "$work/demo/demo.json" "$2" "$3" >"$work/$1.question"
	python3 $here/key.py "$work/$1.question" $here/world $here/operations.tsv >"$work/$1.key"
}

# installed CLIENT: whether it can run; npm's are fetched once, without running their scripts.
installed() {
	case $1 in
	curl | operations) command -v curl && command -v xmllint ;;
	exchangelib* | zeep) python3 -c "import ${1%_*}" ;;
	davmail) [ -e /usr/share/davmail/davmail.jar ] && command -v java ;;
	evolution) [ -e /usr/lib/evolution-data-server/calendar-backends/libecalbackendews.so ] && python3 -c 'import gi; gi.require_version("ECal", "2.0")' && unshare --mount mount --bind /etc/ssl /etc/ssl ;;
	*) command -v node && { [ -d "$work/npm/node_modules" ] || timeout 100 npm install --prefix "$work/npm" --ignore-scripts --no-audit --no-fund "${packages[@]}"; } ;;
	esac >"$work/install.out" 2>&1
}

# command_of CLIENT: puts into run what runs it.
command_of() {
	local file
	for file in "$here/$1".{sh,py,js} "$here/$1"_freebusy.{sh,py,js}; do
		[ -e "$file" ] || continue
		case $file in *.sh) run=(bash "$file") ;; *.py) run=(python3 "$file") ;; *) run=(node "$file") ;; esac
	done
}

question berlin Europe/Berlin 'W. Europe Standard Time'
question newyork America/New_York 'Eastern Standard Time'
status=0
for client in "${clients[@]}"; do
	if ! installed "$client"; then
		echo "$client: skipped, it is not installed"
		[[ "${CI:-}" = true && " ${debian[*]} " == *" $client "* ]] && status=1
		continue
	fi
	command_of "$client"
	for q in berlin newyork; do
		if ! timeout 120 "${trusting[@]}" "${run[@]}" "$work/$q.question" >"$work/answer" 2>"$work/log"; then
			tail -n 20 "$work/log"
			echo "$client: failed"
			status=1
		else
			python3 $here/compare.py "$work/$q.question" "$work/$q.key" "$work/answer" || status=1
		fi
	done
done
exit $status
