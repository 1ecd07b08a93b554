"""Evolution's EWS calendar, headless: its source registry and calendar factory on a D-Bus of their own, asked for
free/busy as its meeting editor does.

Usage: evolution_freebusy.py QUESTION. Prints what it understood as JSON. It trusts what the system trusts: the demo's
authority is mounted over the system's bundle, for its processes only, which takes the right to.
"""

import datetime
import json
import os
import re
import subprocess
import sys
import tempfile
import zoneinfo

question = json.load(open(sys.argv[1], encoding="utf-8"))
zone = zoneinfo.ZoneInfo(question["zone"])
bundle = "/etc/ssl/certs/ca-certificates.crt"
account = """[Data Source]
DisplayName=account
[Authentication]
Host=localhost
Method=plain/password
ProxyUid=system-proxy
User={user}
[Ews Backend]
AuthMechanism=PLAIN
Email={user}
Hosturl={ews_url}
"""
calendar = """[Data Source]
DisplayName=calendar
Parent=account
[Authentication]
Host=localhost
Method=plain/password
User={user}
[Calendar]
BackendName=ews
[Ews Folder]
Id=calendar
"""


texts = {  # it shows the texts of errors, not their codes
    "ErrorNoFreeBusyAccess": "does not have access to free/busy data",
    "ErrorMailRecipientNotFound": "Unable to resolve e-mail address",
    "ErrorInvalidSmtpAddress": "is not a valid SMTP address",
}


def outside(folder):
    """Writes the account and runs inside() with a session bus and folders that are nobody else's."""
    sources = os.path.join(folder, "config", "evolution", "sources")
    os.makedirs(sources)
    os.makedirs(os.path.join(folder, "run"), mode=0o700)
    for name, text in (("account", account), ("calendar", calendar)):
        with open(os.path.join(sources, name + ".source"), "w", encoding="utf-8") as f:
            f.write(text.format(**question))
    with open(os.path.join(folder, "bundle"), "w", encoding="utf-8") as f:
        f.writelines(open(path, encoding="utf-8").read() for path in (bundle, question["ca_file"]))
    places = {"HOME": "", "XDG_CONFIG_HOME": "config", "XDG_DATA_HOME": "data", "XDG_CACHE_HOME": "cache", "XDG_RUNTIME_DIR": "run"}
    environment = {k: os.path.join(folder, v) for k, v in places.items()}
    environment |= {"GSETTINGS_BACKEND": "memory", "GIO_USE_NETWORK_MONITOR": "base"}
    mounted = 'mount --bind "$HOME/bundle" "$1" && exec dbus-run-session -- python3 "$2" "$3" inside'
    command = ["unshare", "--mount", "sh", "-c", mounted, "sh", bundle, __file__, os.path.abspath(sys.argv[1])]
    for _ in range(3):  # its login races with the start of its factory
        run = subprocess.run(command, env=os.environ | environment, timeout=60, stdout=subprocess.PIPE)
        if run.returncode == 0:
            return run.stdout
    return sys.exit("evolution: three runs failed")


def connected():
    """The calendar's client, once it has logged in: the password is handed over when the factory wants one."""
    import gi

    gi.require_version("EDataServer", "1.2")
    gi.require_version("ECal", "2.0")
    from gi.repository import ECal, EDataServer, GLib

    registry = EDataServer.SourceRegistry.new_sync(None)  # without it the sources hear nothing
    source = registry.ref_source("calendar")
    loop = GLib.MainLoop()

    def password(s, *_):
        parameters = EDataServer.NamedParameters()
        parameters.set("username", question["user"])
        parameters.set("password", question["password"])
        s.invoke_authenticate(parameters, None, None)

    def status(*_):
        if source.get_connection_status() == EDataServer.SourceConnectionStatus.CONNECTED:
            loop.quit()
        return True

    for s in (source, registry.ref_source("account")):
        s.connect("credentials-required", password)
    client = ECal.Client.connect_sync(source, ECal.ClientSourceType.EVENTS, 2, None)
    GLib.timeout_add(100, status)
    GLib.timeout_add_seconds(20, loop.quit)
    loop.run()
    if source.get_connection_status() != EDataServer.SourceConnectionStatus.CONNECTED:
        sys.exit("evolution: did not log in")
    return client


def wall(stamp):
    at = datetime.datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.timezone.utc)
    return at.astimezone(zone).strftime("%Y-%m-%dT%H:%M:%S")


def events(component):
    """The FREEBUSY lines; it has no type for working elsewhere, and the summary and location where it was told them."""
    types = {"FREE": "Free", "BUSY-TENTATIVE": "Tentative", "BUSY": "Busy", "BUSY-UNAVAILABLE": "OOF", None: "WorkingElsewhere"}
    for parameters, start, end in re.findall(r"^FREEBUSY(.*):(\w+)/(\w+)$", re.sub(r"\r?\n ", "", component).replace("\r", ""), re.M):
        p = {k: quoted or plain for k, quoted, plain in re.findall(r';([A-Z-]+)=(?:"([^"]*)"|([^;:]*))', parameters)}
        event = {"Start": wall(start), "End": wall(end), "BusyType": types[p.get("FBTYPE")]}
        if "X-SUMMARY" in p:
            event["Details"] = {"Subject": p["X-SUMMARY"], "Location": p.get("X-LOCATION", "")}
        yield event


def inside():
    from gi.repository import GLib

    client, rows = connected(), []
    start, end = (int(datetime.datetime.fromisoformat(question[k]).replace(tzinfo=zone).timestamp()) for k in ("from", "to"))
    for address in question["addresses"]:  # one by one: an error of one mailbox ends the whole call
        row = {"Address": address}
        try:
            _, components = client.get_free_busy_sync(start, end, [address], None)
            row["Events"] = [e for c in components for e in events(c.get_as_string())]
        except GLib.Error as e:
            row["ResponseCode"] = next((code for code, text in texts.items() if text in e.message), e.message)
        rows.append(row)
    version = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", "evolution-ews"], capture_output=True, text=True, check=True).stdout
    json.dump({"client": "Evolution " + version, "views": {"DetailedMerged": rows}}, sys.stdout)


if sys.argv[2:] == ["inside"]:
    inside()
else:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        sys.stdout.buffer.write(outside(folder))
