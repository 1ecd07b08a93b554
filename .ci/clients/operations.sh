#!/usr/bin/env bash
# Every operation by curl and xmllint: each file of operations/ is the body of a request, posted by every
# RequestServerVersion and held against the schemas. FROM and TO stand for the question's window, ITEM for the first item
# that FindItem found.
# Usage: operations.sh QUESTION. Prints what operations.tsv asks of the answers as JSON. The roots for TLS are in CURL_CA_BUNDLE.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
question=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# shellcheck source=.ci/clients/soap.sh
. "$here/soap.sh"

from=$(value from) to=$(value to) item=
ask() { ask_every_version "$1" "$(sed -e "s/FROM/$from/g; s/TO/$to/g; s|ITEM|$item|g" "$here/operations/$1.xml")"; }

ask FindItem
post_all
item=$(grep -o 'ItemId Id="[^"]*"' "$work/FindItem@none.xml" | head -n 1 | cut -d '"' -f 2)
for file in "$here"/operations/*.xml; do
	ask "$(basename "$file" .xml)"
done
post_all
validate
python3 "$here/answered.py" "$here/operations.tsv" "$work" "curl $(curl --version | awk 'NR == 1 { print $2 }'), every operation"
