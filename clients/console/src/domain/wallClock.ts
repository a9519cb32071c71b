/** Times as people type them, in the zone that the page shows its times in. */

import { timeText, type Zone } from "./times";

const LOCAL = /^(\d{4})-(\d{2})-(\d{2})[T ](\d{2}):(\d{2})(?::(\d{2}))?$/;

/**
 * Returns the RFC 3339 time of a wall clock in `zone`, such as `2026-12-01T08:00`; null where the text is no time, or
 * where clocks skip it. Of an hour that clocks show twice it is the first.
 */
export function instantOf(local: string, zone: Zone): string | null {
  const found = LOCAL.exec(local.trim());
  if (found === null) return null;
  const [, year, month, day, hour, minute, second = "00"] = found;
  const wanted = `${year}-${month}-${day} ${hour}:${minute}:${second}`;
  const asUtc = Date.parse(`${wanted.replace(" ", "T")}Z`);
  if (Number.isNaN(asUtc)) return null;
  const offset = (ms: number) => Date.parse(`${timeText(iso(ms), zone).replace(" ", "T")}Z`) - ms;
  // Offsets of a day before and after hold all that a change of clocks can bring.
  const candidates = [asUtc - DAY_MS, asUtc + DAY_MS, asUtc].map((near) => asUtc - offset(near));
  const right = candidates.filter((ms) => timeText(iso(ms), zone) === wanted);
  return right.length === 0 ? null : iso(Math.min(...right));
}

/** Returns what a field for a time shows for an RFC 3339 time, such as `2026-12-01T08:00:00`. */
export function localOf(at: string, zone: Zone): string {
  return timeText(at, zone).replace(" ", "T");
}

const DAY_MS = 86_400_000;

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
