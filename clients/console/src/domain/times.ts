/** Times and durations as text. Every time is shown in one zone, which stands beside it. */

export type Zone = "UTC" | "local" | (string & {});

export function zoneName(zone: Zone): string {
  return zone === "local" ? Intl.DateTimeFormat().resolvedOptions().timeZone : zone;
}

/** Returns whether the browser knows the zone, such as "Europe/Berlin". */
export function isZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: zoneName(zone) });
    return true;
  } catch {
    return false;
  }
}

const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(zone: Zone): Intl.DateTimeFormat {
  const name = zoneName(zone);
  const known = formats.get(name);
  if (known !== undefined) return known;
  const made = new Intl.DateTimeFormat("en-CA", {
    timeZone: name,
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    hourCycle: "h23",
  });
  formats.set(name, made);
  return made;
}

/** Returns a time like `2026-12-01 06:00:00` in `zone`; `iso` is RFC 3339, as the API writes it. */
export function timeText(iso: string, zone: Zone): string {
  const parts = Object.fromEntries(
    formatOf(zone)
      .formatToParts(new Date(iso))
      .map((part) => [part.type, part.value]),
  );
  return `${parts.year}-${parts.month}-${parts.day} ${parts.hour}:${parts.minute}:${parts.second}`;
}

const MOMENT = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g;

/** Returns a sentence of the API with each of its times told in `zone`, which is named. */
export function toldIn(sentence: string, zone: Zone): string {
  return sentence.replace(MOMENT, (iso) =>
    Number.isNaN(Date.parse(iso)) ? iso : `${timeText(iso, zone)} ${zoneName(zone)}`,
  );
}

/** The page's clock stands for so long. What happens meanwhile is not ahead. */
const CLOCK_SECONDS = 5;

/** Returns how long ago `iso` is at `nowMs`, like `3 min ago`, `now` or `in 2 h`. */
export function relativeText(iso: string, nowMs: number): string {
  const seconds = (nowMs - Date.parse(iso)) / 1000;
  if (seconds < 0 && seconds >= -CLOCK_SECONDS) return "now";
  const text = durationText(Math.abs(seconds));
  return seconds >= 0 ? `${text} ago` : `in ${text}`;
}

/** Returns seconds as text of at most two units: `0.35 s`, `12 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`. */
export function durationText(seconds: number): string {
  if (seconds < 10) return `${Number(seconds.toFixed(2))} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const units: readonly (readonly [string, number])[] = [
    ["d", 86_400],
    ["h", 3_600],
    ["min", 60],
    ["s", 1],
  ];
  const at = units.findIndex(([, size]) => whole >= size);
  const [name, size] = units[at] as readonly [string, number];
  const next = units[at + 1];
  const rest = next === undefined ? 0 : Math.floor((whole % size) / next[1]);
  return next === undefined || rest === 0
    ? `${Math.floor(whole / size)} ${name}`
    : `${Math.floor(whole / size)} ${name} ${rest} ${next[0]}`;
}

/** Returns the seconds between two times; null where one of them is not known. */
export function secondsBetween(
  from: string | null | undefined,
  to: string | null | undefined,
): number | null {
  return from == null || to == null ? null : Math.max(0, (Date.parse(to) - Date.parse(from)) / 1000);
}
