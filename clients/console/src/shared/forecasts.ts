/**
 * Reads forecasts. One costs as much as many other calls: it reads every job that is left. So it is read when its screen
 * opens, when somebody asks, and every few minutes while that is cheap.
 */

import {
  keepPreviousData,
  type QueryKey,
  type UseQueryResult,
  useQuery,
  useQueryClient,
} from "@tanstack/react-query";
import { useState } from "react";
import { answerOf } from "../api/client";
import { useApi } from "../api/context";
import { useTurns } from "../api/pace";
import type { components, paths } from "../api/schema";
import { isCheap, MOST_UNASKED } from "../domain/forecast";
import { jobsLeft, type Progress } from "../domain/graph/progress";
import { progressKey } from "./reads";

export type JobForecast = components["schemas"]["JobForecastOut"];
export type WorkflowForecast = components["schemas"]["ForecastOut"];
type WorkflowList = components["schemas"]["WorkflowListOut"];
type ListFilters = NonNullable<paths["/v1/workflows"]["get"]["parameters"]["query"]>;
export type Note = components["schemas"]["NoteOut"];

/** How often a cheap forecast is read while its screen changes; a screen that stays as it is asks less often. */
const EVERY_MS = 300_000;

function useForecast<T extends { readonly draws: number }>(
  key: QueryKey,
  read: (signal: AbortSignal) => Promise<T>,
  enabled: boolean,
): UseQueryResult<T> {
  useTurns(
    key,
    enabled
      ? {
          leads: false,
          everyMs: (data) => (isCheap(data as T | undefined) ? EVERY_MS : Number.POSITIVE_INFINITY),
          moves: () => false,
          isFinal: () => false,
        }
      : null,
  );
  return useQuery<T>({
    queryKey: key,
    queryFn: ({ signal }) => read(signal),
    enabled,
    placeholderData: keepPreviousData as never,
    // A person who leaves the page or the tab and comes back soon finds the same forecast.
    staleTime: EVERY_MS,
    refetchOnWindowFocus: false,
    refetchOnReconnect: false,
    // A forecast that was too much for the API would be too much again.
    retry: false,
  });
}

/** Forecasts a job, again once it runs and once it waits for its next attempt: what has come tells more of the end. */
export function useJobForecast(
  jobId: string,
  attempt: number,
  runs: boolean,
  enabled: boolean,
): UseQueryResult<JobForecast> {
  const api = useApi();
  return useForecast(
    ["job", jobId, "forecast", attempt, runs],
    (signal) =>
      answerOf(api.GET("/v1/jobs/{job_id}/forecast", { params: { path: { job_id: jobId } }, signal })),
    enabled,
  );
}

/**
 * Returns whether a job may be forecast unasked. The API reads its whole workflow for that, and a job does not say how
 * large its workflow is: it is known where the screen of the workflow was open in this tab.
 */
export function useIsFewJobs(workflowId: string | null): boolean {
  const queries = useQueryClient();
  const [isFew] = useState(() => {
    if (workflowId === null) return true;
    const progress = queries.getQueryData<Progress>(progressKey(workflowId));
    return progress !== undefined && jobsLeft(progress) <= MOST_UNASKED;
  });
  return isFew;
}

/**
 * Forecasts the workflows of a page of the list by `refetch` alone: it reads every job that is left of up to 20 of them.
 * `filters` are those of the page, with its cursor.
 */
export function useListForecast(filters: ListFilters, limit: number): UseQueryResult<WorkflowList> {
  const api = useApi();
  return useQuery({
    queryKey: ["workflows", filters, "forecast"],
    queryFn: ({ signal }) =>
      answerOf(
        api.GET("/v1/workflows", { params: { query: { ...filters, limit, forecast: true } }, signal }),
      ),
    // Only `refetch` reads it: an act that makes all that was read stale would ask again, and pay, for nobody.
    enabled: false,
    retry: false,
  });
}

/** Forecasts a workflow, again once it is held or goes on. Where it is not enabled it returns what was read elsewhere. */
export function useWorkflowForecast(
  workflowId: string,
  state: string,
  enabled: boolean,
): UseQueryResult<WorkflowForecast> {
  const api = useApi();
  return useForecast(
    ["workflow", workflowId, "forecast", state],
    (signal) =>
      answerOf(
        api.GET("/v1/workflows/{workflow_id}/forecast", {
          params: { path: { workflow_id: workflowId } },
          signal,
        }),
      ),
    enabled,
  );
}
