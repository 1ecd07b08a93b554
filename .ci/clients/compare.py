"""Compares what a client understood with what `availd freebusy` says, value for value.

Usage: compare.py QUESTION EXPECTED ANSWER. ANSWER is the client's JSON: its name, what it understood of each mailbox
(every key it has must be right; a client that knows no events has none), and the suggestions where it asked for any.
"""

import datetime
import json
import sys
import zoneinfo

question, expected, answer = (json.load(open(p, encoding="utf-8")) for p in sys.argv[1:4])
zone = zoneinfo.ZoneInfo(question["zone"])


def wall(instant):
    at = datetime.datetime.fromisoformat(instant.replace("Z", "+00:00"))
    return at.astimezone(zone).strftime("%Y-%m-%dT%H:%M:%S")


def right(address, key, got, want):
    if got != want:
        sys.exit(f"{answer['client']}: {key} of {address} is\n{got}\nand must be\n{want}")


rows = answer["answers"]
right("all", "Address", [r["Address"] for r in rows], [e["Address"] for e in expected])
busy = []
for row, e in zip(rows, expected):
    events = [[wall(v["Start"]), wall(v["End"]), v["BusyType"]] for v in e.get("CalendarEvents", [])]
    busy += [(start, end) for start, end, kind in events if kind in ("Busy", "OOF")]
    for key, want in (("ResponseCode", e["ResponseCode"]), ("MergedFreeBusy", e.get("MergedFreeBusy", "")), ("Events", events)):
        if key in row:
            right(row["Address"], key, row[key], want)
if not any("MergedFreeBusy" in r or "Events" in r for r in rows) or not busy:
    sys.exit(f"{answer['client']}: nothing was compared")
for s in answer.get("suggestions", []):
    end = (datetime.datetime.fromisoformat(s["Time"]) + datetime.timedelta(minutes=30)).strftime("%Y-%m-%dT%H:%M:%S")
    if s["Quality"] == "Excellent" and any(a < end and s["Time"] < b for a, b in busy):
        sys.exit(f"{answer['client']}: {s['Time']} is suggested, and somebody is busy then")
if answer.get("suggestions") == []:
    sys.exit(f"{answer['client']}: no suggestions")
print(f"{answer['client']}, {question['zone']}: {len(rows)} mailboxes as availd freebusy says, {len(answer.get('suggestions', []))} suggestions")
