#!/usr/bin/env bash
# The people, groups and rooms that the clients ask about, and what is told of them: added to a running demo by availd's own
# commands. question.py and operations.tsv say the same.
# Usage: world.sh DEMO, its folder; from the root of the repository.
set -euo pipefail
demo=$1

# availd ORGANIZATION …: a command on the demo's contoso or fabrikam. The processes that serve notice it within a second.
availd() { bin/availd "${@:2}" --database "$demo/$1.db"; }

# person ORGANIZATION NAME CALENDAR PERMISSION: a mailbox.
person() {
	local address=$2@$1.example
	availd "$1" mailbox create "$address" --time-zone Europe/Berlin --password-file "$demo/password"
	availd "$1" mailbox import "$address" ".ci/clients/world/$3.ics"
	availd "$1" mailbox permission set "$address" --default "$4"
}

person fabrikam asker asker AvailabilityOnly
person fabrikam closed partner None
person contoso partner partner LimitedDetails
person contoso timeonly partner AvailabilityOnly
person contoso closed partner None
availd fabrikam group create team@fabrikam.example --name Team --member asker@fabrikam.example --member duty@fabrikam.example
availd fabrikam group create duty@fabrikam.example --name 'On duty' --member partner@contoso.example --member timeonly@contoso.example --member team@fabrikam.example
availd fabrikam group create club@fabrikam.example --name Club --member asker@fabrikam.example --member closed@fabrikam.example
availd contoso group create staff@contoso.example --name Staff --member timeonly@contoso.example --member partner@contoso.example
availd fabrikam mailbox create room1@fabrikam.example --name 'Room 1' --resource-type Room --time-zone Europe/Berlin
availd fabrikam mailbox create room2@fabrikam.example --name 'Room 2' --resource-type Room --time-zone Europe/Berlin
availd fabrikam group create floor1@fabrikam.example --name 'First floor' --room-list --member room1@fabrikam.example --member room2@fabrikam.example
availd fabrikam group set team@fabrikam.example --mail-tip 'All of <us>'
availd fabrikam mailbox oof set asker@fabrikam.example --state Scheduled --start 2036-03-28 --end 2036-04-02 --external-audience Known \
	--internal-message 'In the mountains' --external-message 'Away & back on Wednesday'
availd contoso mailbox oof set partner@contoso.example --state Enabled --external-audience All --internal-message 'For colleagues' --external-message 'For partners'
availd contoso mailbox photo set partner@contoso.example --file ews/testdata/getuserphoto/tom.jpg
availd contoso orgrel set Fabrikam --mail-tips-access --mail-tips-access-level All --photos
availd fabrikam orgrel set Contoso --mail-tips-access --mail-tips-access-level All --photos
sleep 1
