/** Acts on many jobs: those that are selected, one by one, or all that a filter names, page by page. */

import { type Api, answerOf } from "../../api/client";
import { type BulkAct, mapBounded, type Told, whyNot } from "../../domain/jobActs";
import type { BulkFilter } from "../../domain/jobFilters";

const AT_ONCE = 6;
const JOBS_OF_PAGE = 200;
/** One act looks at no more pages than this, so that nobody starts what can't be overseen. */
export const MOST_PAGES = 100;

export interface Order {
  readonly act: BulkAct;
  /** The new priority; of no meaning to other acts. */
  readonly priority: number;
}

export interface Progress {
  readonly told: readonly Told[];
  readonly complete: boolean;
}

type Answering = Promise<{ data?: { state: string }; error?: unknown; response: Response }>;

function actOnOne(api: Api, { act, priority }: Order, jobId: string, dryRun: boolean): Answering {
  const params = { path: { job_id: jobId } };
  switch (act) {
    case "cancel":
      return api.POST("/v1/jobs/{job_id}/cancel", { params, body: { downstream: false, dry_run: dryRun } });
    case "retry":
      return api.POST("/v1/jobs/{job_id}/retry", { params, body: { reopen_skipped: true, dry_run: dryRun } });
    case "hold":
      return api.POST("/v1/jobs/{job_id}/hold", { params });
    case "unhold":
      return api.POST("/v1/jobs/{job_id}/unhold", { params });
    case "reprioritise":
      return api.PATCH("/v1/jobs/{job_id}", { params, body: { priority } });
  }
}

function left(jobId: string, error: unknown): Told {
  const reason = error instanceof Error ? error.message : String(error);
  return { job_id: jobId, outcome: "LEFT", state: null, reason };
}

/** Foresees the act for one job. Where the API has no dry run, the job is read and judged by its state. */
async function foreseeOne(api: Api, order: Order, jobId: string): Promise<Told> {
  try {
    if (order.act === "cancel" || order.act === "retry") {
      const { state } = await answerOf(actOnOne(api, order, jobId, true));
      const asks = order.act === "cancel" && state === "RUNNING";
      return { job_id: jobId, outcome: asks ? "ASKED" : "DONE", state, reason: null };
    }
    const job = await answerOf(
      api.GET("/v1/jobs/{job_id}", { params: { path: { job_id: jobId }, query: { fields: "slim" } } }),
    );
    const reason = whyNot(order.act, job);
    return { job_id: jobId, outcome: reason === null ? "DONE" : "LEFT", state: job.state, reason };
  } catch (error) {
    return left(jobId, error);
  }
}

async function carryOutOne(api: Api, order: Order, jobId: string): Promise<Told> {
  try {
    const answering = actOnOne(api, order, jobId, false);
    const { state } = await answerOf(answering);
    const { response } = await answering;
    return { job_id: jobId, outcome: response.status === 202 ? "ASKED" : "DONE", state, reason: null };
  } catch (error) {
    return left(jobId, error);
  }
}

/** Acts on jobs one by one, or foresees that, and tells the outcome of each as it comes. */
export async function actOnJobs(
  api: Api,
  order: Order,
  jobIds: readonly string[],
  dryRun: boolean,
  onProgress: (progress: Progress) => void,
  signal: AbortSignal,
): Promise<Progress> {
  const told: Told[] = [];
  await mapBounded(jobIds, AT_ONCE, async (jobId) => {
    if (signal.aborted) return;
    told.push(await (dryRun ? foreseeOne(api, order, jobId) : carryOutOne(api, order, jobId)));
    onProgress({ told: [...told], complete: false });
  });
  return { told, complete: told.length === jobIds.length };
}

const OUTCOMES: readonly string[] = ["DONE", "ASKED", "LEFT"] satisfies readonly Told["outcome"][];

function isOutcome(text: string): text is Told["outcome"] {
  return OUTCOMES.includes(text);
}

function actOnPage(
  api: Api,
  { act, priority }: Order,
  filter: BulkFilter,
  cursor: string | null,
  dryRun: boolean,
) {
  const body = { filter, cursor, dry_run: dryRun, limit: JOBS_OF_PAGE };
  switch (act) {
    case "cancel":
      return answerOf(api.POST("/v1/jobs/cancel", { body }));
    case "retry":
      return answerOf(api.POST("/v1/jobs/retry", { body }));
    case "hold":
      return answerOf(api.POST("/v1/jobs/hold", { body }));
    case "unhold":
      return answerOf(api.POST("/v1/jobs/unhold", { body }));
    case "reprioritise":
      return answerOf(api.POST("/v1/jobs/reprioritise", { body: { ...body, priority } }));
  }
}

/** Acts on all jobs that a filter names, or foresees that, page by page. */
export async function actOnFilter(
  api: Api,
  order: Order,
  filter: BulkFilter,
  dryRun: boolean,
  onProgress: (progress: Progress) => void,
  signal: AbortSignal,
): Promise<Progress> {
  let told: readonly Told[] = [];
  let cursor: string | null = null;
  for (let page = 0; page < MOST_PAGES; page += 1) {
    if (signal.aborted) return { told, complete: false };
    const answer: Awaited<ReturnType<typeof actOnPage>> = await actOnPage(api, order, filter, cursor, dryRun);
    told = [
      ...told,
      ...answer.jobs.map((each) => ({
        ...each,
        outcome: isOutcome(each.outcome) ? each.outcome : ("LEFT" as const),
      })),
    ];
    cursor = answer.cursor;
    if (cursor === null) return { told, complete: true };
    onProgress({ told, complete: false });
  }
  return { told, complete: false };
}
