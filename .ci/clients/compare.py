"""Compares what a client understood with the answer key, value for value.

Usage: compare.py QUESTION KEY ANSWER. ANSWER is the client's JSON: its name, the rows of each view that it asked, and
the suggestions and other operations where it asked for any. A client leaves out what it has no word for; what it has must be
right.
"""

import json
import sys

question, key, answer = (json.load(open(p, encoding="utf-8")) for p in sys.argv[1:4])
name = answer["client"]
compared = 0


def same(where, got, want):
    """Walks both; a member that the client leaves out is not compared, one that it adds is wrong."""
    global compared
    if isinstance(got, dict) and isinstance(want, dict):
        for k in got:
            same(f"{where} {k}", got[k], want.get(k, "nothing"))
    elif isinstance(got, list) and isinstance(want, list) and len(got) == len(want):
        for i, (g, w) in enumerate(zip(got, want)):
            same(f"{where}[{i}]", g, w)
    else:
        compared += 1
        if got != want:
            sys.exit(f"{name}: {where} is\n{json.dumps(got)}\nand must be\n{json.dumps(want)}")


views = answer.get("views", {})
for view, rows in views.items():
    same("addresses of " + view, [r["Address"] for r in rows], question["addresses"])
    for got, want in zip(rows, key["views"][view]):
        same(f"{view} of {want['Address']}", got, want)
if "suggestions" in answer:
    same("suggestions", answer["suggestions"], key["suggestions"])
same("operation", answer.get("operations", {}), key["operations"])
if compared <= 2 * len(question["addresses"]) * len(views):
    sys.exit(f"{name}: nothing but addresses was compared")
asked = [*views, *(["suggestions"] if "suggestions" in answer else []), *answer.get("operations", {})]
print(f"{name}, {question['zone']}: {compared} values as the key has them, {' '.join(asked)}")
