"""exchangelib: rooms and their lists, names, members of a group, MailTips, and automatic replies, which it also sets.

Usage: exchangelib_directory.py QUESTION. Prints what it understood as JSON, by operation and element. The roots for TLS are in
REQUESTS_CA_BUNDLE.
"""

import json
import logging
import sys

import exchangelib
from exchangelib import DELEGATE, Account, Configuration, Credentials, OofSettings
from exchangelib.properties import Mailbox, SendingAs
from exchangelib.services import GetMailTips
from exchangelib.util import create_element

question = json.load(open(sys.argv[1], encoding="utf-8"))

logging.getLogger("exchangelib").setLevel(logging.ERROR)
account = Account(
    question["user"],
    config=Configuration(
        service_endpoint=question["ews_url"], credentials=Credentials(question["user"], question["password"])
    ),
    autodiscover=False,
    access_type=DELEGATE,
)
lists = list(account.protocol.get_roomlists())
rooms = account.protocol.get_rooms(lists[0].email_address)


def entries(found):
    found = list(found)
    return {"Name": [e.name for e in found], "EmailAddress": [e.email_address for e in found], "MailboxType": [e.mailbox_type for e in found]}


def replies(s):
    times = {name: [at.astimezone(exchangelib.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")] for name, at in (("StartTime", s.start), ("EndTime", s.end))}
    return {"OofState": [s.state], "ExternalAudience": [s.external_audience], "Message": [s.internal_reply, s.external_reply], **times}


before = account.oof_settings
wanted = OofSettings(state=OofSettings.ENABLED, external_audience="All", internal_reply="Away", external_reply="Gone & away")
account.oof_settings = wanted
after = account.oof_settings
account.oof_settings = before
if (after.state, after.external_audience, after.internal_reply, after.external_reply) != ("Enabled", "All", "Away", "Gone & away"):
    sys.exit(f"exchangelib: the automatic replies are {after}")

every = create_element("m:MailTipsRequested")  # its account.mail_tips puts the word outside of any element
every.text = "All"
tips = list(
    GetMailTips(protocol=account.protocol).call(
        sending_as=SendingAs(email_address=question["user"]),
        recipients=[Mailbox(email_address=a) for a in ("team@fabrikam.example", "partner@contoso.example")],
        mail_tips_requested=[every],
    )
)
operations = {
    "GetRoomLists": {k: v for k, v in entries(lists).items() if k != "MailboxType"},
    "GetRooms": {k: v for k, v in entries(rooms).items() if k != "MailboxType"},
    "ResolveNames": entries(account.protocol.resolve_names(["Room 1"])),
    "ExpandDL": entries(account.protocol.expand_dl("duty@fabrikam.example")),
    "GetUserOofSettings": replies(account.oof_settings),
    "GetMailTips": {
        "CustomMailTip": [t.custom_mail_tip for t in tips if t.custom_mail_tip],
        "TotalMemberCount": [str(t.total_member_count) for t in tips],
        "ExternalMemberCount": [str(t.external_member_count) for t in tips],
        "Message": [t.out_of_office.reply_body for t in tips if t.out_of_office],
    },
}
json.dump({"client": f"exchangelib {exchangelib.__version__}, directory", "operations": operations}, sys.stdout)
