/** Which acts a job allows in its state, and the counts of an act on many jobs. */

import { REOPENABLE, TERMINAL, WAITING } from "./states";

export const BULK_ACTS = ["cancel", "retry", "hold", "unhold", "reprioritise"] as const;

export type BulkAct = (typeof BULK_ACTS)[number];

export type JobAct = BulkAct | "cancel downstream" | "rerun" | "mark" | "change";

/** The fields of a job that decide what may be done with it. */
export interface ActedOn {
  readonly state: string;
  readonly on_hold: boolean;
  readonly cancel_requested_at?: string | null;
}

const ACTIVE: ReadonlySet<string> = new Set(["QUEUED", "RUNNING"]);
const UNENDED: ReadonlySet<string> = new Set([...WAITING, ...ACTIVE]);

/** The states in which an act on many jobs has an effect. */
export const STATES_OF_ACT: Readonly<Record<BulkAct, ReadonlySet<string>>> = {
  cancel: UNENDED,
  retry: REOPENABLE,
  hold: WAITING,
  unhold: WAITING,
  reprioritise: WAITING,
};

/** Returns why an act is not possible for a job now, as the API would say it; null where it is possible. */
export function whyNot(act: JobAct, job: ActedOn): string | null {
  const { state } = job;
  const waits = WAITING.has(state);
  const notWaiting = TERMINAL.has(state) ? `it has ended: ${state}` : `it is ${state}, so it no longer waits`;
  switch (act) {
    case "cancel":
      if (TERMINAL.has(state)) return `it has ended: ${state}`;
      return job.cancel_requested_at ? "its worker was asked to stop it" : null;
    case "cancel downstream":
      return null;
    case "retry":
      if (state === "SUCCEEDED") return "it has succeeded; rerun runs it again";
      return REOPENABLE.has(state) ? null : `it has not ended: ${state}`;
    case "rerun":
      return TERMINAL.has(state) ? null : `it has not ended: ${state}`;
    case "hold":
      if (job.on_hold && waits) return "it is on hold";
      return waits ? null : notWaiting;
    case "unhold":
      return job.on_hold && waits ? null : "it is not on hold";
    case "reprioritise":
    case "change":
      return waits ? null : notWaiting;
    case "mark":
      if (ACTIVE.has(state)) return `it is ${state}: cancel it first`;
      return state === "SUCCEEDED" ? "it has succeeded" : null;
  }
}

/** How many of some jobs an act can reach by their present states, and why it leaves the others. */
export interface Reach {
  readonly can: number;
  /** Why jobs are left, the most frequent reason first. */
  readonly reasons: readonly Reason[];
}

export function reachOf(act: BulkAct, jobs: readonly ActedOn[]): Reach {
  const found = jobs.map((job) => whyNot(act, job)).filter((reason) => reason !== null);
  return { can: jobs.length - found.length, reasons: countedReasons(found) };
}

function countedReasons(found: readonly string[]): readonly Reason[] {
  const reasons = new Map<string, number>();
  for (const reason of found) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  return [...reasons]
    .map(([reason, count]) => ({ reason, count }))
    .sort((one, other) => other.count - one.count || one.reason.localeCompare(other.reason));
}

/** The outcome of an act for one job, as the API answers it. */
export interface Told {
  readonly job_id: string;
  readonly outcome: "DONE" | "ASKED" | "LEFT";
  readonly state: string | null;
  readonly reason: string | null;
}

export interface Reason {
  readonly reason: string;
  readonly count: number;
}

export interface Tally {
  readonly done: number;
  readonly asked: number;
  readonly left: number;
  /** Why jobs are left, the most frequent reason first. */
  readonly reasons: readonly Reason[];
}

/** Counts outcomes. Ids in a reason count as one, so that equal reasons of many jobs are one line. */
export function tallyOf(told: readonly Told[]): Tally {
  const reasons: string[] = [];
  const counts = { DONE: 0, ASKED: 0, LEFT: 0 };
  for (const each of told) {
    counts[each.outcome] += 1;
    if (each.outcome !== "LEFT") continue;
    reasons.push(
      (each.reason ?? "no reason was given").replaceAll(each.job_id, "it").replace(/^job it /, "it "),
    );
  }
  return {
    done: counts.DONE,
    asked: counts.ASKED,
    left: counts.LEFT,
    reasons: countedReasons(reasons),
  };
}

/** Runs `work` on every item, at most `atOnce` at a time, and returns the answers in the order of the items. */
export async function mapBounded<I, O>(
  items: readonly I[],
  atOnce: number,
  work: (item: I, index: number) => Promise<O>,
): Promise<O[]> {
  const answers: O[] = [];
  let next = 0;
  const runner = async (): Promise<void> => {
    for (let index = next++; index < items.length; index = next++) {
      answers[index] = await work(items[index] as I, index);
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, runner));
  return answers;
}
