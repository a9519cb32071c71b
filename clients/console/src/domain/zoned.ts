/** Times that people type in the zone of the page. */

import { timeText, type Zone } from "./times";

const TYPED = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2})(?::(\d{2}))?)?$/;

/**
 * Returns a time like `2026-12-01 06:00` in `zone` as RFC 3339 in UTC; null where the text is no time, or none that the
 * clocks of the zone show. Of an hour that the clocks show twice it is the first one.
 */
export function typedTime(text: string, zone: Zone): string | null {
  const [, day, minute = "00:00", second = "00"] = TYPED.exec(text.trim()) ?? [];
  const wanted = day === undefined ? Number.NaN : Date.parse(`${day}T${minute}:${second}Z`);
  // Some engines read the 30th of February as the 2nd of March.
  if (Number.isNaN(wanted) || new Date(wanted).toISOString().slice(0, 10) !== day) return null;
  const shown = (ms: number) =>
    Date.parse(`${timeText(new Date(ms).toISOString(), zone).replace(" ", "T")}Z`);
  // The offset of the zone before and after the time covers a change of the clocks between them.
  const offsets = [wanted - 86_400_000, wanted + 86_400_000].map((near) => shown(near) - near);
  const found = offsets
    .map((offset) => wanted - offset)
    .filter((candidate) => shown(candidate) === wanted)
    .sort((one, other) => one - other)[0];
  return found === undefined ? null : new Date(found).toISOString();
}

/** Returns a time as `typedTime` reads it, in `zone`. */
export function toType(iso: string, zone: Zone): string {
  return timeText(iso, zone);
}
