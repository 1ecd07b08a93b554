"""exchangelib: finds the service by Autodiscover, reads the rules of every zone, then asks the free/busy of the question's
mailboxes.

Usage: exchangelib_freebusy.py QUESTION. Prints what it understood as JSON. The roots for TLS are in
REQUESTS_CA_BUNDLE.
"""

import datetime
import json
import logging
import sys

import exchangelib
from exchangelib import DELEGATE, Account, Configuration, Credentials, EWSDateTime, EWSTimeZone
from exchangelib.autodiscover.protocol import AutodiscoverProtocol

question = json.load(open(sys.argv[1], encoding="utf-8"))

logging.getLogger("exchangelib").setLevel(logging.ERROR)  # it warns of every time without a zone
credentials = Credentials(question["user"], question["password"])
settings = AutodiscoverProtocol(
    config=Configuration(service_endpoint=question["autodiscover_url"], credentials=credentials)
).get_user_settings(user=question["user"])
if settings.ews_url != question["ews_url"] or settings.autodiscover_smtp_address != question["user"]:
    sys.exit(f"exchangelib: Autodiscover says {settings.ews_url}, {settings.autodiscover_smtp_address}")

zone = EWSTimeZone(question["zone"])
account = Account(
    question["user"],
    credentials=credentials,
    config=Configuration(service_endpoint=settings.ews_url, credentials=credentials),
    autodiscover=False,
    access_type=DELEGATE,
    default_timezone=zone,
)
start, end = (
    EWSDateTime.from_datetime(datetime.datetime.fromisoformat(question[k]).replace(tzinfo=zone)) for k in ("from", "to")
)
for definition in account.protocol.get_timezones(return_full_timezone_data=True):
    for year in range(2000, 2041):
        definition.get_std_and_dst(year)  # raises where it cannot read the rules

names = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def half(t):
    return [t.bias, t.time.isoformat(), t.occurrence, t.iso_month, names[t.weekday - 1]]


def hours(view):
    if not view.working_hours:
        return None
    z = view.working_hours_timezone
    return {
        "Bias": z.bias,
        "Standard": half(z.standard_time),
        "Daylight": half(z.daylight_time),
        "Periods": [[[names[d - 1] for d in p.weekdays], p.start.hour * 60 + p.start.minute, p.end.hour * 60 + p.end.minute] for p in view.working_hours],
    }


def details(d):
    return d and {
        "Subject": d.subject or "",
        "Location": d.location or "",
        "IsMeeting": d.is_meeting,
        "IsRecurring": d.is_recurring,
        "IsException": d.is_exception,
        "IsReminderSet": d.is_reminder_set,
        "IsPrivate": d.is_private,
    }


def event(e):
    start, end = (t.strftime("%Y-%m-%dT%H:%M:%S") for t in (e.start, e.end))
    return {"Start": start, "End": end, "BusyType": e.busy_type, "Details": details(e.details)}


def row(address, asked):
    try:
        (view,) = account.protocol.get_free_busy_info(
            accounts=[(address, "Required", False)],
            start=start,
            end=end,
            merged_free_busy_interval=question["interval"],
            requested_view=asked,
        )
    except exchangelib.errors.ResponseMessageError as e:
        view = e
    if isinstance(view, Exception):  # some it raises, some it returns
        return {"Address": address, "ResponseCode": type(view).__name__}
    return {
        "Address": address,
        "ResponseCode": "NoError",
        "View": view.view_type,
        "MergedFreeBusy": "".join(str(d) for d in view.merged or ""),
        "Events": [event(e) for e in view.calendar_events or []],
        "WorkingHours": hours(view),
    }


# One by one: an error of one mailbox ends the whole call.
views = {asked: [row(address, asked) for address in question["addresses"]] for asked in question["views"]}
json.dump({"client": "exchangelib " + exchangelib.__version__, "views": views}, sys.stdout)
