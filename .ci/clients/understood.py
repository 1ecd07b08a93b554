"""Reads the answers of curl_freebusy.sh: VIEW@VERSION.xml, all versions of a view must say the same but for working
elsewhere, which those before Exchange2013 have no word for.

Usage: understood.py QUESTION FOLDER CLIENT. Prints what is in the answers as JSON.
"""

import json
import pathlib
import sys
import xml.etree.ElementTree as tree

question = json.load(open(sys.argv[1], encoding="utf-8"))
m, t = ("{http://schemas.microsoft.com/exchange/services/2006/%s}" % n for n in ("messages", "types"))


def half(e):
    return [int(e.findtext(t + "Bias")), e.findtext(t + "Time"), int(e.findtext(t + "DayOrder")), int(e.findtext(t + "Month")), e.findtext(t + "DayOfWeek")]


def hours(e):
    if e is None:
        return None
    zone = e.find(t + "TimeZone")
    return {
        "Bias": int(zone.findtext(t + "Bias")),
        "Standard": half(zone.find(t + "StandardTime")),
        "Daylight": half(zone.find(t + "DaylightTime")),
        "Periods": [
            [p.findtext(t + "DayOfWeek").split(), int(p.findtext(t + "StartTimeInMinutes")), int(p.findtext(t + "EndTimeInMinutes"))]
            for p in e.iter(t + "WorkingPeriod")
        ],
    }


def details(e):
    if e is None:
        return None
    flags = ("IsMeeting", "IsRecurring", "IsException", "IsReminderSet", "IsPrivate")
    texts = {k: e.findtext(t + k, "") for k in ("Subject", "Location")}
    return {**texts, **{k: e.findtext(t + k) == "true" for k in flags}}


def row(address, e):
    view = e.find(m + "FreeBusyView")
    return {
        "Address": address,
        "ResponseCode": e.findtext(f"{m}ResponseMessage/{m}ResponseCode"),
        "View": view.findtext(t + "FreeBusyViewType"),
        "MergedFreeBusy": view.findtext(t + "MergedFreeBusy", ""),
        "Events": [
            {"Start": v.findtext(t + "StartTime"), "End": v.findtext(t + "EndTime"), "BusyType": v.findtext(t + "BusyType"), "Details": details(v.find(t + "CalendarEventDetails"))}
            for v in view.iter(t + "CalendarEvent")
        ],
        "WorkingHours": hours(view.find(t + "WorkingHours")),
    }


def conflict(e):
    if e.tag == t + "GroupAttendeeConflictData":
        return [int(e.findtext(f"{t}NumberOfMembers{n}")) for n in ("", "Available", "WithConflict", "WithNoData")]
    return e.findtext(t + "BusyType") if e.tag == t + "IndividualAttendeeConflictData" else "Unknown"


def day(e):
    return {
        "Date": e.findtext(t + "Date"),
        "Quality": e.findtext(t + "DayQuality"),
        "Suggestions": [
            {
                "Time": s.findtext(t + "MeetingTime"),
                "WorkTime": s.findtext(t + "IsWorkTime") == "true",
                "Quality": s.findtext(t + "SuggestionQuality"),
                "Conflicts": [conflict(c) for c in s.find(t + "AttendeeConflictDataArray")],
            }
            for s in e.iter(t + "Suggestion")
        ],
    }


def read(view, version):
    answer = tree.parse(folder / f"{view}@{version}.xml")
    rows = [row(*pair) for pair in zip(question["addresses"], answer.iter(m + "FreeBusyResponse"))]
    return rows, [day(d) for d in answer.iter(t + "SuggestionDayResult")]


folder, newest = pathlib.Path(sys.argv[2]), "V2017_07_11"
views = {view: read(view, newest)[0] for view in question["views"]}
suggestions = read("MergedOnly", newest)[1]
for path in folder.glob("*@*.request.xml"):
    view, version = path.name.removesuffix(".request.xml").split("@")
    rows = views[view]
    if version == "none" or version < "Exchange2013":
        rows = json.loads(json.dumps(rows).replace('"WorkingElsewhere"', '"Free"'))
    if read(view, version) != (rows, suggestions):
        sys.exit(f"{view} by {version} is not what {newest} gets")
json.dump({"client": sys.argv[3], "views": views, "suggestions": suggestions}, sys.stdout)
