/** The figures of ended jobs: what the address asks for, the axes of plots, and rows as texts. */

import { sinceMs } from "./jobFilters";
import { type Row, STEPS_MS, type Step } from "./steps";
import { durationText } from "./times";

/** How far back a screen may look, with its words. */
export const RANGES = [
  ["24h", "the last 24 hours"],
  ["7d", "the last 7 days"],
  ["30d", "the last 30 days"],
  ["90d", "the last 90 days"],
  ["365d", "the last 365 days"],
] as const;

/** The kinds of rows of the table; `step` has a row for each hour or day. */
export const KINDS = ["pool", "type", "share", "worker", "step"] as const;

export type Range = (typeof RANGES)[number][0];
export type Kind = (typeof KINDS)[number];

/** The most that is shown by hours, and what is shown so where the address names no step. */
interface ByHours {
  readonly mostMs: number;
  readonly usuallyMs: number;
}

/** The API tells at most 31 days by hours. */
const OF_ONE_POOL: ByHours = { mostMs: 31 * STEPS_MS.day, usuallyMs: 7 * STEPS_MS.day };
/**
 * An answer adds up a bounded number of figures of all pools together. A week by hours of ten busy pools with some
 * types, shares and workers is about as much as a year by days.
 */
const OF_ALL_POOLS: ByHours = { mostMs: 7 * STEPS_MS.day, usuallyMs: STEPS_MS.day };

const byHours = (pool: string): ByHours => (pool === "" ? OF_ALL_POOLS : OF_ONE_POOL);

export interface Asked {
  readonly range: Range;
  readonly kind: Kind;
  readonly step: Step;
  /** The figure that orders the rows; the largest comes first. */
  readonly order: string;
  readonly pool: string;
  readonly type: string;
}

/** Returns the steps that a range of a pool can be shown in; without a name, of all pools. */
export function stepsFor(range: Range, pool: string): readonly Step[] {
  return (sinceMs(range) ?? 0) <= byHours(pool).mostMs ? ["hour", "day"] : ["day"];
}

/** Returns the step of a range of a pool, or of all pools, where nobody chose one. */
export function usualStep(range: Range, pool: string): Step {
  return (sinceMs(range) ?? 0) <= byHours(pool).usuallyMs ? "hour" : "day";
}

/** Reads an address. A part that is missing or not valid is as usual. */
export function askedOf(address: Readonly<Record<string, string | undefined>>): Asked {
  const range = RANGES.find(([name]) => name === address.since)?.[0] ?? "24h";
  const pool = address.pool ?? "";
  return {
    range,
    kind: KINDS.find((kind) => kind === address.by) ?? "pool",
    step: stepsFor(range, pool).find((step) => step === address.step) ?? usualStep(range, pool),
    order: ORDERS.find((name) => name === address.order) ?? "ended",
    pool,
    type: address.type ?? "",
  };
}

/** Says whether roll-ups tell the rows of `kind` apart for one type. They tell types, shares and workers apart singly. */
export function canTell({ kind, type }: Pick<Asked, "kind" | "type">): boolean {
  return type === "" || (kind !== "share" && kind !== "worker");
}

/** The ways to end, in the order in which a bar stacks them, each with its state. */
export const OUTCOMES = [
  ["succeeded", "SUCCEEDED"],
  ["skipped", "SKIPPED"],
  ["cancelled", "CANCELLED"],
  ["timed_out", "TIMED_OUT"],
  ["failed", "FAILED"],
] as const;

/** The quantiles that plots show. */
export const QUANTILES = ["p50", "p90", "p99"] as const;

interface Figure {
  readonly id: string;
  readonly title: string;
  readonly unit: "count" | "part" | "rate" | "times" | "seconds";
  readonly of: (row: Row) => number | null;
}

const count = (id: keyof Row & string, title: string = id): Figure => ({
  id,
  title,
  unit: "count",
  of: (row) => row[id] as number,
});

const quantiles = (
  id: "wait_seconds" | "run_seconds" | "overrun",
  title: string,
  unit: Figure["unit"],
): readonly Figure[] => [
  { id: `${id}_count`, title: `${title} count`, unit: "count", of: (row) => row[id].count },
  ...QUANTILES.map(
    (part): Figure => ({
      id: `${id}_${part}`,
      title: `${title} ${part.slice(1)} %`,
      unit,
      of: (row) => row[id][part],
    }),
  ),
  { id: `${id}_max`, title: `${title} max`, unit, of: (row) => row[id].max },
];

/** All figures of a row, under the words of `tidegate stats`. */
export const FIGURES: readonly Figure[] = [
  count("ended"),
  ...OUTCOMES.map(([id]) => count(id, id.replace("_", " "))),
  { id: "success_rate", title: "ok", unit: "part", of: (row) => row.success_rate },
  { id: "ended_per_hour", title: "per hour", unit: "rate", of: (row) => row.ended_per_hour },
  ...quantiles("wait_seconds", "wait", "seconds"),
  ...quantiles("run_seconds", "run", "seconds"),
  ...quantiles("overrun", "over", "times"),
  { id: "utilisation", title: "used", unit: "part", of: (row) => row.utilisation },
  { id: "slot_seconds", title: "slot time", unit: "seconds", of: (row) => row.slot_seconds },
  {
    id: "oldest_ready_seconds",
    title: "oldest ready",
    unit: "seconds",
    of: (row) => row.oldest_ready_seconds,
  },
  { id: "busy_seconds", title: "busy", unit: "seconds", of: (row) => row.busy_seconds },
  { id: "wasted_seconds", title: "wasted", unit: "seconds", of: (row) => row.wasted_seconds },
  ...(["measured", "started", "tries", "lost"] as const).map((id) => count(id)),
  count("handed_back", "handed back"),
];

/** The figures that a table shows. */
export const SHOWN: readonly Figure[] = [
  "ended",
  "failed",
  "timed_out",
  "success_rate",
  "ended_per_hour",
  "wait_seconds_p50",
  "wait_seconds_p99",
  "run_seconds_p50",
  "run_seconds_p99",
  "utilisation",
  "busy_seconds",
  "wasted_seconds",
  "overrun_p50",
  "lost",
  "oldest_ready_seconds",
].flatMap((id) => FIGURES.find((figure) => figure.id === id) ?? []);

const ORDERS = SHOWN.map((figure) => figure.id);

/** Returns a figure of a row as text. */
export function figureText({ unit, of }: Figure, row: Row): string {
  const value = of(row);
  if (value === null) return "-";
  if (unit === "seconds") return durationText(value);
  if (unit === "part") return `${Number((value * 100).toFixed(1))} %`;
  return `${value.toLocaleString("en")}${unit === "times" ? " ×" : ""}`;
}

/** Returns rows by a figure, the largest first; rows without it come last, and equal ones keep their order. */
export function inOrder<R extends Row>(rows: readonly R[], order: string): readonly R[] {
  const figure = FIGURES.find(({ id }) => id === order);
  if (figure === undefined) return rows;
  return [...rows].sort((one, other) => (figure.of(other) ?? -1) - (figure.of(one) ?? -1));
}

/** Returns the least number of the form 1, 2 or 5 times a power of ten that is not below `value`. */
export function niceTop(value: number): number {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 5].find((factor) => factor * power >= value) ?? 10) * power;
}

const MINUTE = 60;
const HOUR = 3_600;
const DAY = 86_400;
/** Durations above ten seconds that read well at the end of an axis, in seconds. */
const ROUND_SECONDS = [
  ...[15, 30],
  ...[1, 2, 5, 10, 20, 30].map((minutes) => minutes * MINUTE),
  ...[1, 2, 4, 8, 12].map((hours) => hours * HOUR),
  ...[1, 2, 5, 10, 20, 50, 100, 200, 400].map((days) => days * DAY),
];

/** Returns a round duration that is not below `seconds`. */
export function roundedUp(seconds: number): number {
  return seconds <= 10 ? niceTop(seconds) : (ROUND_SECONDS.find((each) => each >= seconds) ?? seconds);
}

/** Returns a round duration that is not above `seconds`, which is above zero. */
function roundedDown(seconds: number): number {
  if (seconds < 15) return 10 ** Math.floor(Math.log10(seconds));
  return ROUND_SECONDS.findLast((each) => each <= seconds) ?? seconds;
}

/** The axis of a plot of durations, in seconds. */
export interface Scale {
  readonly bottom: number;
  readonly top: number;
  readonly isLog: boolean;
  /** Returns how high a value stands, from 0 to 1. */
  readonly at: (value: number) => number;
}

/** A fast and a slow job are both seen on one axis only if it counts in powers of ten. */
const LOG_FROM_TIMES = 50;

/** Returns the axis for durations: logarithmic where the longest is many times the shortest above zero. */
export function scaleOf(values: readonly number[]): Scale {
  const positive = values.filter((value) => value > 0);
  const most = positive.reduce((one, other) => Math.max(one, other), 0);
  const least = positive.reduce((one, other) => Math.min(one, other), most);
  const top = roundedUp(most);
  if (most === 0 || most < least * LOG_FROM_TIMES) {
    return { bottom: 0, top, isLog: false, at: (value) => value / top };
  }
  const bottom = roundedDown(least);
  const span = Math.log10(top / bottom);
  return {
    bottom,
    top,
    isLog: true,
    at: (value) => (value <= bottom ? 0 : Math.log10(value / bottom) / span),
  };
}

/** Returns the path of a line through values in a box of `values.length` by `height`; a null parts the line. */
export function linePath(values: readonly (number | null)[], scale: Scale, height: number): string {
  let path = "";
  let isApart = true;
  for (const [place, value] of values.entries()) {
    if (value !== null) {
      const point = `${place + 0.5} ${Number((height * (1 - scale.at(value))).toFixed(2))}`;
      // A line of no length is drawn as a dot, so that a lone value is seen.
      path += isApart ? `M${point}h0` : `L${point}`;
    }
    isApart = value === null;
  }
  return path;
}

/** Finds names that a spreadsheet would take for a formula. Callers choose them. */
const FORMULA = /^[=+\-@\t\r]/;

function cellText(cell: string | number | null): string {
  if (typeof cell === "number") return String(cell);
  const text = cell === null ? "" : FORMULA.test(cell) ? `'${cell}` : cell;
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Returns rows with all their figures as the text of a CSV file, under the names of the API's fields. */
export function csvOf(rows: readonly Row[]): string {
  const names = ["pool", "type", "share", "worker", "since", "until"] as const;
  const lines = [
    [...names, ...FIGURES.map(({ id }) => id)],
    ...rows.map((row) => [...names.map((name) => row[name]), ...FIGURES.map(({ of }) => of(row))]),
  ];
  return lines.map((cells) => `${cells.map(cellText).join(",")}\r\n`).join("");
}
