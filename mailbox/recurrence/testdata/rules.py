"""Expands recurrence rules with dateutil: a JSON object a line in, a JSON list of times a line out.

Where dateutil does not come to an end, as with rules that match nothing, or fails within (it does for some weekdays at the
end of a year), the answer is null.
"""
import json
import signal
import sys
from datetime import datetime

from dateutil.rrule import rrulestr


class Endless(Exception):
    pass


def give_up(*_):
    raise Endless


signal.signal(signal.SIGVTALRM, give_up)
for line in sys.stdin:
    q = json.loads(line)
    start, begin, end = (datetime.fromisoformat(q[k]) for k in ("start", "from", "until"))
    signal.setitimer(signal.ITIMER_VIRTUAL, 0.1)
    try:
        rule = rrulestr(q["rule"], dtstart=start)
        answer = []
        for t in rule:
            if t >= end:
                break
            if t >= begin:
                answer.append(t.isoformat())
    except (Endless, IndexError):
        answer = None
    signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    print(json.dumps(answer), flush=True)
