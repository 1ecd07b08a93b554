#!/usr/bin/env bash
# curl and xmllint: fetches the schemas that the service serves, asks all five views and the other operations by hand,
# and holds every answer against them.
# Usage: curl_freebusy.sh QUESTION. Prints the merged digits of each mailbox as JSON. The roots for TLS are in CURL_CA_BUNDLE.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
question=$1
value() { python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$question" "$1"; }
url=$(value ews_url)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fetch() { curl -sS --fail --user "$(value user):$(value password)" "$@"; }

mkdir "$work/description"
for name in Services.wsdl messages.xsd TYPES.XSD; do
	fetch "${url%Exchange.asmx}$name" -o "$work/description/$(tr '[:upper:]' '[:lower:]' <<<"$name")"
	[ "$(curl -sS -o /dev/null -w '%{http_code}' "${url%Exchange.asmx}$name")" = 401 ]
done
fetch "$url?wsdl" | cmp - "$work/description/services.wsdl"
grep -q "location=\"$url\"" "$work/description/services.wsdl"
mkdir "$work/testdata"
cp "$here/../../ews/testdata/envelope.xsd" "$work/testdata"

# ask NAME BODY: posts, writes NAME.xml and holds both against the schema.
ask() {
	cat >"$work/$1.request.xml" <<-EOF
		<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types" xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages">
		<s:Header><t:RequestServerVersion Version="Exchange2013"/><t:TimeZoneContext><t:TimeZoneDefinition Id="$(value windows_zone)"/></t:TimeZoneContext></s:Header>
		<s:Body>$2</s:Body></s:Envelope>
	EOF
	fetch -H 'Content-Type: text/xml; charset=utf-8' --data-binary "@$work/$1.request.xml" "$url" -o "$work/$1.xml"
	xmllint --noout --nonet --schema "$work/testdata/envelope.xsd" "$work/$1.request.xml" "$work/$1.xml"
}

boxes=$(python3 -c 'import json, sys
for a in json.load(open(sys.argv[1]))["addresses"]:
    print(f"<t:MailboxData><t:Email><t:Address>{a}</t:Address></t:Email><t:AttendeeType>Required</t:AttendeeType></t:MailboxData>", end="")' "$question")
window="<t:StartTime>$(value from)</t:StartTime><t:EndTime>$(value to)</t:EndTime>"
for view in MergedOnly FreeBusy FreeBusyMerged Detailed DetailedMerged; do
	ask "$view" "<m:GetUserAvailabilityRequest><m:MailboxDataArray>$boxes</m:MailboxDataArray><t:FreeBusyViewOptions><t:TimeWindow>$window</t:TimeWindow><t:MergedFreeBusyIntervalInMinutes>$(value interval)</t:MergedFreeBusyIntervalInMinutes><t:RequestedView>$view</t:RequestedView></t:FreeBusyViewOptions><t:SuggestionsViewOptions><t:DetailedSuggestionsWindow>$window</t:DetailedSuggestionsWindow></t:SuggestionsViewOptions></m:GetUserAvailabilityRequest>"
done
ask zones '<m:GetServerTimeZones/>'
ask folders '<m:GetFolder><m:FolderShape><t:BaseShape>Default</t:BaseShape></m:FolderShape><m:FolderIds><t:DistinguishedFolderId Id="calendar"/></m:FolderIds></m:GetFolder>'
ask id '<m:ConvertId DestinationFormat="EntryId"><m:SourceIds><t:AlternateId Id="DUMMY" Format="EwsId" Mailbox="DUMMY"/></m:SourceIds></m:ConvertId>'

python3 - "$question" "$work/MergedOnly.xml" "$(curl --version | awk 'NR == 1 { print $2 }')" <<'EOF'
import json, sys, xml.etree.ElementTree as tree

m, t = ("{http://schemas.microsoft.com/exchange/services/2006/%s}" % n for n in ("messages", "types"))
rows = tree.parse(sys.argv[2]).iter(m + "FreeBusyResponse")
answers = [
    {"Address": a, "ResponseCode": r.find(f".//{m}ResponseCode").text, "MergedFreeBusy": r.findtext(f".//{t}MergedFreeBusy", "")}
    for a, r in zip(json.load(open(sys.argv[1]))["addresses"], rows)
]
json.dump({"client": "curl " + sys.argv[3], "answers": answers}, sys.stdout)
EOF
