/** Which acts a workflow allows, and what an act on many workflows would do and did. */

import { isMoving } from "./graph/progress";
import { REOPENABLE, WAITING } from "./states";

export const WORKFLOW_ACTS = ["cancel", "rerun", "hold", "unhold"] as const;

export type WorkflowAct = (typeof WORKFLOW_ACTS)[number];

/** The fields of a workflow that decide what may be done with it. */
export interface ActedOnWorkflow {
  readonly workflow_id: string;
  readonly state: string;
  readonly counts: Readonly<Record<string, number>>;
}

function countIn(states: ReadonlySet<string>, counts: Readonly<Record<string, number>>): number {
  return Object.entries(counts).reduce((sum, [state, count]) => (states.has(state) ? sum + count : sum), 0);
}

/** Returns why an act is not possible for a workflow now; null where it is possible. */
export function whyNotWorkflow(act: WorkflowAct, { state, counts }: ActedOnWorkflow): string | null {
  if (act === "rerun") {
    return countIn(REOPENABLE, counts) > 0 ? null : "no job of it has ended without success";
  }
  if (!isMoving(state)) return "all of its jobs have ended";
  if (act === "hold") {
    if (state === "HELD") return "it is on hold";
    return countIn(WAITING, counts) > 0 ? null : "none of its jobs waits";
  }
  if (act === "unhold") return state === "HELD" ? null : "it is not on hold";
  return null;
}

/** Returns how many jobs an act on a workflow would reach at most, by its counts. */
export function jobsReached(act: WorkflowAct, { counts }: ActedOnWorkflow): number {
  return countIn(act === "rerun" ? REOPENABLE : WAITING, counts);
}

/** What an act does to one workflow, or would do. `reason` says why nothing; null where it does something. */
export interface WorkflowOutcome {
  readonly workflowId: string;
  readonly jobs: number;
  /** How many of these jobs run, so that their workers are asked to stop them. */
  readonly asked: number;
  readonly reason: string | null;
  /** False where a part is left, or was not looked at. */
  readonly complete: boolean;
}

export interface WorkflowTally {
  readonly workflows: number;
  readonly jobs: number;
  readonly asked: number;
  readonly left: number;
  readonly complete: boolean;
  /** Why workflows are left, the most frequent reason first. */
  readonly reasons: readonly (readonly [string, number])[];
}

/** Counts outcomes. */
export function tallyOfWorkflows(outcomes: readonly WorkflowOutcome[]): WorkflowTally {
  const reasons = new Map<string, number>();
  for (const { reason } of outcomes) if (reason !== null) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  const able = outcomes.filter((each) => each.reason === null);
  return {
    workflows: able.length,
    jobs: able.reduce((sum, each) => sum + each.jobs, 0),
    asked: able.reduce((sum, each) => sum + each.asked, 0),
    left: outcomes.length - able.length,
    complete: able.every((each) => each.complete),
    reasons: [...reasons].sort(([, one], [, other]) => other - one),
  };
}
