/** Acts on one job that may take several calls. */

import { type Api, answerOf } from "../../api/client";
import { ApiProblem } from "../../api/problems";
import type { components } from "../../api/schema";

/** One act needs no more calls than this; more than 10,000 jobs are refused before. */
const MOST_CALLS = 100;

export type Cancelled = components["schemas"]["CancelledOut"];
export type Rerunning = components["schemas"]["RerunningOut"];

export interface RerunWish {
  readonly parameters?: Record<string, unknown>;
  readonly downstream: boolean;
}

/** Returns the error for a form that can't be sent as it is. */
export function wrongForm(detail: string): ApiProblem {
  return new ApiProblem({
    type: "urn:tidegate:problem:invalid-request",
    title: "Nothing was sent",
    status: 422,
    detail,
    instance: null,
    errors: [],
  });
}

/** Cancels a job and all that waits on it, or counts what that would do, call by call until all of it is done. */
export async function cancelDownstream(api: Api, jobId: string, dryRun: boolean): Promise<Cancelled> {
  let sum: Cancelled = { cancelled: 0, asked: 0, ended: 0, left: 0, complete: false };
  for (let call = 0; call < MOST_CALLS && !sum.complete; call += 1) {
    const answer = await answerOf(
      api.POST("/v1/jobs/{job_id}/cancel", {
        params: { path: { job_id: jobId } },
        body: { downstream: true, dry_run: dryRun },
      }),
    );
    if (!("downstream" in answer)) break;
    const { cancelled, asked, ended, left, complete } = answer.downstream;
    // Later calls find ended what earlier ones cancelled, so only these two numbers add up.
    sum = { cancelled: sum.cancelled + cancelled, asked: Math.max(sum.asked, asked), ended, left, complete };
    if (dryRun) break;
  }
  return sum;
}

/** Reruns a job, with what follows it if that is wished, or counts what would be rerun. */
export async function rerun(api: Api, jobId: string, wish: RerunWish, dryRun: boolean): Promise<Rerunning> {
  let sum: Rerunning = {
    rerun: 0,
    left_at_limit: 0,
    left_active: 0,
    complete: false,
    cursor: null,
    dry_run: dryRun,
  };
  for (let call = 0; call < MOST_CALLS && !sum.complete; call += 1) {
    const query: { cursor?: string } = sum.cursor === null ? {} : { cursor: sum.cursor };
    const { rerun: answer } = await answerOf(
      api.POST("/v1/jobs/{job_id}/rerun", {
        params: { path: { job_id: jobId }, query },
        body: { ...wish, dry_run: dryRun },
      }),
    );
    sum = {
      ...answer,
      rerun: sum.rerun + answer.rerun,
      left_at_limit: sum.left_at_limit + answer.left_at_limit,
      left_active: sum.left_active + answer.left_active,
    };
    if (!answer.complete && answer.cursor === null) break;
  }
  return sum;
}
