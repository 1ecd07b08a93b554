"""Reads the answers of operations.sh, NAME@VERSION.xml: each operation of the service's own description must be there, be a
success, and say the same by all versions.

Usage: answered.py TABLE FOLDER CLIENT. Prints as JSON the elements and attributes of each answer that the table names.
"""

import json
import pathlib
import sys
import xml.etree.ElementTree as tree

demands, folder = open(sys.argv[1], encoding="utf-8").read().splitlines(), pathlib.Path(sys.argv[2])


def named(answer, name):
    element, _, attribute = name.partition("@")
    found = [e for e in answer.iter() if e.tag.split("}")[1] == element]
    return [e.get(attribute) if attribute else e.text or "" for e in found]


def read(operation, names):
    answers = {}
    for path in folder.glob(f"{operation}@*.xml"):
        if not path.name.endswith(".request.xml"):
            answer = tree.parse(path).getroot()
            if set(named(answer, "ResponseCode")) != {"NoError"}:
                sys.exit(f"operations: {path.name} is no success:\n{path.read_text(encoding='utf-8')}")
            answers[path.name] = {name: named(answer, name) for name in names}
    if not answers:
        sys.exit(f"operations: {operation} is not asked")
    first = next(iter(answers.values()))
    for name, answer in answers.items():
        if answer != first:
            sys.exit(f"operations: {name} says {answer}, another version {first}")
    return first


names = {}
for operation, name, *_ in (line.split("\t") for line in demands):
    names.setdefault(operation, []).append(name)
served = {e.get("name") for e in tree.parse(folder / "description/services.wsdl").iter("{http://schemas.xmlsoap.org/wsdl/}operation")}
if served != set(names):
    sys.exit(f"operations: of {sorted(served ^ set(names))} nothing is demanded, or they are not served")
json.dump({"client": sys.argv[3], "operations": {o: read(o, names[o]) for o in sorted(served)}}, sys.stdout)
