"""Compares what a client understood with the answer key, value for value.

Usage: compare.py QUESTION KEY ANSWER. ANSWER is the client's JSON: its name, the rows of each view that it asked, and
the suggestions where it asked for any. A client leaves out what it has no word for; what it has must be right.
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


for view, rows in answer["views"].items():
    same("addresses of " + view, [r["Address"] for r in rows], question["addresses"])
    for got, want in zip(rows, key["views"][view]):
        same(f"{view} of {want['Address']}", got, want)
if "suggestions" in answer:
    same("suggestions", answer["suggestions"], key["suggestions"])
if compared <= 2 * len(question["addresses"]) * len(answer["views"]):
    sys.exit(f"{name}: nothing but addresses was compared")
print(f"{name}, {question['zone']}: {compared} values as the key has them, views {' '.join(answer['views'])}" + (", suggestions" if "suggestions" in answer else ""))
