/** What the screen of a workflow reads: the workflow and its graph once, and then only what changes. */

import {
  keepPreviousData,
  type UseQueryResult,
  useInfiniteQuery,
  useQuery,
  useQueryClient,
} from "@tanstack/react-query";
import { answerOf } from "../../api/client";
import { useApi } from "../../api/context";
import { useLive } from "../../api/live";
import type { components } from "../../api/schema";
import { decodeGraph, type Graph } from "../../domain/graph/graph";
import { isMoving, type Progress, progressAfter } from "../../domain/graph/progress";
import { progressKey } from "../../shared/reads";

export type Workflow = Omit<components["schemas"]["WorkflowOut"], "jobs" | "cursor">;
export type JobRow = components["schemas"]["JobRowOut"];

/** Reads who submitted the workflow, and as what. None of it changes, so it is read once. */
export function useWorkflow(workflowId: string): UseQueryResult<Workflow> {
  const api = useApi();
  return useQuery({
    queryKey: ["workflow", workflowId],
    queryFn: ({ signal }) =>
      answerOf(
        api.GET("/v1/workflows/{workflow_id}", {
          params: { path: { workflow_id: workflowId }, query: { limit: 1 } },
          signal,
        }),
      ),
    // Static answers are not read again after an act either, as all others are.
    staleTime: "static",
  });
}

/** Reads the graph, which never changes. It has some 10,000 jobs at most, so it is decoded once. */
export function useGraph(workflowId: string): UseQueryResult<Graph> {
  const api = useApi();
  return useQuery({
    queryKey: ["workflow", workflowId, "graph"],
    queryFn: async ({ signal }) =>
      decodeGraph(
        await answerOf(
          api.GET("/v1/workflows/{workflow_id}/graph", {
            params: { path: { workflow_id: workflowId } },
            signal,
          }),
        ),
      ),
    staleTime: "static",
    // Comparing flat arrays of 10,000 jobs with themselves would cost time and find nothing.
    structuralSharing: false,
  });
}

/** Reads the states of the jobs: all of them once, then those that changed since the version that is known. */
export function useProgress(workflowId: string): UseQueryResult<Progress> {
  const api = useApi();
  const queries = useQueryClient();
  const key = progressKey(workflowId);
  return useLive({
    key,
    read: async (signal) => {
      const before = queries.getQueryData<Progress>(key) ?? null;
      const query = before === null ? {} : { since: before.version };
      const answer = await answerOf(
        api.GET("/v1/workflows/{workflow_id}/states", {
          params: { path: { workflow_id: workflowId }, query },
          signal,
        }),
      );
      return progressAfter(before, answer);
    },
    moves: (progress) => isMoving(progress.state),
  });
}

/**
 * Reads a job. It is read again when its state is another one, which the states of the workflow tell: so an open panel
 * sends no requests of its own while nothing happens.
 */
export function useJobRow(id: string, state: string): UseQueryResult<JobRow> {
  const api = useApi();
  return useQuery({
    queryKey: ["job-row", id, state],
    queryFn: ({ signal }) =>
      answerOf(
        api.GET("/v1/jobs/{job_id}", {
          params: { path: { job_id: id }, query: { fields: "slim" } },
          signal,
        }),
      ),
    placeholderData: keepPreviousData,
  });
}

/** Reads the critical path: once, again when the workflow's state is another one, and when someone asks. */
export function useCriticalPath(workflowId: string, state: string) {
  const api = useApi();
  return useQuery({
    queryKey: ["workflow", workflowId, "critical-path", state],
    queryFn: ({ signal }) =>
      answerOf(
        api.GET("/v1/workflows/{workflow_id}/critical-path", {
          params: { path: { workflow_id: workflowId } },
          signal,
        }),
      ),
    placeholderData: keepPreviousData,
  });
}

/** The jobs that one request for times reads. */
export const TIMES_PAGE = 200;

/** Reads when jobs ran, a page at a time, in the order of their submission; `type` reads those of one type alone. */
export function useTimes(workflowId: string, state: string, type: string | undefined) {
  const api = useApi();
  return useInfiniteQuery({
    queryKey: ["workflow", workflowId, "times", state, type ?? null],
    queryFn: ({ signal, pageParam }) =>
      answerOf(
        api.GET("/v1/jobs", {
          params: {
            query: {
              workflow: workflowId,
              limit: TIMES_PAGE,
              ...(type === undefined ? {} : { type }),
              ...(pageParam === null ? {} : { cursor: pageParam }),
            },
          },
          signal,
        }),
      ),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.cursor,
    placeholderData: keepPreviousData,
  });
}
