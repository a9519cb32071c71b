/** The history of a job as the times that it spent in each state, and as attempts. */

import { TERMINAL } from "./states";
import { secondsBetween } from "./times";

export interface Step {
  readonly at: string | null;
  readonly state: string;
  readonly attempt: number;
  readonly actor: string;
  readonly reason: string | null;
}

/** A time that the job spent in one state. */
export interface Stay {
  readonly state: string;
  readonly from: string;
  readonly seconds: number;
  readonly attempt: number;
  /** Whether it stays there now, so that the time still grows. */
  readonly now: boolean;
}

/** Returns the stays of a history, first one first. An end is no stay, unless the job was opened again after it. */
export function staysOf(history: readonly Step[], nowMs: number): readonly Stay[] {
  const steps = history.filter((step): step is Step & { at: string } => step.at !== null);
  const stays: Stay[] = [];
  for (const [place, step] of steps.entries()) {
    const next = steps[place + 1];
    const last = stays.at(-1);
    // A change that keeps the state, such as another priority, is in the history too and begins no stay.
    if (last !== undefined && last.state === step.state && last.attempt === step.attempt) {
      stays[stays.length - 1] = { ...last, ...lengthOf(last.from, next?.at, nowMs) };
      continue;
    }
    if (next === undefined && TERMINAL.has(step.state)) continue;
    const { state, attempt } = step;
    stays.push({ state, from: step.at, attempt, ...lengthOf(step.at, next?.at, nowMs) });
  }
  return stays;
}

function lengthOf(from: string, to: string | undefined, nowMs: number): { seconds: number; now: boolean } {
  const seconds = secondsBetween(from, to ?? new Date(nowMs).toISOString()) ?? 0;
  return { seconds, now: to === undefined };
}

/** One claim of the job by a worker. */
export interface Attempt {
  readonly attempt: number;
  readonly from: string;
  readonly to: string | null;
  readonly seconds: number;
  /** The state after it; RUNNING while it goes on. */
  readonly outcome: string;
  readonly reason: string | null;
}

/** Returns the attempts of a history, first one first. Some of many interrupted ones are not in the history. */
export function attemptsOf(history: readonly Step[], nowMs: number): readonly Attempt[] {
  const attempts: Attempt[] = [];
  for (const [place, step] of history.entries()) {
    if (step.state !== "RUNNING" || step.at === null) continue;
    if (attempts.at(-1)?.attempt === step.attempt) continue;
    const end = history.slice(place + 1).find((later) => later.state !== "RUNNING");
    attempts.push({
      attempt: step.attempt,
      from: step.at,
      to: end?.at ?? null,
      seconds: lengthOf(step.at, end?.at ?? undefined, nowMs).seconds,
      outcome: end?.state ?? "RUNNING",
      reason: end?.reason ?? null,
    });
  }
  return attempts;
}

/** A job's name for people: its key, its name, or the end of its id. */
export function labelOf(job: {
  readonly job_id: string;
  readonly key?: string | null;
  readonly name?: string | null;
}): string {
  return job.key ?? job.name ?? job.job_id;
}

/** Returns how long a job waited before its present or last run, and how long it ran; null where not known. */
export function timesOf(
  job: {
    readonly state: string;
    readonly ready_at: string | null;
    readonly created_at: string | null;
    readonly started_at: string | null;
    readonly finished_at: string | null;
    readonly actual_duration_seconds: number | null;
  },
  nowMs: number,
): { readonly waited: number | null; readonly ran: number | null } {
  const now = new Date(nowMs).toISOString();
  const ended = TERMINAL.has(job.state);
  const runs = job.state === "RUNNING";
  const began = runs || ended ? job.started_at : null;
  return {
    waited: secondsBetween(job.ready_at ?? job.created_at, began ?? (ended ? job.finished_at : now)),
    ran: job.actual_duration_seconds ?? (runs ? secondsBetween(job.started_at, now) : null),
  };
}
