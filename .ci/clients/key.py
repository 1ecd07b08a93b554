"""The answer key: what is right, computed by python3-dateutil from the calendar files that were imported and from
nothing that the service says.

Usage: key.py QUESTION FOLDER TABLE. Prints as JSON the rows of each view, the suggestions of the reference's rules, and what the
table demands of the other operations: in each line an operation, an element or attribute, its values.
"""

import base64
import datetime
import json
import pathlib
import re
import sys

from dateutil import rrule, tz

question = json.load(open(sys.argv[1], encoding="utf-8"))
folder = sys.argv[2]
zone, home, minute = tz.gettz(question["zone"]), tz.gettz("Europe/Berlin"), datetime.timedelta(minutes=1)
windows = {"Eastern Standard Time": "America/New_York", "W. Europe Standard Time": "Europe/Berlin"}
order = ["Free", "Tentative", "Busy", "OOF", "NoData"]


def instant(wall, where):
    return tz.resolve_imaginary(wall.replace(tzinfo=where)).astimezone(tz.UTC)


def wall(at):
    return at.astimezone(zone).strftime("%Y-%m-%dT%H:%M:%S")


begin, until = (instant(datetime.datetime.fromisoformat(question[k]), zone) for k in ("from", "to"))


def parse(path):
    """The events of a file, each as a list of its lines: name, parameters, value. What is inside an alarm is left out."""
    text = open(path, encoding="utf-8", newline="").read().replace("\r\n ", "")
    for block in re.findall(r"BEGIN:VEVENT\r\n(.*?)END:VEVENT", text, re.S):
        block, alarms = re.subn(r"BEGIN:VALARM.*?END:VALARM\r\n", "", block, flags=re.S)
        lines = [re.match(r"([A-Z-]+)((?:;[^:]*)?):(.*)", line).groups() for line in block.splitlines()]
        yield {"alarm": alarms > 0, **{name: (params, value) for name, params, value in lines}}


def time(event, name):
    """A property as wall-clock time and zone; a date is midnight at home, and so is a floating time's zone."""
    params, value = event[name]
    named = re.search(r"TZID=([^;]+)", params)
    where = tz.UTC if value.endswith("Z") else tz.gettz(windows.get(named[1], named[1])) if named else home
    return datetime.datetime.strptime(value.rstrip("Z"), "%Y%m%dT%H%M%S" if "T" in value else "%Y%m%d"), where


def length(event):
    """How much later an occurrence ends: on the clock where whole days are meant, else in elapsed time."""
    if "DURATION" in event:
        hours, minutes = re.fullmatch(r"PT(?:(\d+)H)?(?:(\d+)M)?", event["DURATION"][1]).groups("0")
        return datetime.timedelta(hours=int(hours), minutes=int(minutes))
    if "DTEND" in event:
        return instant(*time(event, "DTEND")) - instant(*time(event, "DTSTART"))
    start, where = time(event, "DTSTART")
    return instant(start + datetime.timedelta(days=1), where) - instant(start, where)


def starts(event, moved):
    start, where = time(event, "DTSTART")
    dates = rrule.rruleset()
    if "RRULE" in event:
        dates.rrule(rrule.rrulestr(event["RRULE"][1], dtstart=start))
    else:
        dates.rdate(start)
    if "RDATE" in event:
        dates.rdate(time(event, "RDATE")[0])
    for gone in ([time(event, "EXDATE")[0]] if "EXDATE" in event else []) + moved.get(event["UID"][1], []):
        dates.exdate(gone)
    around = datetime.timedelta(days=2)
    for at in dates.between(begin.replace(tzinfo=None) - around, until.replace(tzinfo=None) + around, inc=True):
        yield instant(at, where)


def busy_type(event):
    outlook = {"FREE": "Free", "TENTATIVE": "Tentative", "BUSY": "Busy", "OOF": "OOF", "WORKINGELSEWHERE": "WorkingElsewhere"}
    if "X-MICROSOFT-CDO-BUSYSTATUS" in event:
        return outlook[event["X-MICROSOFT-CDO-BUSYSTATUS"][1]]
    if event.get("TRANSP", ("", ""))[1] == "TRANSPARENT":
        return "Free"
    return "Tentative" if event.get("STATUS", ("", ""))[1] == "TENTATIVE" else "Busy"


def details(event, exception, own):
    """Private entries are bare, but for their owner."""
    private = "CLASS" in event and event["CLASS"][1] != "PUBLIC"

    def text(name):
        return "" if private and not own or name not in event else event[name][1].replace("\\,", ",")

    return {
        "Subject": text("SUMMARY"), "Location": text("LOCATION"), "IsMeeting": "ATTENDEE" in event,
        "IsRecurring": "RRULE" in event or exception, "IsException": exception, "IsReminderSet": event["alarm"], "IsPrivate": private,
    }  # fmt: skip


def occurrences(path, own):
    events = [e for e in parse(path) if e.get("STATUS", ("", ""))[1] != "CANCELLED"]
    moved = {}
    for e in events:
        if "RECURRENCE-ID" in e:
            moved.setdefault(e["UID"][1], []).append(time(e, "RECURRENCE-ID")[0])
    found = []
    for e in events:
        exception = "RECURRENCE-ID" in e
        for start in starts(e, {} if exception else moved):
            end = start + length(e)
            if start < until and end > begin:
                found.append((start, end, busy_type(e), details(e, exception, own)))
    return sorted(found, key=lambda o: o[:2])


def digit(kind):
    return 0 if kind == "WorkingElsewhere" else order.index(kind)


def highest(found, start, end):
    return max([digit(kind) for a, b, kind, _ in found if a < end and b > start], default=0)


def merged(found):
    slot = question["interval"] * minute
    return "".join(str(highest(found, begin + i * slot, begin + (i + 1) * slot)) for i in range(-((begin - until) // slot)))


def members(group, seen):
    """The people of a group and of the groups inside it, each once."""
    for address in question["groups"][group]:
        if address not in seen:
            seen.add(address)
            yield from members(address, seen) if address in question["groups"] else [address]


def merged_of_all(group):
    """The highest digit of all members; without the data of one it is 4, the highest."""
    people = [calendars[m] for m in members(group, {group})]
    digits = merged([o for found, _ in people for o in found])
    return "4" * len(digits) if any(access.startswith("Error") for _, access in people) else digits


hours = {  # of every mailbox: the default ones, in its own zone
    "Bias": -60, "Standard": [0, "03:00:00", 5, 10, "Sunday"], "Daylight": [-60, "02:00:00", 5, 3, "Sunday"],
    "Periods": [[["Monday", "Tuesday", "Wednesday", "Thursday", "Friday"], 480, 1020]],
}  # fmt: skip


def row(address, found, access, asked):
    if access.startswith("Error"):
        return {"Address": address, "ResponseCode": access, "View": "None", "MergedFreeBusy": "", "Events": [], "WorkingHours": None}
    if access.endswith("group"):
        return {"Address": address, "ResponseCode": "NoError", "View": "MergedOnly", "MergedFreeBusy": merged_of_all(address), "Events": [], "WorkingHours": None}
    view = asked if access in ("own", "details") else asked.replace("DetailedMerged", "FreeBusyMerged").replace("Detailed", "FreeBusy")
    events = [
        {"Start": wall(a), "End": wall(b), "BusyType": kind, "Details": d if "Detailed" in view else None} for a, b, kind, d in found
    ]
    seen = view != "MergedOnly"
    return {
        "Address": address, "ResponseCode": "NoError", "View": view, "MergedFreeBusy": merged(found) if "Merged" in view else "",
        "Events": events if seen else [], "WorkingHours": hours if seen else None,
    }  # fmt: skip


def conflict(address, start, end):
    """What an attendee does; of a group of ours how many members there are, are free, have a conflict and have no data. A
    partner's group is one attendee: nobody else knows its members."""
    found, access = calendars[address]
    if access == "group":
        kinds = [conflict(m, start, end) for m in members(address, {address})]
        free, unknown = kinds.count("Free"), kinds.count("NoData")
        return [len(kinds), free, len(kinds) - free - unknown, unknown]
    if access in ("ErrorMailRecipientNotFound", "ErrorInvalidSmtpAddress"):
        return "Unknown"
    return "NoData" if access.startswith("Error") else order[highest(found, start, end)]


def suggestion(at):
    """The time as the reference rates it, or None: at least Fair, and within the asker's working hours."""
    end = at + question["meeting"] * minute
    here, there = at.astimezone(home), end.astimezone(home)
    if here.weekday() > 4 or here.hour * 60 + here.minute < 480 or here.date() != there.date() or there.hour * 60 + there.minute > 1020:
        return None
    conflicts = [conflict(address, at, end) for address in question["addresses"]]
    known = [c for c in (conflict(address, at, end) for address in everybody) if c not in ("Unknown", "NoData")]
    share = 100 * sum(c != "Free" for c in known) / len(known)
    quality = "Excellent" if share == 0 else "Good" if share < 25 else "Fair" if share <= 50 else "Poor"
    return None if quality == "Poor" else {
        "Time": wall(at), "WorkTime": True, "Quality": quality, "Conflicts": conflicts,
        "Resolved": [c for c in conflicts if isinstance(c, str) and c != "Unknown"], "Groups": [c for c in conflicts if isinstance(c, list)],
    }  # fmt: skip


def suggestions():
    """Ten times a day at most, the best and of those the earliest; every day is there."""
    days = []
    day = datetime.datetime.fromisoformat(question["from"])
    while day < datetime.datetime.fromisoformat(question["to"]):
        times = [day + i * 30 * minute for i in range(48)]
        rated = [s for at in times if tz.datetime_exists(at, zone) for s in [suggestion(instant(at, zone))] if s]
        qualities = ["Excellent", "Good", "Fair"]
        best = sorted(sorted(rated, key=lambda s: qualities.index(s["Quality"]))[:10], key=lambda s: s["Time"])
        quality = min((s["Quality"] for s in best), key=qualities.index, default="Poor")
        days.append({"Date": day.isoformat(), "Quality": quality, "Suggestions": best})
        day += datetime.timedelta(days=1)
    return days


def demanded(path):
    """What the table says; base64 of PATH is that of a file of the repository."""
    operations = {}
    for line in open(path, encoding="utf-8").read().splitlines():
        operation, name, *values = line.split("\t")
        files = [pathlib.Path(v.removeprefix("base64 of ")) if v.startswith("base64 of ") else None for v in values]
        operations.setdefault(operation, {})[name] = [base64.b64encode(f.read_bytes()).decode() if f else v for f, v in zip(files, values)]
    return operations


calendars = {address: (occurrences(f"{folder}/{file}", access == "own") if file else [], access) for address, file, access in question["people"]}
for group, (_, access) in calendars.items():
    if access == "partner's group":
        calendars[group] = [o for m in members(group, {group}) for o in calendars[m][0]], access
ours = [a for a in calendars if calendars[a][1] == "group"]
everybody = {m for group in ours for m in members(group, {group})} | set(calendars) - set(ours)  # each counts once
views = {view: [row(address, *calendars[address], view) for address in calendars] for view in question["views"]}
json.dump({"views": views, "suggestions": suggestions(), "operations": demanded(sys.argv[3])}, sys.stdout, indent=1)
