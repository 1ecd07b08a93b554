"""What every client asks, made from a running demo: two of our own users' and partners' people over the days of the
demo's week, in one time zone.

Usage: question.py DEMO_JSON ZONE WINDOWS_ZONE. Prints the question as JSON.
"""

import datetime
import json
import sys

demo = json.load(open(sys.argv[1], encoding="utf-8"))
partner, ours = demo["organizations"]
monday = datetime.date.today() - datetime.timedelta(days=datetime.date.today().weekday())
json.dump(
    {
        "ews_url": ours["ews_url"],
        "autodiscover_url": ours["autodiscover_url"],
        "ca_file": ours["ca_file"],
        "user": ours["users"][0]["address"],
        "password": ours["users"][0]["password"],
        "addresses": [ours["users"][0]["address"], partner["users"][0]["address"], "nobody@" + partner["domain"]],
        "zone": sys.argv[2],
        "windows_zone": sys.argv[3],
        "from": f"{monday}T00:00:00",
        "to": f"{monday + datetime.timedelta(days=5)}T00:00:00",
        "interval": 30,
    },
    sys.stdout,
    indent=1,
)
