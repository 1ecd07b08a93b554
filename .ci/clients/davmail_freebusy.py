"""DavMail: a CalDAV gateway before the service, asked for free/busy as a calendar program does.

Usage: davmail_freebusy.py QUESTION. Prints what it understood as JSON. DavMail reads MergedFreeBusy only and gives back
busy times, which become the question's slots again here.
"""

import base64
import datetime
import hashlib
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
import zoneinfo

question = json.load(open(sys.argv[1], encoding="utf-8"))
zone = zoneinfo.ZoneInfo(question["zone"])
start, end = (datetime.datetime.fromisoformat(question[k]).replace(tzinfo=zone).astimezone(datetime.timezone.utc) for k in ("from", "to"))
digits = {"FREE": "0", "BUSY-TENTATIVE": "1", "BUSY": "2", "BUSY-UNAVAILABLE": "3"}


def stamp(t):
    return t.strftime("%Y%m%dT%H%M%SZ")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def fingerprint(url):
    """The certificate is trusted by its hash, as DavMail's users do who have a private authority."""
    context = ssl.create_default_context(cafile=question["ca_file"])
    with socket.create_connection((url.hostname, url.port)) as plain, context.wrap_socket(plain, server_hostname=url.hostname) as s:
        return hashlib.sha1(s.getpeercert(binary_form=True)).hexdigest().upper()


def start_davmail(folder, port):
    url = urllib.parse.urlsplit(question["ews_url"])
    pairs = fingerprint(url)
    settings = {
        "davmail.server": "true",
        "davmail.mode": "EWS",
        "davmail.url": question["ews_url"],
        "davmail.caldavPort": port,
        "davmail.imapPort": "",
        "davmail.ldapPort": "",
        "davmail.popPort": "",
        "davmail.smtpPort": "",
        "davmail.bindAddress": "127.0.0.1",
        "davmail.disableUpdateCheck": "true",
        "davmail.server.certificate.hash": ":".join(pairs[i : i + 2] for i in range(0, len(pairs), 2)),
        "davmail.logFilePath": os.path.join(folder, "davmail.log"),
    }
    path = os.path.join(folder, "davmail.properties")
    with open(path, "w", encoding="utf-8") as f:
        f.writelines(f"{k}={v}\n" for k, v in settings.items())
    return subprocess.Popen(["java", "-jar", "/usr/share/davmail/davmail.jar", "-server", path], stdout=sys.stderr, stderr=sys.stderr, start_new_session=True)


def wait_for(port, process):
    for _ in range(300):
        try:
            return socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            if process.poll() is not None:
                break
            time.sleep(0.1)
    sys.exit("davmail: did not start")


def ask(port, address):
    body = "\r\n".join(
        [
            "BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//availd//clients//EN", "METHOD:REQUEST", "BEGIN:VFREEBUSY", "UID:question",
            f"DTSTAMP:{stamp(start)}", f"DTSTART:{stamp(start)}", f"DTEND:{stamp(end)}",
            f"ORGANIZER:mailto:{question['user']}", f"ATTENDEE:mailto:{address}", "END:VFREEBUSY", "END:VCALENDAR", "",
        ]
    )  # fmt: skip
    r = urllib.request.Request(f"http://127.0.0.1:{port}/users/{question['user']}/outbox/", data=body.encode(), method="POST")
    r.add_header("Content-Type", "text/calendar")
    r.add_header("Originator", "mailto:" + question["user"])
    r.add_header("Recipient", "mailto:" + address)
    r.add_header("Authorization", "Basic " + base64.b64encode(f"{question['user']}:{question['password']}".encode()).decode())
    with urllib.request.urlopen(r, timeout=60) as answer:
        return answer.read().decode().replace("\r\n ", "").replace("\n ", "")


def merged(answer):
    slot = datetime.timedelta(minutes=question["interval"])
    slots = ["0"] * int((end - start) / slot)
    for kind, periods in re.findall(r"FREEBUSY;FBTYPE=([A-Z-]+):(\S+)", answer):
        for period in periods.split(","):
            a, b = (datetime.datetime.strptime(t, "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.timezone.utc) for t in period.split("/"))
            for i in range(len(slots)):
                at = start + i * slot
                if a < at + slot and b > at:
                    slots[i] = max(slots[i], digits[kind])
    return "".join(slots)


with tempfile.TemporaryDirectory() as folder:
    port = free_port()
    davmail = start_davmail(folder, port)
    try:
        wait_for(port, davmail)
        answers = []
        for address in question["addresses"]:
            answers.append({"Address": address})
            if address.endswith("@"):  # not even a mailto: address
                continue
            text = ask(port, address)
            print(text, file=sys.stderr)
            if "BEGIN:VFREEBUSY" in text:
                answers[-1]["MergedFreeBusy"] = merged(text)
    finally:
        os.killpg(davmail.pid, signal.SIGTERM)
        davmail.wait()
version = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", "davmail-server"], capture_output=True, text=True, check=True).stdout
json.dump({"client": "DavMail " + version, "views": {"MergedOnly": answers}}, sys.stdout)
