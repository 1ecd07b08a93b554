"""exchangelib: finds the service by Autodiscover, then asks the free/busy of the question's mailboxes.

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
answers = []
for address in question["addresses"]:  # one by one: an error of one mailbox ends the whole call
    try:
        (view,) = account.protocol.get_free_busy_info(
            accounts=[(address, "Required", False)],
            start=start,
            end=end,
            merged_free_busy_interval=question["interval"],
            requested_view="DetailedMerged",
        )
    except exchangelib.errors.ResponseMessageError as e:
        answers.append({"Address": address, "ResponseCode": type(e).__name__})
        continue
    answers.append(
        {
            "Address": address,
            "ResponseCode": "NoError",
            "MergedFreeBusy": "".join(str(d) for d in view.merged),
            "Events": [
                [e.start.strftime("%Y-%m-%dT%H:%M:%S"), e.end.strftime("%Y-%m-%dT%H:%M:%S"), e.busy_type]
                for e in view.calendar_events or []
            ],
        }
    )
json.dump({"client": "exchangelib " + exchangelib.__version__, "answers": answers}, sys.stdout)
