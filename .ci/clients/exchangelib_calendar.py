"""exchangelib: reads the user's own calendar as scripts do, account.calendar.view(start, end), then each item by its id.

Usage: exchangelib_calendar.py QUESTION. Prints the entries of the user as it understood them, and of the others their
addresses alone. The roots for TLS are in REQUESTS_CA_BUNDLE.
"""

import datetime
import json
import logging
import sys

import exchangelib
from exchangelib import DELEGATE, Account, Configuration, Credentials, EWSDateTime, EWSTimeZone

question = json.load(open(sys.argv[1], encoding="utf-8"))

logging.getLogger("exchangelib").setLevel(logging.ERROR)
zone = EWSTimeZone(question["zone"])
account = Account(
    question["user"],
    config=Configuration(
        service_endpoint=question["ews_url"], credentials=Credentials(question["user"], question["password"])
    ),
    autodiscover=False,
    access_type=DELEGATE,
    default_timezone=zone,
)
start, end = (
    EWSDateTime.from_datetime(datetime.datetime.fromisoformat(question[k]).replace(tzinfo=zone)) for k in ("from", "to")
)


def wall(at):
    if not hasattr(at, "hour"):  # of a whole day exchangelib makes a date
        at = EWSDateTime(at.year, at.month, at.day, tzinfo=EWSTimeZone("Europe/Berlin"))
    return at.astimezone(zone).strftime("%Y-%m-%dT%H:%M:%S")


found = list(account.calendar.view(start=start, end=end))
for item in found:
    again = account.calendar.get(id=item.id, changekey=item.changekey)
    for name in ("subject", "location", "start", "end", "uid", "legacy_free_busy_status", "type"):
        if getattr(again, name) != getattr(item, name):
            sys.exit(f"exchangelib: {name} is {getattr(item, name)} in the view and {getattr(again, name)} in the item")
if list(account.inbox.all()):
    sys.exit("exchangelib: the inbox is not empty")
try:
    list(account.calendar.all())
    sys.exit("exchangelib: the calendar is read without a view")
except exchangelib.errors.ErrorInvalidOperation:
    pass


def entry(i):
    details = {
        "Subject": i.subject or "",
        "Location": i.location or "",
        "IsMeeting": i.is_meeting,
        "IsRecurring": i.type != "Single",
        "IsException": i.type == "Exception",
        "IsReminderSet": i.reminder_is_set,
        "IsPrivate": i.sensitivity == "Private",
    }
    end = i.end + datetime.timedelta(days=1) if i.is_all_day else i.end  # its last day, which is still one of it
    return {"Start": wall(i.start), "End": wall(end), "BusyType": i.legacy_free_busy_status, "Details": details}


rows = [{"Address": a} for a in question["addresses"]]
rows[0]["Events"] = [entry(i) for i in found]
json.dump({"client": f"exchangelib {exchangelib.__version__}, calendar", "views": {"Detailed": rows}}, sys.stdout)
