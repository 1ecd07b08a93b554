"""zeep: a client generated from the WSDL that the service itself serves, strict in what it reads. It asks free/busy and
suggestions in one call, then some of the other operations that the WSDL has.

Usage: zeep_freebusy.py QUESTION. Prints what it understood as JSON. The roots for TLS are in
REQUESTS_CA_BUNDLE.
"""

import base64
import json
import sys
import urllib.parse

import requests
import zeep

question = json.load(open(sys.argv[1], encoding="utf-8"))
session = requests.Session()
session.auth = (question["user"], question["password"])
client = zeep.Client(
    urllib.parse.urljoin(question["ews_url"], "Services.wsdl"),
    transport=zeep.Transport(session=session),
    settings=zeep.Settings(strict=True),
)
types = client.type_factory("http://schemas.microsoft.com/exchange/services/2006/types")


def result(answer, name):
    """The body of an answer: zeep puts it beside the headers."""
    return answer.body[name] if hasattr(answer, "body") and name in answer.body else getattr(answer, "body", answer)


zones = client.service.GetServerTimeZones(Ids={"Id": [question["windows_zone"]]}, ReturnFullTimeZoneData=True)
message = result(zones, "GetServerTimeZonesResult").ResponseMessages.GetServerTimeZonesResponseMessage
definition = message.TimeZoneDefinitions.TimeZoneDefinition[0]
window = types.Duration(StartTime=question["from"], EndTime=question["to"])


def ask(view):
    answer = client.service.GetUserAvailability(
        MailboxDataArray={
            "MailboxData": [{"Email": {"Address": a}, "AttendeeType": "Required"} for a in question["addresses"]]
        },
        FreeBusyViewOptions={
            "TimeWindow": window,
            "MergedFreeBusyIntervalInMinutes": question["interval"],
            "RequestedView": view,
        },
        SuggestionsViewOptions={
            "MeetingDurationInMinutes": question["meeting"],
            "DetailedSuggestionsWindow": window,
        },
        _soapheaders={
            "RequestVersion": {"Version": "Exchange2016"},
            "TimeZoneContext": {"TimeZoneDefinition": definition},
        },
    )
    return result(answer, "GetUserAvailabilityResult")


def half(t):
    return [t.Bias, t.Time, t.DayOrder, t.Month, t.DayOfWeek]


def hours(h):
    return h and {
        "Bias": h.TimeZone.Bias,
        "Standard": half(h.TimeZone.StandardTime),
        "Daylight": half(h.TimeZone.DaylightTime),
        "Periods": [[p.DayOfWeek, p.StartTimeInMinutes, p.EndTimeInMinutes] for p in h.WorkingPeriodArray.WorkingPeriod],
    }


def details(d):
    flags = ("IsMeeting", "IsRecurring", "IsException", "IsReminderSet", "IsPrivate")
    return d and {"Subject": d.Subject or "", "Location": d.Location or "", **{k: d[k] for k in flags}}


def event(e):
    return {
        "Start": e.StartTime.isoformat(),
        "End": e.EndTime.isoformat(),
        "BusyType": e.BusyType,
        "Details": details(e.CalendarEventDetails),
    }


def row(address, r):
    view = r.FreeBusyView
    return {
        "Address": address,
        "ResponseCode": r.ResponseMessage.ResponseCode,
        "View": view.FreeBusyViewType,
        "MergedFreeBusy": view.MergedFreeBusy or "",
        "Events": [event(e) for e in (view.CalendarEventArray.CalendarEvent if view.CalendarEventArray else [])],
        "WorkingHours": hours(view.WorkingHours),
    }


def conflicts(suggestion):
    """Those of people, and of groups the numbers of members: all, available, with a conflict, without data."""
    found = [item for c in suggestion.AttendeeConflictDataArray._value_1 for item in c.items()]
    numbers = [f"NumberOfMembers{n}" for n in ("", "Available", "WithConflict", "WithNoData")]
    return {
        "Resolved": [c.BusyType for name, c in found if name == "IndividualAttendeeConflictData"],
        "Groups": [[c[n] for n in numbers] for name, c in found if name == "GroupAttendeeConflictData"],
    }


views = {}
for asked in question["views"]:
    availability = ask(asked)
    views[asked] = [row(*pair) for pair in zip(question["addresses"], availability.FreeBusyResponseArray.FreeBusyResponse)]
suggestions = [
    {
        "Date": day.Date.isoformat(),
        "Quality": day.DayQuality,
        "Suggestions": [
            {"Time": s.MeetingTime.isoformat(), "WorkTime": s.IsWorkTime, "Quality": s.SuggestionQuality, **conflicts(s)}
            for s in (day.SuggestionArray.Suggestion if day.SuggestionArray else [])
        ],
    }
    for day in availability.SuggestionsResponse.SuggestionDayResultArray.SuggestionDayResult
]

shape = {"BaseShape": "Default"}
folders = client.service.GetFolder(FolderShape=shape, FolderIds={"_value_1": [{"DistinguishedFolderId": {"Id": "calendar"}}]})
folder = result(folders, "GetFolderResult").ResponseMessages.GetFolderResponseMessage[0].Folders._value_1[0]["CalendarFolder"]
ids = {"AlternateId": [{"Format": "EwsId", "Id": folder.FolderId.Id, "Mailbox": question["user"]}]}
converted = client.service.ConvertId(SourceIds=ids, DestinationFormat="EwsId")
mailbox = result(converted, "ConvertIdResult").ResponseMessages.ConvertIdResponseMessage[0].AlternateId.Mailbox
recipients = [{"EmailAddress": a} for a in ("team@fabrikam.example", "partner@contoso.example")]
answered = client.service.GetMailTips(SendingAs={"EmailAddress": question["user"]}, Recipients={"Mailbox": recipients}, MailTipsRequested=["All"])
tips = [m.MailTips for m in result(answered, "GetMailTipsResult").ResponseMessages.MailTipsResponseMessageType]
photo = result(client.service.GetUserPhoto(Email="partner@contoso.example", SizeRequested="HR48x48"), "GetUserPhotoResult")
operations = {
    "ConvertId": {"AlternateId@Mailbox": [mailbox]},
    "GetMailTips": {
        "CustomMailTip": [t.CustomMailTip for t in tips if t.CustomMailTip],
        "TotalMemberCount": [str(t.TotalMemberCount) for t in tips],
        "ExternalMemberCount": [str(t.ExternalMemberCount) for t in tips],
        "Message": [t.OutOfOffice.ReplyBody.Message for t in tips if t.OutOfOffice],
    },
    "GetUserPhoto": {"PictureData": [base64.b64encode(photo.PictureData).decode()]},
}
json.dump({"client": "zeep " + zeep.__version__, "views": views, "suggestions": suggestions, "operations": operations}, sys.stdout)
