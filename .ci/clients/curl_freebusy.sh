#!/usr/bin/env bash
# curl and xmllint: asks all five views, with suggestions, by every RequestServerVersion, and holds every answer against
# the schemas that the service itself serves and, where EWS_XSD_DIR names them, against the published ones.
# Usage: curl_freebusy.sh QUESTION. Prints what is in the answers as JSON. The roots for TLS are in CURL_CA_BUNDLE.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
question=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# shellcheck source=.ci/clients/soap.sh
. "$here/soap.sh"

boxes=$(python3 -c 'import json, sys
for a in json.load(open(sys.argv[1]))["addresses"]:
    print(f"<t:MailboxData><t:Email><t:Address>{a}</t:Address></t:Email><t:AttendeeType>Required</t:AttendeeType></t:MailboxData>", end="")' "$question")
window="<t:StartTime>$(value from)</t:StartTime><t:EndTime>$(value to)</t:EndTime>"
for view in MergedOnly FreeBusy FreeBusyMerged Detailed DetailedMerged; do
	body="<m:GetUserAvailabilityRequest><m:MailboxDataArray>$boxes</m:MailboxDataArray><t:FreeBusyViewOptions><t:TimeWindow>$window</t:TimeWindow><t:MergedFreeBusyIntervalInMinutes>$(value interval)</t:MergedFreeBusyIntervalInMinutes><t:RequestedView>$view</t:RequestedView></t:FreeBusyViewOptions><t:SuggestionsViewOptions><t:MeetingDurationInMinutes>$(value meeting)</t:MeetingDurationInMinutes><t:DetailedSuggestionsWindow>$window</t:DetailedSuggestionsWindow></t:SuggestionsViewOptions></m:GetUserAvailabilityRequest>"
	ask_every_version "$view" "$body"
done
post_all
validate
python3 "$here/understood.py" "$question" "$work" "curl $(curl --version | awk 'NR == 1 { print $2 }')"
