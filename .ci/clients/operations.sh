#!/usr/bin/env bash
# Every operation by curl and xmllint: each file of operations/ is the body of a request, posted by every
# RequestServerVersion and held against the schemas. ADDRESS, PARTNER, ZONE, FROM and TO stand for the question's.
# Usage: operations.sh QUESTION. The roots for TLS are in CURL_CA_BUNDLE.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
question=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# shellcheck source=.ci/clients/soap.sh
. "$here/soap.sh"

partner=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["addresses"][1])' "$question")
names=()
for file in "$here"/operations/*.xml; do
	names+=("$(basename "$file" .xml)")
	ask_every_version "${names[-1]}" "$(sed -e "s/ADDRESS/$(value user)/g; s/PARTNER/$partner/g; s/ZONE/$zone/g; s/FROM/$(value from)/g; s/TO/$(value to)/g" "$file")"
done
post_all
validate
for answer in "$work"/*.xml; do
	case $answer in *.request.xml) continue ;; esac
	grep -q 'ResponseClass="Success"' "$answer" || { echo "operations: $(basename "$answer") is no success:" && cat "$answer"; exit 1; }
done
published=
[ -z "${EWS_XSD_DIR:-}" ] || published=' and the published ones'
echo "operations: ${names[*]} by ${#versions[@]} versions, valid by our schemas$published"
