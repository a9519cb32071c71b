/** The figures of ended jobs as the API tells them, and the hours or days that a plot shows. */

import { counted } from "./numbers";

export type Step = "hour" | "day";

export const STEPS_MS: Readonly<Record<Step, number>> = { hour: 3_600_000, day: 86_400_000 };

export interface Quantiles {
  /** How many values there are. */
  readonly count: number;
  readonly p50: number | null;
  readonly p90: number | null;
  readonly p99: number | null;
  readonly max: number | null;
}

/** The ends of one row and the slot time beside them, as the API tells them. */
export interface Row {
  readonly pool: string | null;
  readonly type: string | null;
  readonly share: string | null;
  readonly worker: string | null;
  readonly since: string | null;
  readonly until: string | null;
  readonly ended: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly timed_out: number;
  readonly cancelled: number;
  readonly skipped: number;
  readonly success_rate: number | null;
  readonly ended_per_hour: number | null;
  readonly measured: number;
  readonly started: number;
  readonly tries: number;
  readonly handed_back: number;
  readonly lost: number;
  readonly busy_seconds: number;
  readonly slot_seconds: number | null;
  readonly utilisation: number | null;
  readonly oldest_ready_seconds: number | null;
  readonly wasted_seconds: number;
  readonly wait_seconds: Quantiles;
  readonly run_seconds: Quantiles;
  readonly overrun: Quantiles;
}

/** The ends of a row in one hour or day, as the API tells them. */
export interface StepEnds {
  readonly since: string | null;
  readonly ended: number;
  readonly failed: number;
  readonly timed_out: number;
}

/** A time between two marks of a plot; `row` is null where no job ended and there were no slots. */
export interface Slot<R = Row> {
  readonly fromMs: number;
  readonly row: R | null;
}

/** Returns each step of a time in its order. The API has no row for a step without ends and slots. */
export function slotsOf<R extends { readonly since: string | null }>(
  rows: readonly R[],
  fromMs: number,
  toMs: number,
  stepMs: number,
): readonly Slot<R>[] {
  const floor = (ms: number) => ms - (ms % stepMs);
  const known = new Map(rows.map((row) => [floor(Date.parse(row.since ?? "")), row]));
  const slots: Slot<R>[] = [];
  for (let at = floor(fromMs); at < toMs; at += stepMs)
    slots.push({ fromMs: at, row: known.get(at) ?? null });
  return slots;
}

/** One bar of a plot of ends. */
export interface Bar {
  readonly all: number;
  /** How many of them failed or timed out. */
  readonly failed: number;
}

/** Returns a bar for each hour of the day before `until`, from the hours in which a job ended. */
export function barsOfDay(hours: readonly StepEnds[], until: string | null): readonly Bar[] {
  const untilMs = Date.parse(until ?? "");
  return slotsOf(hours, untilMs - STEPS_MS.day, untilMs, STEPS_MS.hour).map(({ row }) => ({
    all: row?.ended ?? 0,
    failed: (row?.failed ?? 0) + (row?.timed_out ?? 0),
  }));
}

/** Returns the ends of 24 hours in words. */
export function dayText({ ended, failed, timed_out }: Omit<StepEnds, "since">): string {
  return `${counted(ended, "job")} ended in 24 hours, ${(failed + timed_out).toLocaleString("en")} of them failed`;
}
