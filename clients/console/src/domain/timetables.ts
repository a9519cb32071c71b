/** What the console says of timetables. */

import { durationText } from "./times";

/** What says when a timetable's runs are due. */
export interface Recurrence {
  readonly cron: string | null;
  readonly zone: string | null;
  readonly every_seconds: number | null;
}

/** Returns a recurrence as a person reads it, such as `0 6 * * 1-5 in Europe/Berlin` or `every 5 min`. */
export function recurrenceText({ cron, zone, every_seconds: every }: Recurrence): string {
  return cron === null ? `every ${durationText(every ?? 0)}` : `${cron} in ${zone ?? "UTC"}`;
}

/** A day of a calendar, with the times at which runs are due on it, as `06:00`. */
export interface Day {
  readonly day: number;
  readonly times: readonly string[];
}

/** A month of a calendar. Its weeks begin on Monday; days of other months are null. */
export interface Month {
  /** Like `2026-12`. */
  readonly id: string;
  readonly title: string;
  readonly weeks: readonly (readonly (Day | null)[])[];
}

export const WEEKDAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"] as const;
const DAYS = WEEKDAYS.length;
const MONTH_AND_YEAR = new Intl.DateTimeFormat("en", { month: "long", year: "numeric", timeZone: "UTC" });

/**
 * Returns the first `most` months in which runs are due, in order. `locals` are the times on the timetable's own clock,
 * in order, as the API gives them: `2026-12-01T06:00:00+01:00`.
 */
export function monthsOf(locals: readonly string[], most: number): readonly Month[] {
  const ids = [...new Set(locals.map((local) => local.slice(0, 7)))].slice(0, most);
  return ids.map((id) => {
    const [year = 0, month = 1] = id.split("-").map(Number);
    const first = new Date(Date.UTC(year, month - 1, 1));
    const length = new Date(Date.UTC(year, month, 0)).getUTCDate();
    const before = (first.getUTCDay() + DAYS - 1) % DAYS;
    const cells = Array.from(
      { length: Math.ceil((before + length) / DAYS) * DAYS },
      (_, place): Day | null => {
        const day = place - before + 1;
        if (day < 1 || day > length) return null;
        const date = `${id}-${String(day).padStart(2, "0")}T`;
        const due = locals.filter((local) => local.startsWith(date));
        return { day, times: due.map((local) => local.slice(11, 16)) };
      },
    );
    const weeks = Array.from({ length: cells.length / DAYS }, (_, week) =>
      cells.slice(week * DAYS, (week + 1) * DAYS),
    );
    return { id, title: MONTH_AND_YEAR.format(first), weeks };
  });
}

/** What texts among the parameters of a timetable's job may hold in place of the scheduled time. */
export const PLACEHOLDERS = ["scheduled_time", "scheduled_date"].map((name) => `\${${name}}`);
