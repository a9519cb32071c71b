/** Times as people type them and as fields for times hold them, in the zone that the page shows its times in. */

import { timeText, type Zone } from "./times";

const TYPED = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2})(?::(\d{2}))?)?$/;
const DAY_MS = 86_400_000;

/**
 * Returns the RFC 3339 time in UTC at which the clock in `zone` shows `wall`, such as `2026-12-01T08:00`, a day and a
 * time with a blank between them, or a day alone. Returns null for a text that is no time, and for a time that the
 * clocks skip. Of an hour that the clocks show twice it is the first.
 */
export function instantOf(wall: string, zone: Zone): string | null {
  const [, day, minute = "00:00", second = "00"] = TYPED.exec(wall.trim()) ?? [];
  const wanted = day === undefined ? Number.NaN : Date.parse(`${day}T${minute}:${second}Z`);
  // Some engines read the 30th of February as the 2nd of March.
  if (Number.isNaN(wanted) || iso(wanted).slice(0, 10) !== day) return null;
  const shown = (ms: number) => Date.parse(`${wallOf(iso(ms), zone)}Z`);
  // The offsets of a day before and a day after cover a change of the clocks between them.
  const found = [wanted - DAY_MS, wanted + DAY_MS]
    .map((near) => wanted - (shown(near) - near))
    .filter((ms) => shown(ms) === wanted);
  return found.length === 0 ? null : iso(Math.min(...found));
}

/** Returns what the clock in `zone` shows at a time, such as `2026-12-01T08:00:00`; empty for a text that is no time. */
export function wallOf(at: string, zone: Zone): string {
  return Number.isNaN(Date.parse(at)) ? "" : timeText(at, zone).replace(" ", "T");
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
