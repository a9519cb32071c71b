/** An act on several workflows, one after another, and what it would do to each. */

import type { Api } from "../../api/client";
import { mapBounded } from "../../domain/jobActs";
import { sumOf } from "../../domain/portions";
import {
  jobsReached,
  type WorkflowAct,
  type WorkflowOutcome,
  whyNotWorkflow,
} from "../../domain/workflowActs";
import { cancelWorkflow, holdWorkflow, rerunWorkflow } from "../workflow/calls";
import type { WorkflowRow } from "./columns";

/** Each act has many calls of its own, so few workflows are acted on at once. */
const AT_ONCE = 2;

async function cancelled(api: Api, row: WorkflowRow, dryRun: boolean): Promise<WorkflowOutcome> {
  const done = await cancelWorkflow(api, row.workflow_id, dryRun);
  const asked = sumOf(done, (answer) => answer.asked);
  const jobs = asked + sumOf(done, (answer) => answer.cancelled);
  return {
    workflowId: row.workflow_id,
    jobs,
    asked,
    reason: jobs > 0 || !done.complete ? null : "none of its jobs can be cancelled now",
    complete: done.complete,
  };
}

async function reran(api: Api, row: WorkflowRow, dryRun: boolean): Promise<WorkflowOutcome> {
  const done = await rerunWorkflow(api, row.workflow_id, dryRun);
  const jobs = sumOf(done, (answer) => answer.reopened);
  const atLimit = sumOf(done, (answer) => answer.left_at_limit);
  const none =
    atLimit > 0 ? "its jobs were reopened as often as is allowed" : "none of its jobs can be reopened";
  return {
    workflowId: row.workflow_id,
    jobs,
    asked: 0,
    reason: jobs > 0 || !done.complete ? null : none,
    complete: done.complete,
  };
}

/** The API has no dry run for a hold, so the workflow is judged by its row. */
async function held(api: Api, row: WorkflowRow, hold: boolean, dryRun: boolean): Promise<WorkflowOutcome> {
  const { workflow_id: workflowId } = row;
  if (dryRun) {
    const jobs = jobsReached(hold ? "hold" : "unhold", row);
    return { workflowId, jobs, asked: 0, reason: null, complete: true };
  }
  const done = await holdWorkflow(api, workflowId, hold);
  const jobs = sumOf(done, (answer) => answer.changed);
  return { workflowId, jobs, asked: 0, reason: null, complete: done.complete };
}

async function one(api: Api, act: WorkflowAct, row: WorkflowRow, dryRun: boolean): Promise<WorkflowOutcome> {
  const left = (reason: string) => ({
    workflowId: row.workflow_id,
    jobs: 0,
    asked: 0,
    reason,
    complete: true,
  });
  const whyNot = whyNotWorkflow(act, row);
  if (whyNot !== null) return left(whyNot);
  try {
    if (act === "cancel") return await cancelled(api, row, dryRun);
    if (act === "rerun") return await reran(api, row, dryRun);
    return await held(api, row, act === "hold", dryRun);
  } catch (error) {
    return left(error instanceof Error ? error.message : String(error));
  }
}

/** Acts on workflows, or looks what that would do, and tells the outcome of each as it comes. */
export async function actOnWorkflows(
  api: Api,
  act: WorkflowAct,
  rows: readonly WorkflowRow[],
  dryRun: boolean,
  onProgress: (outcomes: readonly WorkflowOutcome[]) => void,
  signal: AbortSignal,
): Promise<readonly WorkflowOutcome[]> {
  const outcomes: WorkflowOutcome[] = [];
  await mapBounded(rows, AT_ONCE, async (row) => {
    if (signal.aborted) return;
    outcomes.push(await one(api, act, row, dryRun));
    onProgress([...outcomes]);
  });
  return outcomes;
}
