"""What every client asks, made from a running demo to which run.sh has added its people: each kind of mailbox and of
address over five days in which Berlin loses an hour, in one time zone.

Usage: question.py DEMO_JSON ZONE WINDOWS_ZONE. Prints the question as JSON.
"""

import json
import sys

demo = json.load(open(sys.argv[1], encoding="utf-8"))
partner, ours = demo["organizations"]
people = [  # address, the file that its calendar is, how much of it the asker may see or why nothing
    ("asker@" + ours["domain"], "asker.ics", "own"),
    ("partner@" + partner["domain"], "partner.ics", "details"),
    ("timeonly@" + partner["domain"], "partner.ics", "time"),
    ("closed@" + partner["domain"], "partner.ics", "ErrorNoFreeBusyAccess"),
    ("nobody@" + partner["domain"], None, "ErrorNoFreeBusyAccess"),  # a partner does not tell who is not there
    ("closed@" + ours["domain"], "partner.ics", "ErrorNoFreeBusyAccess"),
    ("nobody@" + ours["domain"], None, "ErrorMailRecipientNotFound"),
    ("malformed@", None, "ErrorInvalidSmtpAddress"),
]
json.dump(
    {
        "ews_url": ours["ews_url"],
        "autodiscover_url": ours["autodiscover_url"],
        "ca_file": ours["ca_file"],
        "user": people[0][0],
        "password": ours["users"][0]["password"],
        "addresses": [p[0] for p in people],
        "people": people,
        "zone": sys.argv[2],
        "windows_zone": sys.argv[3],
        "from": "2036-03-28T00:00:00",
        "to": "2036-04-02T00:00:00",
        "interval": 30,
        "meeting": 30,
        "views": ["MergedOnly", "FreeBusy", "FreeBusyMerged", "Detailed", "DetailedMerged"],
    },
    sys.stdout,
    indent=1,
)
