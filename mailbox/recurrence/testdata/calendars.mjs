// Expands calendars with ical.js: a JSON object a line in ({calendar, from, until}), a JSON list of "start end" a line out.
// Times are seconds since 1970. The calendars have times in UTC, or in zones that they define.
import { createInterface } from "node:readline";
import { createRequire } from "node:module";

const ICAL = createRequire(process.argv[2] + "/")("ical.js").default ?? createRequire(process.argv[2] + "/")("ical.js");

function occurrences({ calendar, from, until }) {
  const root = new ICAL.Component(ICAL.parse(calendar));
  for (const z of root.getAllSubcomponents("vtimezone")) {
    ICAL.TimezoneService.register(z);
  }
  const all = root.getAllSubcomponents("vevent").map((c) => new ICAL.Event(c));
  const master = all.find((e) => !e.isRecurrenceException());
  for (const e of all) {
    if (e !== master) master.relateException(e);
  }
  const out = [];
  const add = (start, end) => {
    const [a, b] = [start.toUnixTime(), end.toUnixTime()];
    if (a < until && (b > from || (a === b && a >= from))) out.push([a, b]);
  };
  if (!master.isRecurring()) {
    add(master.startDate, master.endDate);
    return out;
  }
  const each = master.iterator();
  for (let n = 0, next; n < 20000 && (next = each.next()); n++) {
    const d = master.getOccurrenceDetails(next);
    if (next.toUnixTime() > until + 40 * 86400) break;
    add(d.startDate, d.endDate);
  }
  out.sort((x, y) => x[0] - y[0] || x[1] - y[1]);
  return out;
}

for await (const line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(occurrences(JSON.parse(line))));
}
