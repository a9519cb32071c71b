/** Times as a form holds them: the clock on the wall in the chosen zone, such as `2026-12-01T06:00`. */

import { timeText, type Zone } from "./times";

const WALL = /^\d{4}-\d\d-\d\dT\d\d:\d\d$/;

/** Returns what the clock in `zone` shows at a time; empty for a time that can't be read. */
export function wallOf(iso: string, zone: Zone): string {
  return Number.isNaN(Date.parse(iso)) ? "" : timeText(iso, zone).slice(0, 16).replace(" ", "T");
}

/** Returns the time at which the clock in `zone` shows `wall`, as the API writes it; null where that is no time. */
export function instantOf(wall: string, zone: Zone): string | null {
  const wanted = WALL.test(wall) ? Date.parse(`${wall}:00Z`) : Number.NaN;
  if (Number.isNaN(wanted)) return null;
  let instant = wanted;
  // The offset of the zone may differ between the first guess and the time itself, so it is asked twice.
  for (let turn = 0; turn < 2; turn++) {
    const shown = Date.parse(`${wallOf(new Date(instant).toISOString(), zone)}:00Z`);
    instant += wanted - shown;
  }
  return new Date(instant).toISOString();
}
