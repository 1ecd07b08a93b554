"""exchangelib against a running demo: the free/busy of an own user and of a partner's, by the library's own calls.

Usage: exchangelib_freebusy.py DEMO_JSON. Prints the merged digits of both; exit status 1 when the partner's are empty.
"""

import datetime
import json
import logging
import os
import sys

demo = json.load(open(sys.argv[1], encoding="utf-8"))
ours, partner = demo["organizations"][1], demo["organizations"][0]
os.environ["REQUESTS_CA_BUNDLE"] = ours["ca_file"]

from exchangelib import DELEGATE, Account, Configuration, Credentials, EWSDateTime, EWSTimeZone  # noqa: E402

logging.getLogger("exchangelib").setLevel(logging.ERROR)  # it warns of every time without a zone
user = ours["users"][0]
account = Account(
    user["address"],
    credentials=Credentials(user["address"], user["password"]),
    config=Configuration(service_endpoint=ours["ews_url"], credentials=Credentials(user["address"], user["password"])),
    autodiscover=False,
    access_type=DELEGATE,
    default_timezone=EWSTimeZone("Europe/Berlin"),
)
zone = EWSTimeZone("Europe/Berlin")
today = datetime.date.today()
start = EWSDateTime(today.year, today.month, today.day, tzinfo=zone)
end = start + datetime.timedelta(days=1)
asked = [(user["address"], "Organizer", False), (partner["users"][0]["address"], "Required", False)]
digits = []
for view in account.protocol.get_free_busy_info(accounts=asked, start=start, end=end, merged_free_busy_interval=30, requested_view="DetailedMerged"):
    if isinstance(view, Exception):
        sys.exit(f"exchangelib: {view!r}")
    digits.append("".join(str(d) for d in (view.merged or [])))
    print(view.view_type, digits[-1], [(str(e.start), str(e.end), e.busy_type) for e in view.calendar_events or []])
if len(digits) != 2 or any(len(d) != 48 for d in digits):
    sys.exit("exchangelib: 48 digits were expected for each")
