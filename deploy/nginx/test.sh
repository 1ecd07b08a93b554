#!/usr/bin/env bash
# Starts the demo, publishes Contoso through nginx with availd.conf (ports and files replaced), and performs a real
# federated lookup through it; everything but the three paths must be closed.
set -euo pipefail
cd "$(dirname "$0")/../.."
nginx=$(command -v nginx || echo /usr/sbin/nginx)
[ -x "$nginx" ] || { echo 'nginx is not installed'; [ "${CI:-}" != true ]; exit $?; }
work=$(mktemp -d)
bin/availdemo -dir "$work/demo" >"$work/demo.out" 2>&1 &
demo=$!
trap '[ -s "$work/nginx.pid" ] && kill "$(cat "$work/nginx.pid")"; kill $demo 2>/dev/null; wait $demo 2>/dev/null; rm -rf "$work"' EXIT
for _ in $(seq 300); do
	grep -q 'It stays up' "$work/demo.out" && break
	kill -0 $demo 2>/dev/null || { cat "$work/demo.out"; exit 1; }
	sleep 0.1
done
field() { sed -n "s/.*\"$1\": \"\(.*\)\".*/\1/p" "$work/demo/demo.json" | sed -n "${2:-1}p"; }
ca=$(field ca_file) backend=$(field ews_url 1 | sed 's|https://localhost:\([0-9]*\)/.*|\1|') fabrikam=$(field ews_url 2)
port=$((20000 + RANDOM % 20000))
tls=$work/demo/tls
chmod 711 "$work" "$work/demo" "$tls"
chmod 644 "$tls/ca.pem"
{
	echo "user root; pid $work/nginx.pid; error_log $work/error.log; events {} http { access_log off; client_body_temp_path $work/body; proxy_temp_path $work/proxy; fastcgi_temp_path $work/f; uwsgi_temp_path $work/u; scgi_temp_path $work/s;"
	sed -e "s|127.0.0.1:8443|127.0.0.1:$backend|; s|listen 443 ssl|listen 127.0.0.1:$port ssl|; s|^\tserver_name .*|\tserver_name localhost;|" \
		-e "s|/etc/nginx/tls/contoso.pem|$tls/server.pem|; s|/etc/nginx/tls/contoso.key|$tls/server.key|; s|/etc/nginx/tls/availd-ca.pem|$tls/ca.pem|" deploy/nginx/availd.conf
	echo '}'
} >"$work/nginx.conf"
"$nginx" -q -t -c "$work/nginx.conf" -e "$work/error.log"
"$nginx" -c "$work/nginx.conf" -e "$work/error.log"
published=https://localhost:$port
bin/availd url set --ews-external "$published/EWS/Exchange.asmx" --database "$(field database 1)"
bin/availd orgrel set Contoso --target-autodiscover-epr "$published/autodiscover/autodiscover.svc/WSSecurity" --database "$(field database 2)"
sleep 1.2
answer=$(bin/availd freebusy tom@contoso.example --as rita@fabrikam.example --password-file "$work/demo/password" --ca-file "$ca" --server "$fabrikam" --output json --request-id through-nginx)
grep -q '"ResponseCode": "NoError"' <<<"$answer" || { echo "$answer"; cat "$work/error.log"; exit 1; }
grep -q "through-nginx.*localhost:$port" "$work/demo/fabrikam.log" || { echo 'the lookup did not go through nginx'; exit 1; }
for path in /EWS/Exchange.asmx /metrics / /EWS/Exchange.asmx/wssecurity/x /autodiscover/autodiscover.xml; do
	code=$(curl -s -o /dev/null -w '%{http_code}' --cacert "$ca" "$published$path")
	[ "$code" = 404 ] || { echo "$path is published: $code"; exit 1; }
done
code=$(curl -s -o /dev/null -w '%{http_code}' --cacert "$ca" "$published/Autodiscover/Autodiscover.svc")
[ "$code" = 200 ] || { echo "Autodiscover.svc is not published: $code"; exit 1; }
echo 'a federated lookup through nginx: NoError; everything but the three paths: 404'
