/** When the jobs of a workflow ran, and when the others would run by their estimates. */

import { TERMINAL } from "../states";
import { at, linksOf } from "./dag";
import type { Graph } from "./graph";
import type { Grouping } from "./groups";
import { stateOf } from "./progress";

/** When one job started and ended, in milliseconds; null where it has not yet. */
export interface Ran {
  readonly job: number;
  readonly startedMs: number | null;
  readonly endedMs: number | null;
}

export interface Bar {
  readonly job: number;
  readonly state: string;
  readonly fromMs: number;
  readonly toMs: number;
  /** True where the bar is an estimate of what is still to come. */
  readonly ghost: boolean;
  /** The row in its lane; no two bars of a row overlap. */
  readonly row: number;
}

export interface Lane {
  readonly group: number;
  readonly rows: number;
  readonly bars: readonly Bar[];
}

export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Foresees each job that has not ended from the estimates: it starts when the last job that it waits for has ended. */
export function foresee(
  graph: Graph,
  letters: string,
  started: ReadonlyMap<number, number>,
  nowMs: number,
): { readonly from: Float64Array; readonly to: Float64Array } {
  const from = new Float64Array(graph.count).fill(nowMs);
  const to = new Float64Array(graph.count).fill(nowMs);
  for (const job of graph.order) {
    const state = stateOf(letters, job);
    if (TERMINAL.has(state)) continue;
    const estimateMs = (graph.estimates[job] ?? 0) * 1_000;
    const startedMs = state === "RUNNING" ? started.get(job) : undefined;
    if (startedMs === undefined) {
      let startMs = nowMs;
      for (const parent of linksOf(graph.parents, job)) startMs = Math.max(startMs, at(to, parent));
      from[job] = startMs;
    } else {
      // The clock of this machine may be behind the one that wrote the start.
      from[job] = Math.max(nowMs, startedMs);
    }
    to[job] = Math.max(at(from, job), (startedMs ?? at(from, job)) + estimateMs);
  }
  return { from, to };
}

export interface Remaining {
  /** The seconds of the longest chain of jobs that have not ended; waiting for slots is not counted. */
  readonly seconds: number;
  /** How many of these jobs have an estimate, and how many have none and so count as if they took no time. */
  readonly known: number;
  readonly unknown: number;
}

/** Returns how long the jobs that have not ended take by their estimates. Each that runs counts as if it just began. */
export function remainingOf(graph: Graph, letters: string): Remaining {
  const { to } = foresee(graph, letters, new Map(), 0);
  let [seconds, known, unknown] = [0, 0, 0];
  for (let job = 0; job < graph.count; job++) {
    if (TERMINAL.has(stateOf(letters, job))) continue;
    if (graph.estimates[job] == null) unknown += 1;
    else known += 1;
    seconds = Math.max(seconds, at(to, job) / 1_000);
  }
  return { seconds, known, unknown };
}

/** Gives each bar a row that is free while it lasts. Rows are freed in the order of the bars' ends. */
function packed(bars: readonly Omit<Bar, "row">[]): { readonly rows: number; readonly bars: readonly Bar[] } {
  const endOf = (bar: Omit<Bar, "row">) => Math.max(bar.toMs, bar.fromMs + 1);
  const starts = [...bars].sort((one, other) => one.fromMs - other.fromMs);
  const ends = [...bars].sort((one, other) => endOf(one) - endOf(other));
  const rowOf = new Map<Omit<Bar, "row">, number>();
  const free: number[] = [];
  let rows = 0;
  let ended = 0;
  const placed = starts.map((bar) => {
    for (let next = ends[ended]; next !== undefined && endOf(next) <= bar.fromMs; next = ends[++ended]) {
      free.push(rowOf.get(next) ?? 0);
    }
    const row = free.pop() ?? rows++;
    rowOf.set(bar, row);
    return { ...bar, row };
  });
  return { rows, bars: placed };
}

/** Returns one lane for each group that has something to show. Jobs without a start and without an estimate have no bar. */
export function lanesOf(
  graph: Graph,
  grouping: Grouping,
  letters: string,
  ran: readonly Ran[],
  nowMs: number,
): readonly Lane[] {
  const started = new Map<number, number>();
  for (const each of ran) if (each.startedMs !== null) started.set(each.job, each.startedMs);
  const foreseen = foresee(graph, letters, started, nowMs);
  const bars: Omit<Bar, "row">[][] = grouping.groups.map(() => []);
  const add = (bar: Omit<Bar, "row">) => bars[at(grouping.groupOf, bar.job)]?.push(bar);
  for (const { job, startedMs, endedMs } of ran) {
    if (startedMs === null || job < 0 || job >= graph.count) continue;
    const toMs = Math.max(startedMs, endedMs ?? nowMs);
    add({ job, state: stateOf(letters, job), fromMs: startedMs, toMs, ghost: false });
  }
  for (let job = 0; job < graph.count; job++) {
    const [fromMs, toMs] = [at(foreseen.from, job), at(foreseen.to, job)];
    if (toMs > fromMs) add({ job, state: stateOf(letters, job), fromMs, toMs, ghost: true });
  }
  return bars.map((own, group) => ({ group, ...packed(own) })).filter((lane) => lane.bars.length > 0);
}

/** Returns the bars of some jobs in a lane of their own, such as those of the critical path; null where none has one. */
export function laneOf(lanes: readonly Lane[], jobs: ReadonlySet<number>): Omit<Lane, "group"> | null {
  const bars = lanes.flatMap((lane) => lane.bars.filter((bar) => jobs.has(bar.job)));
  return bars.length === 0 ? null : packed(bars);
}

/** A time axis of which the time without any bar takes little room. */
export interface Axis {
  readonly x: (ms: number) => number;
  /** The times that are cut short, for marks. */
  readonly gaps: readonly Span[];
  readonly fromMs: number;
  readonly toMs: number;
}

const GAP_PX = 24;
const LEAST_GAP_MS = 10_000;
/** A gap is cut short where it would take more than this part of the axis. */
const LEAST_GAP_PART = 0.08;

function unionOf(spans: readonly Span[]): readonly Span[] {
  const union: { fromMs: number; toMs: number }[] = [];
  for (const span of [...spans].sort((one, other) => one.fromMs - other.fromMs)) {
    const last = union.at(-1);
    if (last !== undefined && span.fromMs <= last.toMs) last.toMs = Math.max(last.toMs, span.toMs);
    else union.push({ ...span });
  }
  return union;
}

/** Makes the axis of `width` pixels over some spans. */
export function axisOf(spans: readonly Span[], width: number): Axis {
  const busy = unionOf(spans);
  const fromMs = busy[0]?.fromMs ?? 0;
  const toMs = Math.max(fromMs + 1, busy.at(-1)?.toMs ?? 0);
  const least = Math.max(LEAST_GAP_MS, (toMs - fromMs) * LEAST_GAP_PART);
  const gaps: Span[] = [];
  busy.forEach((span, place) => {
    const next = busy[place + 1];
    if (next !== undefined && next.fromMs - span.toMs > least)
      gaps.push({ fromMs: span.toMs, toMs: next.fromMs });
  });
  const gapPx = Math.min(GAP_PX, width / (4 * (gaps.length + 1)));
  const cutMs = gaps.reduce((sum, gap) => sum + gap.toMs - gap.fromMs, 0);
  const pxPerMs = (width - gapPx * gaps.length) / Math.max(1, toMs - fromMs - cutMs);
  const x = (ms: number): number => {
    let [pixels, reachedMs] = [0, fromMs];
    for (const gap of gaps) {
      if (ms <= gap.fromMs) break;
      pixels += (gap.fromMs - reachedMs) * pxPerMs;
      pixels += gapPx * Math.min(1, (ms - gap.fromMs) / (gap.toMs - gap.fromMs));
      reachedMs = gap.toMs;
    }
    return pixels + Math.max(0, ms - reachedMs) * pxPerMs;
  };
  return { x, gaps, fromMs, toMs };
}

const STEPS_S = [
  1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400, 43_200, 86_400,
] as const;
const DAY_S = 86_400;
const MOST_STEPS = 2_000;

/** Returns times for marks on the axis, round ones, at least `apart` pixels from each other and outside of gaps. */
export function ticksOf(axis: Axis, width: number, apart: number): readonly number[] {
  const cutMs = axis.gaps.reduce((sum, gap) => sum + gap.toMs - gap.fromMs, 0);
  const cutPx = axis.gaps.reduce((sum, gap) => sum + axis.x(gap.toMs) - axis.x(gap.fromMs), 0);
  const wantedS = (apart * (axis.toMs - axis.fromMs - cutMs)) / ((width - cutPx) * 1_000);
  const stepMs = (STEPS_S.find((step) => step >= wantedS) ?? Math.ceil(wantedS / DAY_S) * DAY_S) * 1_000;
  const ticks: number[] = [];
  let reached = -apart;
  const jump = (ms: number) => axis.gaps.find((gap) => ms > gap.fromMs && ms < gap.toMs)?.toMs ?? ms;
  let ms = Math.ceil(axis.fromMs / stepMs) * stepMs;
  for (let turn = 0; ms <= axis.toMs && turn < MOST_STEPS; turn++) {
    const after = jump(ms);
    if (after !== ms) {
      ms = Math.ceil(after / stepMs) * stepMs;
      continue;
    }
    const x = axis.x(ms);
    if (x - reached >= apart) {
      ticks.push(ms);
      reached = x;
    }
    ms += stepMs;
  }
  return ticks;
}
