/** The acts on a whole workflow, which the API does in portions. */

import { type Api, answerOf } from "../../api/client";
import { inPortions } from "../../domain/portions";

/** The most portions of one act, and of a look at what it would do. */
const MOST_PORTIONS = 200;
const MOST_LOOKS = 20;

function params(workflowId: string, cursor: string | undefined) {
  return { path: { workflow_id: workflowId }, query: cursor === undefined ? {} : { cursor } };
}

/** Cancels the jobs that have not ended, or looks what that would do. */
export function cancelWorkflow(api: Api, workflowId: string, dryRun: boolean) {
  return inPortions(
    (cursor) =>
      answerOf(
        api.POST("/v1/workflows/{workflow_id}/cancel", {
          params: params(workflowId, cursor),
          body: { dry_run: dryRun },
        }),
      ),
    dryRun ? MOST_LOOKS : MOST_PORTIONS,
  );
}

/** Opens the jobs that ended without success again, or looks what that would do. */
export function rerunWorkflow(api: Api, workflowId: string, dryRun: boolean) {
  return inPortions(
    (cursor) =>
      answerOf(
        api.POST("/v1/workflows/{workflow_id}/rerun", {
          params: params(workflowId, cursor),
          body: { dry_run: dryRun },
        }),
      ),
    dryRun ? MOST_LOOKS : MOST_PORTIONS,
  );
}

/** Puts the waiting jobs on hold, or takes them off. */
export function holdWorkflow(api: Api, workflowId: string, hold: boolean) {
  const path = hold ? "/v1/workflows/{workflow_id}/hold" : "/v1/workflows/{workflow_id}/unhold";
  return inPortions(
    (cursor) => answerOf(api.POST(path, { params: params(workflowId, cursor) })),
    MOST_PORTIONS,
  );
}
