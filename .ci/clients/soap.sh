# For the scripts that speak to the service by curl: sourced with question and work set.
value() { python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$question" "$1"; }
url=$(value ews_url) zone=$(value windows_zone) login="$(value user):$(value password)"

# No RequestServerVersion, every one of the published schema, and the one that exchangelib begins with.
versions=(none Exchange2007 Exchange2007_SP1 Exchange2009 Exchange2010 Exchange2010_SP1 Exchange2010_SP2 Exchange2012 Exchange2013 Exchange2013_SP1 Exchange2015 Exchange2016 Exchange2019 V2015_10_05 V2016_01_06 V2016_04_13 V2016_07_13 V2016_10_10 V2017_01_07 V2017_04_14 V2017_07_11)

# ask_every_version NAME BODY: writes a request for each version, NAME@VERSION.request.xml.
ask_every_version() {
	local version header
	for version in "${versions[@]}"; do
		header="<t:RequestServerVersion Version=\"$version\"/>"
		[ "$version" = none ] && header=
		printf '%s\n' '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types" xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages">' \
			"<s:Header>$header<t:TimeZoneContext><t:TimeZoneDefinition Id=\"$zone\"/></t:TimeZoneContext></s:Header>" \
			"<s:Body>$2</s:Body></s:Envelope>" >"$work/$1@$version.request.xml"
	done
}

# post_all: posts every request that has no answer yet over one connection, and writes NAME@VERSION.xml; an answer that is
# no success ends it.
post_all() {
	local request
	for request in "$work"/*.request.xml; do
		[ ! -e "${request%.request.xml}.xml" ] || continue
		printf 'url = "%s"\nuser = "%s"\nheader = "Content-Type: text/xml; charset=utf-8"\ndata-binary = "@%s"\noutput = "%s"\nfail\nsilent\nshow-error\nnext\n' \
			"$url" "$login" "$request" "${request%.request.xml}.xml"
	done | sed '$d' >"$work/curl.config"
	curl --fail-early --config "$work/curl.config"
}

# validate: requests and answers by the schemas of the service's own description, answers by the published ones.
validate() {
	local name
	mkdir -p "$work/description" "$work/testdata"
	for name in Services.wsdl messages.xsd TYPES.XSD; do
		curl -sS --fail --user "$login" "${url%Exchange.asmx}$name" -o "$work/description/$(tr '[:upper:]' '[:lower:]' <<<"$name")"
		[ "$(curl -sS -o /dev/null -w '%{http_code}' "${url%Exchange.asmx}$name")" = 401 ]
	done
	curl -sS --fail --user "$login" "$url?wsdl" | cmp - "$work/description/services.wsdl"
	grep -q "location=\"$url\"" "$work/description/services.wsdl"
	cp "$here/../../ews/testdata/envelope.xsd" "$work/testdata"
	by_schema "$work/testdata/envelope.xsd" "$work"/*.xml
	[ -z "${EWS_XSD_DIR:-}" ] || by_schema "$EWS_XSD_DIR/validate.xsd" $(ls "$work"/*.xml | grep -v '\.request\.xml$')
}

by_schema() {
	xmllint --noout --nonet --schema "$@" 2>"$work/xmllint" || { grep -v ' validates$' "$work/xmllint" >&2; return 1; }
}
