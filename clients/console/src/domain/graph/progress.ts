/** The states of a workflow's jobs, from `GET /v1/workflows/{id}/states`: one letter a job, then changes alone. */

import { type JobState, STATE_OF_LETTER, TERMINAL } from "../states";

export interface StatesAnswer {
  readonly state: string;
  readonly counts: Readonly<Record<string, number>>;
  readonly started_at: string | null;
  readonly ended_at: string | null;
  readonly critical_path_seconds: number | null;
  readonly job_count: number;
  readonly version: string;
  readonly states: string | null;
  readonly changes: Readonly<Record<string, readonly number[]>>;
}

export interface Progress {
  readonly version: string;
  readonly letters: string;
  readonly state: string;
  readonly counts: Readonly<Record<string, number>>;
  readonly startedAt: string | null;
  readonly endedAt: string | null;
  readonly criticalPathSeconds: number | null;
}

function lettersAfter(before: string, changes: StatesAnswer["changes"]): string {
  const changed = Object.entries(changes).filter(([, jobs]) => jobs.length > 0);
  if (changed.length === 0) return before;
  const letters = before.split("");
  for (const [letter, jobs] of changed) {
    for (const job of jobs) if (job >= 0 && job < letters.length) letters[job] = letter;
  }
  return letters.join("");
}

/** Returns what is known after an answer. `before` is what the answer's changes are counted from. */
export function progressAfter(before: Progress | null, answer: StatesAnswer): Progress {
  if (answer.states === null && before === null) throw new Error("changes came before any states");
  return {
    version: answer.version,
    letters: answer.states ?? lettersAfter(before?.letters ?? "", answer.changes),
    state: answer.state,
    counts: answer.counts,
    startedAt: answer.started_at,
    endedAt: answer.ended_at,
    criticalPathSeconds: answer.critical_path_seconds,
  };
}

/** Returns the state of a job. A job that the recorder has not seen yet is PENDING. */
export function stateOf(letters: string, job: number): JobState {
  return STATE_OF_LETTER[letters[job] ?? "P"] ?? "PENDING";
}

/** Returns how many jobs of the workflow have not ended. */
export function jobsLeft(progress: Progress): number {
  return Object.entries(progress.counts).reduce(
    (left, [state, count]) => (TERMINAL.has(state) ? left - count : left),
    progress.letters.length,
  );
}

/** Returns whether jobs of the workflow may still change by themselves. */
export function isMoving(state: string): boolean {
  return state === "RUNNING" || state === "HELD";
}
