"""What every client asks, made from a running demo to which world.sh has added its people and groups: each kind of
mailbox, group and address over five days in which Berlin loses an hour, in one time zone.

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
    ("team@" + ours["domain"], None, "group"),
    ("club@" + ours["domain"], None, "group"),
    ("staff@" + partner["domain"], None, "partner's group"),
]
groups = {  # each with its members; duty is asked for inside team only, of which it is a member and which it has as one
    "team@" + ours["domain"]: ["asker@" + ours["domain"], "duty@" + ours["domain"]],
    "duty@" + ours["domain"]: ["partner@" + partner["domain"], "timeonly@" + partner["domain"], "team@" + ours["domain"]],
    "club@" + ours["domain"]: ["asker@" + ours["domain"], "closed@" + ours["domain"]],
    "staff@" + partner["domain"]: ["timeonly@" + partner["domain"], "partner@" + partner["domain"]],
}
json.dump(
    {
        "ews_url": ours["ews_url"],
        "autodiscover_url": ours["autodiscover_url"],
        "ca_file": ours["ca_file"],
        "user": people[0][0],
        "password": ours["users"][0]["password"],
        "addresses": [p[0] for p in people],
        "people": people,
        "groups": groups,
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
