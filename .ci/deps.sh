#!/usr/bin/env bash
# Installs what the tests need beside Go (Postgres, xmlsec1, libxml2-utils, nginx, dateutil, clients of others) where apt and root are there;
# says plainly what is missing where not. With the word clients also Evolution, and node with npm, which fetches
# the clients it has.
set -u
missing=()
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null || [ -n "${TEST_DATABASE_URL:-}" ] || [ -n "${PG_BIN:-}" ] || missing+=(postgresql)
command -v xmlsec1 >/dev/null || missing+=(xmlsec1)
command -v xmllint >/dev/null || missing+=(libxml2-utils)
command -v openssl >/dev/null || missing+=(openssl)
command -v curl >/dev/null || missing+=(curl)
command -v nginx >/dev/null || [ -x /usr/sbin/nginx ] || missing+=(nginx-light)
[ -d /usr/lib/python3/dist-packages/exchangelib ] || missing+=(python3-exchangelib)
[ -d /usr/lib/python3/dist-packages/zeep ] || missing+=(python3-zeep)
[ -e /usr/share/davmail/davmail.jar ] || missing+=(davmail-server)
/usr/bin/python3 -c 'import dateutil.rrule' 2>/dev/null || missing+=(python3-dateutil)
[ "${1:-}" != clients ] || [ -e /usr/lib/evolution-data-server/calendar-backends/libecalbackendews.so ] || missing+=(evolution-ews evolution-data-server gir1.2-edataserver-1.2 gir1.2-ecal-2.0 python3-gi dbus)
[ "${1:-}" != clients ] || { command -v node >/dev/null && command -v npm >/dev/null; } || missing+=(nodejs npm)
command -v gcc >/dev/null || missing+=(gcc libc6-dev)
[ ${#missing[@]} -eq 0 ] && exit 0

if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
	echo "installing: ${missing[*]}"
	# No cluster of its own: the tests start a private server.
	mkdir -p /etc/postgresql-common
	[ -e /etc/postgresql-common/createcluster.conf ] || echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf
	# No DavMail at the standard ports either.
	[ -e /usr/share/davmail/davmail.jar ] || { mkdir -p /etc/systemd/system && ln -sf /dev/null /etc/systemd/system/davmail-server.service; }
	apt-get update -qq || true
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null && exit 0
fi
echo "missing for the tests: ${missing[*]} (apt-get install them as root)." >&2
if [ "${CI:-}" = true ]; then
	exit 1
fi
echo "The tests that need them are skipped." >&2
